#include "vfs/fuse/operations.h"

#include <sys/statvfs.h>

#include <cstring>
#include <vector>

#include "vfs/base/file_clock.h"
#include "vfs/counters.h"
#include "vfs/fuse/handshake.h"
#include "vfs/fuse/reply.h"
#include "vfs/fuse/session_channel.h"

namespace vfsprof::vfs {
namespace {

void init(void* userdata, fuse_conn_info* connection) {
  auto& file_system = *static_cast<ServedFileSystem*>(userdata);
  file_system.refusal = shake_hands(file_system.options, *connection);
  if (file_system.refusal.empty()) file_system.on_started();
}

void lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  reply_to(request, [&]() -> Result<void> {
    const Result<Attributes> result = engine(request).lookup({InodeId{parent}, name});
    if (!result && result.error() == Errno{ENOENT}) {
      const fuse_entry_param absent{.ino = 0,
                                    .generation = 0,
                                    .attr = {},
                                    .attr_timeout = 0,
                                    .entry_timeout = kCacheTimeoutSeconds};
      fuse_reply_entry(request, &absent);
      return {};
    }
    if (!result) return Failure(result.error());
    send_entry(request, *result);
    return {};
  });
}

void forget(fuse_req_t request, fuse_ino_t inode, std::uint64_t lookups) {
  engine(request).forget(InodeId{inode}, lookups);
  fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets) {
  for (const fuse_forget_data& each : std::span(forgets, count)) {
    engine(request).forget(InodeId{each.ino}, each.nlookup);
  }
  fuse_reply_none(request);
}

void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info*) {
  reply_attributes(request, [&] { return engine(request).attributes(InodeId{inode}); });
}

void setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int to_set,
             fuse_file_info*) {
  AttributeChange change;
  if (to_set & FUSE_SET_ATTR_MODE) change.mode = wanted->st_mode;
  if (to_set & FUSE_SET_ATTR_UID) change.uid = wanted->st_uid;
  if (to_set & FUSE_SET_ATTR_GID) change.gid = wanted->st_gid;
  if (to_set & FUSE_SET_ATTR_SIZE) change.size = static_cast<std::uint64_t>(wanted->st_size);
  if (to_set & FUSE_SET_ATTR_ATIME) change.accessed = wanted->st_atim;
  if (to_set & FUSE_SET_ATTR_ATIME_NOW) change.accessed = file_time_now();
  if (to_set & FUSE_SET_ATTR_MTIME) change.modified = wanted->st_mtim;
  if (to_set & FUSE_SET_ATTR_MTIME_NOW) change.modified = file_time_now();
  reply_attributes(request, [&] { return engine(request).set_attributes(InodeId{inode}, change); });
}

void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  reply_entry(request, [&] {
    return engine(request).create_node({InodeId{parent}, name}, {.mode = mode, .device = device},
                                       caller(request));
  });
}

void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  reply_entry(request, [&] {
    return engine(request).create_node({InodeId{parent}, name}, {.mode = S_IFDIR | mode},
                                       caller(request));
  });
}

void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  reply_entry(request, [&] {
    return engine(request).create_symlink({InodeId{parent}, name}, target, caller(request));
  });
}

void link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t parent, const char* name) {
  reply_entry(request,
              [&] { return engine(request).link(InodeId{inode}, {InodeId{parent}, name}); });
}

void readlink(fuse_req_t request, fuse_ino_t inode) {
  reply_to(request, [&]() -> Result<void> {
    const Result<std::string> target = engine(request).read_symlink(InodeId{inode});
    if (!target) return Failure(target.error());
    fuse_reply_readlink(request, target->c_str());
    return {};
  });
}

void unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  reply_status(request, [&] { return engine(request).unlink({InodeId{parent}, name}); });
}

void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  reply_status(request, [&] { return engine(request).remove_directory({InodeId{parent}, name}); });
}

void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags) {
  reply_status(request, [&]() -> Result<void> {
    constexpr unsigned kKnown = RENAME_NOREPLACE | RENAME_EXCHANGE;
    if ((flags & ~kKnown) != 0) return fail(EINVAL);
    return engine(request).rename({InodeId{parent}, name}, {InodeId{new_parent}, new_name},
                                  {.no_replace = (flags & RENAME_NOREPLACE) != 0,
                                   .exchange = (flags & RENAME_EXCHANGE) != 0});
  });
}

/// What the kernel is told of a file that it has opened.
void set_open_file(fuse_req_t request, HandleId handle, fuse_file_info& file) {
  file.fh = handle.value;
  file.keep_cache = 1;
  file.direct_io = served(request).options.direct_io ? 1 : 0;
}

void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  reply_to(request, [&]() -> Result<void> {
    const Result<HandleId> handle = engine(request).open(InodeId{inode}, file->flags);
    if (!handle) return Failure(handle.error());
    set_open_file(request, *handle, *file);
    // The request ends with its reply (see send_entry): a failure has nobody to go to.
    Frontend& files = frontend(request);
    if (fuse_reply_open(request, file) == -ENOENT) (void)files.release(InodeId{inode}, *handle);
    return {};
  });
}

void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* file) {
  reply_to(request, [&]() -> Result<void> {
    const Result<Engine::Created> created = engine(request).create(
        {InodeId{parent}, name}, {.mode = S_IFREG | mode}, file->flags, caller(request));
    if (!created) return Failure(created.error());
    set_open_file(request, created->handle, *file);
    const fuse_entry_param entry = to_entry(created->attributes);
    const ServedFileSystem& files = served(request);
    if (fuse_reply_create(request, &entry, file) == -ENOENT) {
      const InodeId inode = created->attributes.inode;
      (void)files.frontend.release(inode, created->handle);
      files.engine.forget(inode, 1);
    }
    return {};
  });
}

