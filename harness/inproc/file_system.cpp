#include "harness/inproc/file_system.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "harness/error.h"
#include "vfs/base/result.h"
#include "vfs/null_engine.h"
#include "vfs/variant.h"
#include "vfs/wait_counts.h"
#include "vfs/word_names.h"

namespace vfsprof::harness {
namespace {

using vfs::Counter;

/// What this thread starts runs on one CPU until the end of the scope.
class StartOnCpu {
 public:
  explicit StartOnCpu(int cpu) : changed_(cpu >= 0) {
    if (!changed_) return;
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(cpu), &set);
    ::sched_setaffinity(0, sizeof set, &set);
  }
  ~StartOnCpu() {
    if (changed_) ::sched_setaffinity(0, sizeof before_, &before_);
  }
  StartOnCpu(const StartOnCpu&) = delete;
  StartOnCpu& operator=(const StartOnCpu&) = delete;

 private:
  bool changed_;
  cpu_set_t before_{};
};

/// Before the first thread counts.
void publish(const std::string& page) {
  if (page.empty()) return;
  if (!vfs::publish_counters(page.c_str()) || !vfs::publish_word_names((page + ".words").c_str()) ||
      !vfs::publish_wait_counts((page + ".waits").c_str())) {
    throw EnvironmentError(
        fmt::format("cannot write the counter page {}: {}; choose another place with --work-dir",
                    page, describe(Errno{errno})));
  }
}

mode_t current_umask() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return mask;
}

template <class T>
Result<void> without_value(const Result<T>& result) {
  if (!result) return Failure(result.error());
  return {};
}

}  // namespace

InProcessFileSystem::InProcessFileSystem(const InProcessSetup& setup)
    : options_((publish(setup.counter_page), vfs::parse_variant(setup.variant).options)),
      keeps_data_(vfs::parse_variant(setup.variant).has_strategies()),
      lockstep_(setup.lockstep),
      umask_(current_umask()),
      caller_{.uid = ::geteuid(), .gid = ::getegid()},
      store_(vfs::open_store(setup.store)),
      workers_((StartOnCpu(setup.engine_cpu), keeps_data_ ? vfs::kWorkers : 0)) {
  const StartOnCpu cpu(setup.engine_cpu);
  const vfs::Variant variant = vfs::parse_variant(setup.variant);
  engine_ = vfs::make_engine(variant, {.cache_directory = setup.cache_directory,
                                       .memory_budget_bytes = std::uint64_t{4} << 30,
                                       .store = store_.get(),
                                       .spawn = [this](std::function<void()> work) {
                                         workers_.post_work(std::move(work));
                                       }});
  frontend_ = keeps_data_ ? vfs::make_frontend(variant.executor(), *engine_, workers_)
                          : std::make_unique<vfs::DirectFrontend>(*engine_);
  const Result<vfs::Attributes> root = engine_->attributes(kRootInode);
  if (!root) throw EnvironmentError("the file system has no root directory");
  // Nothing looked the root up, so there is nothing to forget.
  names_.set("", std::make_shared<CachedFile>(*root, [](const CachedFile&) {}));
}

InProcessFileSystem::~InProcessFileSystem() = default;

/// Takes in what a lookup or a new name told. The reply counts as one lookup.
CachedFilePointer InProcessFileSystem::add(const std::string& path,
                                           const vfs::Attributes& attributes) {
  CachedFilePointer file = names_.known(attributes.inode);
  if (file) {
    renew(*file, attributes);
  } else {
    file = std::make_shared<CachedFile>(attributes, [this](const CachedFile& ended) {
      vfs::count(Counter::kRequests);
      vfs::count(Counter::kForgetRequests);
      engine_->forget(ended.inode, ended.lookups.load());
      if (lockstep_) workers_.wait_until_idle();
    });
    names_.note(file);
  }
  file->lookups.fetch_add(1);
  names_.set(path, file);
  return file;
}

