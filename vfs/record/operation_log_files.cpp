#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fuse.h>

#include "vfs/record/operation_log.h"
#include "vfs/record/request_bytes.h"

// Requests on open files and directories.

namespace vfsprof::vfs {

bool OperationLog::take_fd(std::uint32_t& fd) {
  if (free_fds_.empty()) {
    leave_out(fmt::format("on more than {} files open at a time", kMostFiles));
    return false;
  }
  fd = free_fds_.front();
  free_fds_.pop_front();
  return true;
}

void OperationLog::create(const View& view) {
  const auto in = read_as<fuse_create_in>(view.body);
  const std::string_view name = text_in(view.body, sizeof in);
  const std::string path = names_.path(view.node, name);
  names_change(view.node);
  if (view.error == 0) {
    names_.made(view.node, name, read_as<fuse_entry_out>(view.reply).nodeid);
  }
  std::uint32_t fd = 0;
  if (!needs_path(path) || !take_fd(fd)) return;
  put(view,
      start(view, "create")
          .text("path", path)
          .number("fd", fd)
          .mode(in.mode)
          .flags((in.flags & O_APPEND) != 0 ? "append" : ""),
      0);
  if (view.error != 0) return free_fds_.push_back(fd);
  const auto opened = read_as<fuse_open_out>(
      view.reply.subspan(std::min(view.reply.size(), sizeof(fuse_entry_out))));
  files_[opened.fh] = {.fd = fd, .client = view.client % kClients};
}

void OperationLog::open(const View& view) {
  const auto in = read_as<fuse_open_in>(view.body);
  const std::string path = names_.path(view.node);
  std::uint32_t fd = 0;
  if (!needs_path(path) || !take_fd(fd)) return;
  std::string flags;
  if ((in.flags & O_APPEND) != 0) flags += ",append";
  if ((in.flags & O_TRUNC) != 0) flags += ",truncate";
  if ((in.flags & O_ACCMODE) == O_RDONLY) flags += ",read-only";
  put(view,
      start(view, "open")
          .text("path", path)
          .number("fd", fd)
          .flags(flags.empty() ? flags : flags.substr(1)),
      0);
  if (view.error != 0) return free_fds_.push_back(fd);
  files_[read_as<fuse_open_out>(view.reply).fh] = {.fd = fd, .client = view.client % kClients};
}

OperationLog::OpenFile* OperationLog::file_of(const View& view, std::uint64_t handle) {
  const auto found = files_.find(handle);
  if (found == files_.end()) {
    leave_out("on a file whose opening was left out");
    return nullptr;
  }
  if (view.client < kClients) found->second.client = view.client;
  return &found->second;
}

void OperationLog::transfer(const View& view) {
  // Each of the three begins with the handle.
  OpenFile* const file = file_of(view, read_as<std::uint64_t>(view.body));
  if (file == nullptr) return;
  View own = view;
  own.client = file->client;
  const auto put_transfer = [&](std::string_view op, std::uint64_t offset, std::uint64_t size,
                                std::uint64_t done) {
    put(own, start(own, op).number("fd", file->fd).number("offset", offset).number("size", size),
        static_cast<std::int64_t>(done));
  };
  if (view.opcode == FUSE_READ) {
    const auto in = read_as<fuse_read_in>(view.body);
    put_transfer("read", in.offset, in.size, view.reply_length);
  } else if (view.opcode == FUSE_WRITE) {
    const auto in = read_as<fuse_write_in>(view.body);
    put_transfer("write", in.offset, in.size, read_as<fuse_write_out>(view.reply).size);
  } else {
    const auto in = read_as<fuse_fsync_in>(view.body);
    const bool data_only = (in.fsync_flags & FUSE_FSYNC_FDATASYNC) != 0;
    put(own, start(own, data_only ? "fdatasync" : "fsync").number("fd", file->fd), 0);
  }
}

void OperationLog::close(const View& view) {
  const auto handle = read_as<fuse_release_in>(view.body).fh;
  OpenFile* const file = file_of(view, handle);
  if (file == nullptr) return;
  View own = view;
  own.client = file->client;
  own.error = 0;  // the handle is gone whatever is returned, and nobody hears of it
  put(own, start(own, "close").number("fd", file->fd), 0);
  free_fds_.push_back(file->fd);
  files_.erase(handle);
}

void OperationLog::resize(const View& view, std::uint64_t size, const std::uint64_t* handle) {
  if (handle != nullptr) {
    OpenFile* const file = file_of(view, *handle);
    if (file == nullptr) return;
    return put(view, start(view, "truncate").number("fd", file->fd).number("size", size), 0);
  }
  const std::string path = names_.path(view.node);
  std::uint32_t fd = 0;
  if (!needs_path(path)) return;
  if (view.error != 0) return leave_out("a failed truncate of a path");
  if (!take_fd(fd)) return;
  put(view, start(view, "open").text("path", path).number("fd", fd), 0);
  put(view, start(view, "truncate").number("fd", fd).number("size", size), 0);
  put(view, start(view, "close").number("fd", fd), 0);
  free_fds_.push_back(fd);
}

void OperationLog::list(const View& view) {
  if (view.error != 0) return leave_out("a listing that failed");
  const auto in = read_as<fuse_read_in>(view.body);
  if (in.offset == 0) {
    end_listing(view.node);
    const std::string path = names_.path(view.node);
    if (!needs_path(path)) return;
    listings_.emplace(view.node, Listing{.line = taken_ + lines_.size(),
                                         .text = start(view, "readdir").text("path", path)});
    lines_.emplace_back();
  }
  const auto found = listings_.find(view.node);
  if (found == listings_.end() || found->second.ended) return;
  Listing& listing = found->second;
  std::span<const std::byte> rest = view.reply;
  listing.parts += rest.empty() ? 0 : 1;
  while (rest.size() > sizeof(fuse_dirent)) {
    const auto entry = read_as<fuse_dirent>(rest);
    const std::size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + std::size_t{entry.namelen});
    const std::string_view name = text_in(rest, FUSE_NAME_OFFSET).substr(0, entry.namelen);
    ++listing.entries;
    if (name != "." && name != "..") names_.listed(view.node, name, type_of(entry.type << 12U));
    rest = rest.subspan(std::min(size, rest.size()));
  }
  if (!view.reply.empty()) return;
  // In one part it is as the directory was when it began, whatever changed since.
  const bool is_certain = listing.parts < 2 || !listing.names_changed;
  std::string& line = lines_[listing.line - taken_];
  line = is_certain ? listing.text.with_result(static_cast<std::int64_t>(listing.entries))
                    : listing.text.with_any_success();
  if (!is_certain) leave_out("the result of a listing while names changed");
  ++operations_;
  listing.ended = true;
}

/// The directory was closed, or is read from its start again.
void OperationLog::end_listing(std::uint64_t directory) {
  const auto listing = listings_.find(directory);
  if (listing == listings_.end()) return;
  if (!listing->second.ended) leave_out("a listing that was not read to its end");
  listings_.erase(listing);
}

void OperationLog::names_change(std::uint64_t directory) {
  const auto listing = listings_.find(directory);
  if (listing != listings_.end()) listing->second.names_changed = true;
}

void OperationLog::sync_directory(const View& view) {
  const std::string path = names_.path(view.node);
  std::uint32_t fd = 0;
  if (view.error != 0) return leave_out("a failed fsync of a directory");
  if (!needs_path(path) || !take_fd(fd)) return;
  const auto in = read_as<fuse_fsync_in>(view.body);
  const bool data_only = (in.fsync_flags & FUSE_FSYNC_FDATASYNC) != 0;
  put(view, start(view, "open").text("path", path).number("fd", fd).flags("read-only"), 0);
  put(view, start(view, data_only ? "fdatasync" : "fsync").number("fd", fd), 0);
  put(view, start(view, "close").number("fd", fd), 0);
  free_fds_.push_back(fd);
}

}  // namespace vfsprof::vfs
