#include "vfs/null_engine.h"

#include <unistd.h>

namespace vfsprof::vfs {
namespace {

template <class T>
Result<void> without_value(const Result<T>& result) {
  if (!result) return Failure(result.error());
  return {};
}

}  // namespace

NullEngine::NullEngine() : names_({.uid = ::getuid(), .gid = ::getgid()}, [](InodeId) {}) {}

Result<void> NullEngine::unlink(EntryName entry) { return without_value(names_.unlink(entry)); }

Result<void> NullEngine::remove_directory(EntryName entry) {
  return without_value(names_.remove_directory(entry));
}

Result<void> NullEngine::rename(EntryName from, EntryName to, RenameFlags flags) {
  return without_value(names_.rename(from, to, flags));
}

Result<HandleId> NullEngine::open(InodeId inode, int) {
  if (const auto opened = names_.add_open(inode); !opened) return Failure(opened.error());
  return HandleId{inode.value};  // nothing is kept for a handle, so all of a file may be one
}

Result<Engine::Created> NullEngine::create(EntryName entry, NewNode node, int flags,
                                           Caller caller) {
  const Result<Attributes> attributes = names_.create_node(entry, node, caller);
  if (!attributes) return Failure(attributes.error());
  const Result<HandleId> handle = open(attributes->inode, flags);
  if (!handle) {
    names_.forget(attributes->inode, 1);
    return Failure(handle.error());
  }
  return Created{.attributes = *attributes, .handle = *handle};
}

Result<void> NullEngine::release(InodeId inode, HandleId) {
  names_.drop_open(inode);
  return {};
}

}  // namespace vfsprof::vfs