void InProcessFileSystem::renew(CachedFile& file, const vfs::Attributes& attributes) const {
  file.mode.store(attributes.mode);
  // Where no contents are kept, nobody else knows the size.
  if (keeps_data_) file.size_bytes.store(attributes.size);
  file.attributes_known.store(true);
}

Result<InProcessFileSystem::Place> InProcessFileSystem::place_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const bool in_root = slash == std::string::npos;
  const Result<CachedFilePointer> directory = resolve_locked(in_root ? "" : path.substr(0, slash));
  if (!directory) return Failure(directory.error());
  if (!S_ISDIR((*directory)->mode.load())) return fail(ENOTDIR);
  return Place{*directory, std::string_view(path).substr(in_root ? 0 : slash + 1)};
}

Result<CachedFilePointer> InProcessFileSystem::resolve_locked(const std::string& path) {
  if (const NameCache::Entry* const entry = names_.find(path)) {
    if (!entry->file) return fail(ENOENT);
    return entry->file;
  }
  const Result<Place> place = place_of(path);
  if (!place) return Failure(place.error());
  const Result<vfs::Attributes> found =
      request(Counter::kLookupRequests, [&] { return engine_->lookup(place->entry()); });
  if (found) return add(path, *found);
  if (found.error() == Errno{ENOENT}) names_.set(path, nullptr);
  return Failure(found.error());
}

Result<CachedFilePointer> InProcessFileSystem::resolve(const std::string& path) {
  {
    const std::shared_lock lock(names_.mutex());
    if (const NameCache::Entry* const entry = names_.find(path)) {
      if (!entry->file) return fail(ENOENT);
      return entry->file;
    }
  }
  const std::unique_lock lock(names_.mutex());
  return resolve_locked(path);
}

Result<void> InProcessFileSystem::must_be_absent(const std::string& path) {
  const Result<CachedFilePointer> found = resolve_locked(path);
  if (found) return fail(EEXIST);
  if (found.error() == Errno{ENOENT}) return {};
  return Failure(found.error());
}

Result<InProcessHandle> InProcessFileSystem::open(const std::string& path, int flags, mode_t mode) {
  if ((flags & O_CREAT) != 0) return create(path, flags, mode);
  const Result<CachedFilePointer> file = resolve(path);
  if (!file) return Failure(file.error());
  if (S_ISLNK((*file)->mode.load())) return fail(ELOOP);
  if (S_ISDIR((*file)->mode.load())) return fail(EISDIR);
  const Result<HandleId> handle = request(
      Counter::kOpenRequests, [&] { return engine_->open((*file)->inode, flags & ~O_CLOEXEC); });
  if (!handle) return Failure(handle.error());
  if ((flags & O_TRUNC) != 0) {
    (*file)->size_bytes.store(0);
    (*file)->attributes_known.store(false);
  }
  return InProcessHandle{*file, *handle, (flags & O_APPEND) != 0, (flags & O_DSYNC) != 0};
}

Result<InProcessHandle> InProcessFileSystem::create(const std::string& path, int flags,
                                                    mode_t mode) {
  const std::unique_lock lock(names_.mutex());
  if (const Result<void> absent = must_be_absent(path); !absent) return Failure(absent.error());
  const Result<Place> place = place_of(path);
  if (!place) return Failure(place.error());
  const Result<vfs::Engine::Created> created = request(Counter::kCreateRequests, [&] {
    return engine_->create(place->entry(), {.mode = S_IFREG | (mode & ~umask_)}, flags, caller_);
  });
  if (!created) return Failure(created.error());
  place->directory->attributes_known.store(false);
  return InProcessHandle{add(path, created->attributes), created->handle, (flags & O_APPEND) != 0,
                         (flags & O_DSYNC) != 0};
}

Result<void> InProcessFileSystem::close(InProcessHandle& open) {
  const InProcessHandle closed = std::exchange(open, {});  // forgotten after it is released
  const InodeId inode = closed.file->inode;
  const Result<void> flushed =
      request(Counter::kFlushRequests, [&] { return frontend_->flush(inode, closed.handle); });
  // Nobody hears of a failed release, as on a mount.
  (void)request(Counter::kReleaseRequests,
                [&] { return frontend_->release(inode, closed.handle); });
  return flushed;
}

