#pragma once

// What a request comes with, and how it is replied to.

#include <sys/stat.h>

#include <cerrno>
#include <new>

#include "vfs/engine.h"
#include "vfs/executor/frontend.h"
#include "vfs/fuse/operations.h"

namespace vfsprof::vfs {

// Nobody but the kernel changes the files, so it may keep what it knows until it changes them
// itself. No clock has a say in how many requests a workload makes.
inline constexpr double kCacheTimeoutSeconds = 86'400.0;

inline ServedFileSystem& served(fuse_req_t request) {
  return *static_cast<ServedFileSystem*>(fuse_req_userdata(request));
}
inline Engine& engine(fuse_req_t request) { return served(request).engine; }
inline Frontend& frontend(fuse_req_t request) { return served(request).frontend; }

inline Caller caller(fuse_req_t request) {
  const fuse_ctx* const context = fuse_req_ctx(request);
  return {.uid = context->uid, .gid = context->gid};
}

inline struct stat to_stat(const Attributes& attributes) {
  struct stat result{};
  result.st_ino = attributes.inode.value;
  result.st_mode = attributes.mode;
  result.st_nlink = attributes.links;
  result.st_uid = attributes.uid;
  result.st_gid = attributes.gid;
  result.st_rdev = attributes.device;
  result.st_size = static_cast<off_t>(attributes.size);
  result.st_blksize = 4096;
  result.st_blocks = static_cast<blkcnt_t>((attributes.size + 511) / 512);
  result.st_atim = attributes.accessed;
  result.st_mtim = attributes.modified;
  result.st_ctim = attributes.changed;
  return result;
}

inline fuse_entry_param to_entry(const Attributes& attributes) {
  fuse_entry_param entry{};
  entry.ino = attributes.inode.value;
  entry.generation = 1;  // inode numbers are never used twice
  entry.attr = to_stat(attributes);
  entry.attr_timeout = kCacheTimeoutSeconds;
  entry.entry_timeout = kCacheTimeoutSeconds;
  return entry;
}

/// Runs `handle`, which replies on success and returns an Errno to reply otherwise. Memory that
/// runs out is an errno too.
template <class Handle>
void reply_to(fuse_req_t request, Handle handle) {
  int error = 0;
  try {
    if (const Result<void> result = handle(); !result) error = result.error().value;
  } catch (const std::bad_alloc&) {
    error = ENOMEM;
  }
  if (error != 0) fuse_reply_err(request, error);
}

/// For operations whose reply is only whether they succeeded.
template <class Handle>
void reply_status(fuse_req_t request, Handle handle) {
  reply_to(request, [&]() -> Result<void> {
    const Result<void> result = handle();
    if (result) fuse_reply_err(request, 0);
    return result;
  });
}

/// Replies with an inode whose look-up was counted. A reply ends its request, so nothing of that is
/// used afterwards.
inline void send_entry(fuse_req_t request, const Attributes& attributes) {
  Engine& files = engine(request);
  const fuse_entry_param entry = to_entry(attributes);
  // The kernel gave up on the request (the connection was aborted): it will not forget what it
  // never saw.
  if (fuse_reply_entry(request, &entry) == -ENOENT) files.forget(attributes.inode, 1);
}

template <class Handle>
void reply_entry(fuse_req_t request, Handle handle) {
  reply_to(request, [&]() -> Result<void> {
    const Result<Attributes> result = handle();
    if (!result) return Failure(result.error());
    send_entry(request, *result);
    return {};
  });
}

template <class Handle>
void reply_attributes(fuse_req_t request, Handle handle) {
  reply_to(request, [&]() -> Result<void> {
    const Result<Attributes> result = handle();
    if (!result) return Failure(result.error());
    const struct stat stat = to_stat(*result);
    fuse_reply_attr(request, &stat, kCacheTimeoutSeconds);
    return {};
  });
}

}  // namespace vfsprof::vfs
