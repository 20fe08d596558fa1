#include "vfs/record/operation_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fuse.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "vfs/record/request_bytes.h"

namespace vfsprof::vfs {
namespace {

/// What stat of a list gives: the size of a regular file, else 0.
std::int64_t stat_result(const fuse_attr& attributes) {
  return S_ISREG(attributes.mode) ? static_cast<std::int64_t>(attributes.size) : 0;
}

/// Requests that no operation of a client stands for.
const char* reason_to_leave_out(std::uint32_t opcode) {
  switch (opcode) {
    case FUSE_FLUSH:
      return "flush, a part of close";
    case FUSE_STATFS:
      return "statfs";
    case FUSE_OPENDIR:
      return "opendir, a part of readdir";
    case FUSE_RELEASEDIR:
      return "releasedir, a part of readdir";
    case FUSE_ACCESS:
      return "access";
    case FUSE_GETXATTR:
    case FUSE_SETXATTR:
    case FUSE_LISTXATTR:
    case FUSE_REMOVEXATTR:
      return "extended attributes";
    default:
      return "other requests";
  }
}

}  // namespace

OperationLog::OperationLog(std::string_view summary) {
  lines_.push_back(
      first_line({.name = "recording", .summary = summary, .source = "vfsprof-mount --record"}));
  for (std::uint32_t fd = 0; fd < kMostFiles; ++fd) free_fds_.push_back(fd);
}

void OperationLog::add_request(std::uint64_t time_ns, std::span<const std::byte> message) {
  const auto header = read_as<fuse_in_header>(message);
  if (header.opcode == FUSE_INIT || header.opcode == FUSE_DESTROY) return;
  requests_[{time_ns, header.unique}] = {.time_ns = time_ns,
                                         .message = {message.begin(), message.end()},
                                         .reply = {},
                                         .reply_length = 0,
                                         .replied = false};
  times_[header.unique] = time_ns;
}

void OperationLog::add_reply(std::span<const std::byte> message, std::uint64_t length) {
  const auto header = read_as<fuse_out_header>(message);
  const auto time = times_.find(header.unique);
  if (time == times_.end()) return;
  Request& request = requests_[{time->second, header.unique}];
  times_.erase(time);
  request.reply.assign(message.begin(), message.end());
  request.reply_length = length;
  request.replied = true;
}

void OperationLog::translate(std::uint64_t complete_ns) {
  while (!requests_.empty()) {
    const auto first = requests_.begin();
    if (!first->second.replied || first->second.time_ns > complete_ns) return;
    translate(first->second);
    requests_.erase(first);
  }
}

void OperationLog::finish() {
  for (const auto& [key, request] : requests_) {
    if (request.replied) {
      translate(request);
    } else {
      leave_out("without a reply at the end");
    }
  }
  requests_.clear();
  while (!listings_.empty()) end_listing(listings_.begin()->first);
  lines_.push_back(names_.only_listed());
  lines_.push_back(end_line(operations_, left_out_));
}

std::string OperationLog::take() {
  // A directory that somebody reads and keeps open may not hold up the rest for ever.
  constexpr std::size_t kMostHeld = 200'000;
  if (lines_.size() > kMostHeld) {
    while (!listings_.empty()) end_listing(listings_.begin()->first);
  }
  std::uint64_t limit = taken_ + lines_.size();
  for (const auto& [directory, listing] : listings_) {
    if (!listing.ended) limit = std::min(limit, listing.line);
  }
  std::string text;
  for (; taken_ < limit; ++taken_) {
    text += lines_.front();
    lines_.pop_front();
  }
  return text;
}

unsigned OperationLog::client_of(std::uint32_t thread) {
  const auto [known, is_new] = clients_.try_emplace(thread, 0);
  if (is_new) {
    unsigned slot = used_slots_;
    if (slot == slots_.size()) {
      // The one that has been silent for longest shares its number from now on.
      slot = static_cast<unsigned>(std::ranges::min_element(slots_) - slots_.begin());
      clients_.erase(slots_[slot].second);
    } else {
      ++used_slots_;
    }
    slots_[slot].second = thread;
    clients_[thread] = slot;
    slots_[slot].first = ++uses_;
    return slot;
  }
  slots_[known->second].first = ++uses_;
  return known->second;
}

OperationLine OperationLog::start(const View& view, std::string_view op) const {
  return OperationLine({.client = view.client % kClients, .at_ns = view.time_ns, .op = op});
}

void OperationLog::put(const View& view, const OperationLine& line, std::int64_t result) {
  if (view.error != 0) result = -view.error;
  if (result < 0 && !is_repeatable(static_cast<int>(-result))) {
    return leave_out(fmt::format("failed with {}, which depends on the target",
                                 error_name(static_cast<int>(-result))));
  }
  lines_.push_back(line.with_result(result));
  ++operations_;
}

bool OperationLog::needs_path(const std::string& path) {
  if (path.empty()) leave_out("on a file that has no name any more");
  if (path.size() > kMostPathBytes) leave_out("a path that is too long for a list");
  return !path.empty() && path.size() <= kMostPathBytes;
}

void OperationLog::translate(const Request& request) {
  const auto header = read_as<fuse_in_header>(request.message);
  const auto reply = read_as<fuse_out_header>(request.reply);
  View view{
      .time_ns = request.time_ns,
      .node = header.nodeid,
      .opcode = header.opcode,
      .error = -reply.error,
      .body = std::span(request.message).subspan(std::min(request.message.size(), sizeof header)),
      .reply = std::span(request.reply).subspan(std::min(request.reply.size(), sizeof reply)),
      .reply_length =
          request.reply_length - std::min<std::uint64_t>(request.reply_length, sizeof reply)};
  // A thread of the kernel asks for nobody: its requests count for who used the file last.
  if (header.pid != 0) view.client = client_of(header.pid);
  translate_names(view);
}

void OperationLog::translate_names(const View& view) {
  switch (view.opcode) {
    case FUSE_LOOKUP:
      return look_up(view);
    case FUSE_GETATTR: {
      const std::string path = names_.path(view.node);
      if (!needs_path(path)) return;
      put(view, start(view, "stat").text("path", path),
          stat_result(read_as<fuse_attr_out>(view.reply).attr));
      return;
    }
    case FUSE_SETATTR:
      return set_attributes(view);
    case FUSE_MKNOD:
    case FUSE_MKDIR:
    case FUSE_SYMLINK:
      return make(view);
    case FUSE_CREATE:
      return create(view);
    case FUSE_UNLINK:
      return remove(view, "unlink");
    case FUSE_RMDIR:
      return remove(view, "rmdir");
    case FUSE_RENAME:
    case FUSE_RENAME2:
      return rename(view);
    case FUSE_LINK:
      return link(view);
    case FUSE_READLINK: {
      const std::string path = names_.path(view.node);
      if (!needs_path(path)) return;
      put(view, start(view, "readlink").text("path", path),
          static_cast<std::int64_t>(view.reply_length));
      return;
    }
    default:
      return translate_files(view);
  }
}

void OperationLog::translate_files(const View& view) {
  switch (view.opcode) {
    case FUSE_OPEN:
      return open(view);
    case FUSE_READ:
    case FUSE_WRITE:
    case FUSE_FSYNC:
      return transfer(view);
    case FUSE_RELEASE:
      return close(view);
    case FUSE_READDIR:
      return list(view);
    case FUSE_RELEASEDIR:
      end_listing(view.node);
      return leave_out(reason_to_leave_out(view.opcode));
    case FUSE_FSYNCDIR:
      return sync_directory(view);
    default:
      return leave_out(reason_to_leave_out(view.opcode));
  }
}

void OperationLog::look_up(const View& view) {
  const std::string_view name = text_in(view.body, 0);
  const auto entry = read_as<fuse_entry_out>(view.reply);
  if (view.error == 0 && entry.nodeid != 0) {
    const RecordedNames::Type type = type_of(entry.attr.mode);
    lines_.push_back(names_.found(view.node, name, entry.nodeid, {type, entry.attr.size}));
    if (type == RecordedNames::Type::kOther) return leave_out("on a device, pipe or socket");
  }
  const std::string path = names_.path(view.node, name);
  if (!needs_path(path)) return;
  const bool absent = view.error == 0 && entry.nodeid == 0;
  put(view, start(view, "stat").text("path", path), absent ? -ENOENT : stat_result(entry.attr));
}

void OperationLog::make(const View& view) {
  const std::size_t skip = view.opcode == FUSE_MKNOD   ? sizeof(fuse_mknod_in)
                           : view.opcode == FUSE_MKDIR ? sizeof(fuse_mkdir_in)
                                                       : 0;
  const std::string_view name = text_in(view.body, skip);
  const std::string path = names_.path(view.node, name);
  const auto mode = read_as<std::uint32_t>(view.body);
  names_change(view.node);
  if (view.error == 0) {
    names_.made(view.node, name, read_as<fuse_entry_out>(view.reply).nodeid);
  }
  if (!needs_path(path)) return;
  if (view.opcode == FUSE_MKDIR) {
    return put(view, start(view, "mkdir").text("path", path).mode(mode), 0);
  }
  if (view.opcode == FUSE_SYMLINK) {
    const std::string target = harmless_target(path, text_in(view.body, name.size() + 1));
    return put(view, start(view, "symlink").text("path", path).text("target", target), 0);
  }
  std::uint32_t fd = 0;
  if (!S_ISREG(mode)) return leave_out("on a device, pipe or socket");
  if (!take_fd(fd)) return;
  put(view, start(view, "create").text("path", path).number("fd", fd).mode(mode), 0);
  if (view.error == 0) put(view, start(view, "close").number("fd", fd), 0);
  free_fds_.push_back(fd);
}

void OperationLog::remove(const View& view, std::string_view op) {
  const std::string_view name = text_in(view.body, 0);
  const std::string path = names_.path(view.node, name);
  names_change(view.node);
  if (needs_path(path)) put(view, start(view, op).text("path", path), 0);
  if (view.error == 0) names_.removed(view.node, name);
}

void OperationLog::rename(const View& view) {
  const bool has_flags = view.opcode == FUSE_RENAME2;
  const auto in = read_as<fuse_rename2_in>(view.body);
  const std::uint32_t flags = has_flags ? in.flags : 0;
  const std::size_t skip = has_flags ? sizeof(fuse_rename2_in) : sizeof(fuse_rename_in);
  const std::string_view name = text_in(view.body, skip);
  const std::string_view to_name = text_in(view.body, skip + name.size() + 1);
  const std::string path = names_.path(view.node, name);
  const std::string to = names_.path(in.newdir, to_name);
  const auto put_rename = [&](const std::string& from, const std::string& target) {
    put(view, start(view, "rename").text("path", from).text("to", target), 0);
  };
  names_change(view.node);
  names_change(in.newdir);
  if (!needs_path(path) || !needs_path(to)) return;
  const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
  if (view.error != 0) {
    if (flags != 0) return leave_out("a failed renameat2 with flags");
    return put_rename(path, to);
  }
  if (!exchanges) {
    put_rename(path, to);
    return names_.renamed(view.node, name, in.newdir, to_name);
  }
  const std::string between = fmt::format(".vfsprof-exchange-{}", operations_);
  put_rename(path, between);
  put_rename(to, path);
  put_rename(between, to);
  names_.renamed(view.node, name, 1, between);
  names_.renamed(in.newdir, to_name, view.node, name);
  names_.renamed(1, between, in.newdir, to_name);
}

void OperationLog::link(const View& view) {
  const auto in = read_as<fuse_link_in>(view.body);
  const std::string_view name = text_in(view.body, sizeof in);
  const std::string path = names_.path(in.oldnodeid);
  const std::string to = names_.path(view.node, name);
  names_change(view.node);
  if (needs_path(path) && needs_path(to)) {
    put(view, start(view, "link").text("path", path).text("to", to), 0);
  }
  if (view.error == 0) names_.made(view.node, name, in.oldnodeid);
}

void OperationLog::set_attributes(const View& view) {
  const auto in = read_as<fuse_setattr_in>(view.body);
  if ((in.valid & FATTR_SIZE) != 0) {
    resize(view, in.size, (in.valid & FATTR_FH) != 0 ? &in.fh : nullptr);
  }
  const std::string path = names_.path(view.node);
  if (path == ".") return leave_out("changes of the top directory");
  const bool changes_others =
      (in.valid & (FATTR_MODE | FATTR_UID | FATTR_GID)) != 0 ||
      ((in.valid & (FATTR_ATIME | FATTR_MTIME)) != 0 && (in.valid & FATTR_SIZE) == 0);
  if (!changes_others || !needs_path(path)) return;
  if ((in.valid & FATTR_MODE) != 0)
    put(view, start(view, "chmod").text("path", path).mode(in.mode), 0);
  if ((in.valid & (FATTR_UID | FATTR_GID)) != 0) {
    put(view, start(view, "chown").text("path", path), 0);
  }
  if ((in.valid & (FATTR_ATIME | FATTR_MTIME)) != 0 && (in.valid & FATTR_SIZE) == 0) {
    put(view, start(view, "utimens").text("path", path), 0);
  }
}

}  // namespace vfsprof::vfs