Result<void> InProcessFileSystem::sync(InProcessHandle& open, vfs::SyncScope scope) {
  return request(Counter::kFsyncRequests,
                 [&] { return frontend_->sync(open.file->inode, open.handle, scope); });
}

Result<void> InProcessFileSystem::truncate(InProcessHandle& open, std::uint64_t size_bytes) {
  const Result<vfs::Attributes> changed = request(Counter::kSetattrRequests, [&] {
    return engine_->set_attributes(open.file->inode, {.size = size_bytes});
  });
  if (!changed) return Failure(changed.error());
  open.file->size_bytes.store(size_bytes);
  renew(*open.file, *changed);
  return {};
}

Result<InProcessFileSystem::Status> InProcessFileSystem::status(const std::string& path) {
  const Result<CachedFilePointer> file = resolve(path);
  if (!file) return Failure(file.error());
  if (!(*file)->attributes_known.load()) {
    const Result<vfs::Attributes> attributes =
        request(Counter::kGetattrRequests, [&] { return engine_->attributes((*file)->inode); });
    if (!attributes) return Failure(attributes.error());
    renew(**file, *attributes);
  }
  return Status{(*file)->mode.load(), (*file)->size_bytes.load()};
}

Result<void> InProcessFileSystem::change(const std::string& path,
                                         const vfs::AttributeChange& change) {
  const Result<CachedFilePointer> file = resolve(path);
  if (!file) return Failure(file.error());
  if (S_ISLNK((*file)->mode.load()) && change.mode) return fail(ELOOP);
  const Result<vfs::Attributes> changed = request(
      Counter::kSetattrRequests, [&] { return engine_->set_attributes((*file)->inode, change); });
  if (!changed) return Failure(changed.error());
  renew(**file, *changed);
  return {};
}

Result<CachedFilePointer> InProcessFileSystem::make_node(
    const std::string& path, Counter kind,
    const std::function<Result<vfs::Attributes>(const Place&)>& make) {
  const std::unique_lock lock(names_.mutex());
  if (const Result<void> absent = must_be_absent(path); !absent) return Failure(absent.error());
  const Result<Place> place = place_of(path);
  if (!place) return Failure(place.error());
  const Result<vfs::Attributes> made = request(kind, [&] { return make(*place); });
  if (!made) return Failure(made.error());
  place->directory->attributes_known.store(false);
  return add(path, *made);
}

Result<void> InProcessFileSystem::make_directory(const std::string& path, mode_t mode) {
  return without_value(make_node(path, Counter::kMkdirRequests, [&](const Place& place) {
    return engine_->create_node(place.entry(), {.mode = S_IFDIR | (mode & ~umask_)}, caller_);
  }));
}

Result<void> InProcessFileSystem::make_symlink(const std::string& path, const std::string& text) {
  return without_value(make_node(path, Counter::kSymlinkRequests, [&](const Place& place) {
    return engine_->create_symlink(place.entry(), text, caller_);
  }));
}

Result<void> InProcessFileSystem::link(const std::string& from, const std::string& to) {
  const Result<CachedFilePointer> file = resolve(from);
  if (!file) return Failure(file.error());
  if (S_ISDIR((*file)->mode.load())) return fail(EPERM);
  return without_value(make_node(to, Counter::kLinkRequests, [&](const Place& place) {
    return engine_->link((*file)->inode, place.entry());
  }));
}