/// The reply to a read, as that to a write below.
void reply_read(const ReadReply& reply, Result<std::span<const std::byte>> read) {
  auto* const request = static_cast<fuse_req_t>(reply.context);
  const ScopedReplyDescriptor replies(reply.descriptor);
  if (read) {
    fuse_reply_buf(request, reinterpret_cast<const char*>(read->data()), read->size());
  } else {
    fuse_reply_err(request, read.error().value);
  }
}

void read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info* file) {
  thread_local std::vector<std::byte> buffer;
  reply_to(request, [&]() -> Result<void> {
    if (buffer.size() < size) buffer.resize(size);
    frontend(request).read({.inode = InodeId{inode},
                            .handle = HandleId{file->fh},
                            .range = {.offset = static_cast<std::uint64_t>(offset), .size = size}},
                           buffer,
                           {.send = reply_read,
                            .context = request,
                            .descriptor = SessionChannel::current().descriptor()});
    return {};
  });
}

/// The reply to a write, from whichever thread finished it, on the descriptor that the request came
/// from.
void reply_write(const WriteReply& reply, Result<std::size_t> written) {
  auto* const request = static_cast<fuse_req_t>(reply.context);
  const ScopedReplyDescriptor replies(reply.descriptor);
  if (written) {
    fuse_reply_write(request, *written);
  } else {
    fuse_reply_err(request, written.error().value);
  }
}

/// The payload is in this thread's RequestBuffer, not where libfuse believes it to be.
void write(fuse_req_t request, fuse_ino_t inode, const char*, size_t size, off_t offset,
           fuse_file_info* file) {
  count(Counter::kBytesWritten, size);
  SessionChannel& channel = SessionChannel::current();
  frontend(request).write(
      {.inode = InodeId{inode},
       .handle = HandleId{file->fh},
       .offset = static_cast<std::uint64_t>(offset),
       .payload = channel.buffer().payload(size)},
      {.send = reply_write, .context = request, .descriptor = channel.descriptor()});
}

void flush(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  reply_status(request,
               [&] { return frontend(request).flush(InodeId{inode}, HandleId{file->fh}); });
}

void release(fuse_req_t request, fuse_ino_t inode, fuse_file_info* file) {
  reply_status(request,
               [&] { return frontend(request).release(InodeId{inode}, HandleId{file->fh}); });
}

void fsync(fuse_req_t request, fuse_ino_t inode, int data_only, fuse_file_info* file) {
  reply_status(request, [&] {
    return frontend(request).sync(InodeId{inode}, HandleId{file->fh},
                                  data_only != 0 ? SyncScope::kData : SyncScope::kDataAndMetadata);
  });
}

void opendir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  fuse_reply_open(request, file);
}

void readdir(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, fuse_file_info*) {
  reply_to(request, [&]() -> Result<void> {
    std::vector<char> buffer(size);
    std::size_t used = 0;
    const auto add = [&](const DirectoryEntry& entry) {
      struct stat stat{};
      stat.st_ino = entry.inode.value;
      stat.st_mode = entry.mode;
      const std::string name(entry.name);
      const std::size_t needed =
          fuse_add_direntry(request, buffer.data() + used, size - used, name.c_str(), &stat,
                            static_cast<off_t>(entry.next));
      if (needed > size - used) return false;
      used += needed;
      return true;
    };
    const Result<void> listed =
        engine(request).read_directory(InodeId{inode}, static_cast<std::uint64_t>(offset), add);
    if (!listed) return listed;
    fuse_reply_buf(request, buffer.data(), used);
    return {};
  });
}

void releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info*) { fuse_reply_err(request, 0); }

void fsyncdir(fuse_req_t request, fuse_ino_t inode, int, fuse_file_info*) {
  reply_status(request, [&] { return frontend(request).sync_directory(InodeId{inode}); });
}

void statfs(fuse_req_t request, fuse_ino_t) {
  reply_to(request, [&]() -> Result<void> {
    constexpr std::uint64_t kBlock = 4096;
    const FileSystemUsage usage = engine(request).usage();
    struct statvfs result{};
    result.f_bsize = kBlock;
    result.f_frsize = kBlock;
    result.f_blocks = usage.capacity_bytes / kBlock;
    const std::uint64_t used = std::min((usage.used_bytes + kBlock - 1) / kBlock,
                                        static_cast<std::uint64_t>(result.f_blocks));
    result.f_bfree = result.f_blocks - used;
    result.f_bavail = result.f_bfree;
    result.f_files = usage.inodes + result.f_bfree;
    result.f_ffree = result.f_bfree;
    result.f_favail = result.f_bfree;
    result.f_namemax = 255;
    fuse_reply_statfs(request, &result);
    return {};
  });
}

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops operations{};
  operations.init = init;
  operations.lookup = lookup;
  operations.forget = forget;
  operations.forget_multi = forget_multi;
  operations.getattr = getattr;
  operations.setattr = setattr;
  operations.readlink = readlink;
  operations.mknod = mknod;
  operations.mkdir = mkdir;
  operations.unlink = unlink;
  operations.rmdir = rmdir;
  operations.symlink = symlink;
  operations.rename = rename;
  operations.link = link;
  operations.open = open;
  operations.read = read;
  operations.write = write;
  operations.flush = flush;
  operations.release = release;
  operations.fsync = fsync;
  operations.opendir = opendir;
  operations.readdir = readdir;
  operations.releasedir = releasedir;
  operations.fsyncdir = fsyncdir;
  operations.statfs = statfs;
  operations.create = create;
  return operations;
}

}  // namespace

const fuse_lowlevel_ops& fuse_operations() {
  static const fuse_lowlevel_ops operations = make_operations();
  return operations;
}

}  // namespace vfsprof::vfs