Result<void> InProcessFileSystem::remove(const std::string& path, bool directory) {
  CachedFilePointer dropped;  // goes, and is forgotten, after the lock
  const std::unique_lock lock(names_.mutex());
  const Result<CachedFilePointer> file = resolve_locked(path);
  if (!file) return Failure(file.error());
  if (S_ISDIR((*file)->mode.load()) != directory) return fail(directory ? ENOTDIR : EISDIR);
  const Result<Place> place = place_of(path);
  if (!place) return Failure(place.error());
  const Result<void> removed =
      directory
          ? request(Counter::kRmdirRequests,
                    [&] { return engine_->remove_directory(place->entry()); })
          : request(Counter::kUnlinkRequests, [&] { return engine_->unlink(place->entry()); });
  if (!removed) return removed;
  (*file)->attributes_known.store(false);
  place->directory->attributes_known.store(false);
  dropped = *file;
  names_.drop(path);
  return {};
}

Result<void> InProcessFileSystem::remove_directory(const std::string& path) {
  return remove(path, true);
}

Result<void> InProcessFileSystem::unlink(const std::string& path) { return remove(path, false); }

Result<void> InProcessFileSystem::rename(const std::string& from, const std::string& to) {
  std::vector<CachedFilePointer> dropped;  // go after the lock
  const std::unique_lock lock(names_.mutex());
  const Result<CachedFilePointer> file = resolve_locked(from);
  if (!file) return Failure(file.error());
  if (const Result<CachedFilePointer> target = resolve_locked(to)) dropped.push_back(*target);
  const Result<Place> old_place = place_of(from);
  if (!old_place) return Failure(old_place.error());
  const Result<Place> new_place = place_of(to);
  if (!new_place) return Failure(new_place.error());
  const Result<void> renamed = request(Counter::kRenameRequests, [&] {
    return engine_->rename(old_place->entry(), new_place->entry(), {});
  });
  if (!renamed || from == to) return renamed;
  if (!dropped.empty()) dropped.front()->attributes_known.store(false);
  (*file)->attributes_known.store(false);
  old_place->directory->attributes_known.store(false);
  new_place->directory->attributes_known.store(false);
  if (S_ISDIR((*file)->mode.load())) {
    for (CachedFilePointer& below : names_.drop_below(from)) dropped.push_back(std::move(below));
  }
  names_.drop(to);
  names_.drop(from);
  names_.set(to, *file);
  return {};
}

Result<std::string> InProcessFileSystem::read_symlink(const std::string& path) {
  const Result<CachedFilePointer> file = resolve(path);
  if (!file) return Failure(file.error());
  if (!S_ISLNK((*file)->mode.load())) return fail(EINVAL);
  (*file)->attributes_known.store(false);  // its time of access
  return request(Counter::kReadlinkRequests, [&] { return engine_->read_symlink((*file)->inode); });
}

Result<std::vector<std::string>> InProcessFileSystem::list(const std::string& path) {
  const Result<CachedFilePointer> directory = resolve(path);
  if (!directory) return Failure(directory.error());
  if (!S_ISDIR((*directory)->mode.load())) return fail(ENOTDIR);
  const InodeId inode = (*directory)->inode;
  (void)request(Counter::kOpendirRequests, [] { return Result<void>(); });
  // As much as the kernel asks for at a time, in the space that an entry takes there.
  constexpr std::size_t kReplyBytes = 4096;
  std::vector<std::string> names;
  std::uint64_t cookie = 0;
  Result<void> listed;
  for (std::size_t before = SIZE_MAX; listed && before != names.size();) {
    before = names.size();
    std::size_t used_bytes = 0;
    const auto add_entry = [&](const vfs::DirectoryEntry& entry) {
      const std::size_t entry_bytes = (24 + entry.name.size() + 7) / 8 * 8;
      if (used_bytes + entry_bytes > kReplyBytes) return false;
      used_bytes += entry_bytes;
      names.emplace_back(entry.name);
      cookie = entry.next;
      return true;
    };
    listed = request(Counter::kReaddirRequests,
                     [&] { return engine_->read_directory(inode, cookie, add_entry); });
  }
  (void)request(Counter::kReleasedirRequests, [] { return Result<void>(); });
  (*directory)->attributes_known.store(false);  // its time of access
  if (!listed) return Failure(listed.error());
  return names;
}

}  // namespace vfsprof::harness
