// System calls on open files.

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "harness/scenario/import/strace_import.h"
#include "vfs/record/operation_line.h"

namespace vfsprof::harness {
namespace {

using Type = ImportedFile::Type;
using Translator = StraceTranslator;

constexpr std::uint64_t kMostBlockBytes = 16 << 20;

std::string flags_of_list(std::string_view flags) {
  std::string out;
  if (has_flag(flags, "O_SYNC") || has_flag(flags, "O_DSYNC")) out += ",dsync";
  if (has_flag(flags, "O_APPEND")) out += ",append";
  if (has_flag(flags, "O_TRUNC")) out += ",truncate";
  if (has_flag(flags, "O_RDONLY")) out += ",read-only";
  return out.empty() ? out : out.substr(1);
}

/// Bytes that a vector of buffers asks for.
std::uint64_t size_of_vector(std::string_view text) {
  constexpr std::string_view kKey = "iov_len=";
  std::uint64_t size = 0;
  for (std::size_t at = 0; (at = text.find(kKey, at)) != std::string_view::npos; ++at) {
    size += static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, read_number(text.substr(at + kKey.size())).value_or(0)));
  }
  return size;
}

}  // namespace

void Translator::open(const LoggedCall& call) {
  const bool has_dir = call.name != "open" && call.name != "creat";
  const std::string path = path_of(call, {.at = 0, .has_dir = has_dir});
  if (path.empty()) {
    if (call.result >= 0) processes_.closed(call.thread, call.result);
    return;
  }
  std::string flags(call.name == "creat" ? "O_WRONLY|O_CREAT|O_TRUNC"
                                         : call.argument(has_dir ? 2 : 1));
  if (const std::size_t at = flags.find("flags="); at != std::string::npos) {
    flags = flags.substr(at + 6, flags.find_first_of(",}", at) - at - 6);
  }
  if (flags.find("O_TMPFILE") != std::string::npos) {
    return list_.leave_out("a file without a name (O_TMPFILE)");
  }
  if (call.result >= 0) {
    // The path that the kernel found: symbolic links on the way have been followed.
    const std::string real = processes_.below_root(read_descriptor(call.result_text).path);
    const bool is_elsewhere = read_descriptor(call.result_text).path.empty() ? false : real.empty();
    if (is_elsewhere) return list_.leave_out("outside of the root");
    open_file(call, real.empty() ? path : real, flags);
    return;
  }
  const auto fd = list_.take_fd();
  if (!fd || path == ".") return;
  const bool creates = has_flag(flags, "O_CREAT") && call.result == -EEXIST;
  if (call.result == -EEXIST || call.result == -EISDIR) {
    if (!files_.found(path, call.result == -EISDIR ? Type::kDirectory : Type::kFile)) return;
  }
  put(call, {.op = creates ? "create" : "open",
             .path = vfs::printable(path),
             .fd = fd,
             .flags = creates ? "" : flags_of_list(flags)});
  list_.free_fd(*fd);
}

bool Translator::open_file(const LoggedCall& call, const std::string& path,
                           std::string_view flags) {
  auto description = std::make_shared<OpenDescription>();
  const bool cloexec = has_flag(flags, "O_CLOEXEC");
  ImportedFiles::File file = files_.find(path);
  const bool creates = has_flag(flags, "O_CREAT") && !file;
  if (has_flag(flags, "O_DIRECTORY") || has_flag(flags, "O_PATH") ||
      (file && file->type == Type::kDirectory)) {
    description->file = files_.found(path, Type::kDirectory);
    if (description->file) processes_.opened(call.thread, call.result, description, cloexec);
    return true;
  }
  if (!file) file = creates ? files_.made(path, Type::kFile) : files_.found(path, Type::kFile);
  if (!file) {
    list_.leave_out(kMadeElsewhere);
    return false;
  }
  const auto fd = list_.take_fd();
  if (!fd) return false;
  std::string list_flags = flags_of_list(flags);
  ImportedOperation operation{.op = creates ? "create" : "open",
                              .path = vfs::printable(path),
                              .fd = fd,
                              .flags = list_flags,
                              .result = 0};
  if (creates) {
    const std::size_t at = call.name == "creat" ? 1 : call.name == "open" ? 2 : 3;
    operation.mode = static_cast<unsigned>(read_number(call.argument(at)).value_or(0644));
  }
  const auto number = list_.add(std::move(operation));
  ++mapped_[call.name];
  const bool sure = has_flag(flags, "O_EXCL") || has_flag(flags, "O_TRUNC");
  if (creates && !sure) file->doubtful_creation = number;
  if (has_flag(flags, "O_TRUNC")) files_.resized(*file, 0);
  description->file = file;
  description->fd = fd;
  description->appends = has_flag(flags, "O_APPEND");
  processes_.opened(call.thread, call.result, description, cloexec);
  return true;
}

void Translator::close(const LoggedCall& call) {
  if (!file_of(call, 0) || call.result < 0) return;
  processes_.closed(call.thread, read_descriptor(call.argument(0)).number);
  ++mapped_["close"];
}

void Translator::move_bytes(const LoggedProcesses::Description& file, bool is_read,
                            std::uint64_t offset, std::uint64_t size, const LoggedCall& call) {
  if (!file->fd) return list_.leave_out("on a directory as a file");
  if (size > kMostBlockBytes) return list_.leave_out("transfers of more than 16 MiB");
  if (call.result >= 0) {
    const std::uint64_t end = offset + static_cast<std::uint64_t>(call.result);
    if (is_read && call.result > 0) files_.saw_data(*file->file, end);
    if (!is_read && call.result > 0) files_.wrote(*file->file, end);
  }
  put(call, {.op = is_read ? "read" : "write",
             .fd = file->fd,
             .offset = offset,
             .size = size,
             .result = call.result});
}

void Translator::transfer(const LoggedCall& call) {
  const auto file = file_of(call, 0);
  if (!file) return;
  const bool is_read = call.name.find("read") != std::string::npos;
  const bool has_offset = call.name.starts_with('p');
  const bool is_vector = call.name.find('v') != std::string::npos;
  const auto size = is_vector ? static_cast<std::int64_t>(size_of_vector(call.argument(1)))
                              : read_number(call.argument(2)).value_or(0);
  std::uint64_t offset = file->offset;
  if (has_offset) {
    offset = static_cast<std::uint64_t>(read_number(call.argument(3)).value_or(0));
  } else if (file->appends && !is_read) {
    offset = file->file->size;
  }
  if (size < 0) return list_.leave_out("a transfer of a size that cannot be read");
  move_bytes(file, is_read, offset, static_cast<std::uint64_t>(size), call);
  if (!has_offset && call.result > 0) {
    file->offset = offset + static_cast<std::uint64_t>(call.result);
  }
}

/// copy_file_range and sendfile: a read and a write.
void Translator::copy(const LoggedCall& call) {
  const bool sends = call.name == "sendfile";
  const auto from = file_of(call, sends ? 1 : 0);
  const auto to = file_of(call, sends ? 0 : 2);
  if (call.result < 0) return list_.leave_out("a failed " + call.name);
  const auto done = static_cast<std::uint64_t>(call.result);
  const auto side = [&](const LoggedProcesses::Description& file, std::size_t at, bool is_read) {
    if (!file) return;
    const std::string_view text = call.argument(at);
    const bool own = sends && !is_read ? true : text == "NULL";
    const std::string_view number = text.starts_with('[') ? text.substr(1) : text;
    const std::uint64_t offset =
        own ? file->offset : static_cast<std::uint64_t>(read_number(number).value_or(0));
    if (done > 0) move_bytes(file, is_read, offset, done, call);
    if (own) file->offset += done;
  };
  side(from, sends ? 2 : 1, true);
  side(to, 3, false);
}

void Translator::seek(const LoggedCall& call) {
  const auto file = file_of(call, 0);
  if (!file || call.result < 0) return;
  const auto offset = read_number(call.argument(1)).value_or(0);
  if (call.argument(2) == "SEEK_END" && file->fd && call.result >= offset) {
    files_.saw_size(*file->file, static_cast<std::uint64_t>(call.result - offset));
  }
  file->offset = static_cast<std::uint64_t>(call.result);
  list_.leave_out("lseek, kept as offsets");
}

void Translator::sync(const LoggedCall& call) {
  const auto file = file_of(call, 0);
  if (!file) return;
  if (file->fd) {
    put(call, {.op = call.name == "fsync" ? "fsync" : "fdatasync", .fd = file->fd, .result = 0});
    return;
  }
  if (call.result < 0 || file->file->path.empty()) return;
  const auto fd = list_.take_fd();
  if (!fd) return;
  list_.add({.op = "open",
             .path = vfs::printable(file->file->path),
             .fd = fd,
             .flags = "read-only",
             .result = 0});
  put(call, {.op = "fsync", .fd = fd, .result = 0});
  list_.add({.op = "close", .fd = fd, .result = 0});
  list_.free_fd(*fd);
}

void Translator::truncate(const LoggedCall& call) {
  if (call.name == "truncate" || call.result < 0) {
    return list_.leave_out("truncate of a path, or one that failed");
  }
  const auto file = file_of(call, 0);
  if (!file || !file->fd) return;
  auto size = static_cast<std::uint64_t>(read_number(call.argument(1)).value_or(0));
  if (call.name == "fallocate") {
    if (call.argument(1) != "0") return list_.leave_out("fallocate with a mode");
    size = static_cast<std::uint64_t>(read_number(call.argument(2)).value_or(0) +
                                      read_number(call.argument(3)).value_or(0));
    if (size <= file->file->size) return list_.leave_out("fallocate of what the file has");
  }
  files_.resized(*file->file, size);
  put(call, {.op = "truncate", .fd = file->fd, .size = size, .result = 0});
}

void Translator::list(const LoggedCall& call) {
  const auto file = file_of(call, 0);
  if (!file || call.result < 0 || file->file->path.empty()) return;
  if (call.result > 0) {
    const std::string_view text = call.argument(1);
    const std::size_t at = text.find("/* ");
    if (at != std::string_view::npos) {
      file->entries += static_cast<std::uint64_t>(read_number(text.substr(at + 3)).value_or(0));
    }
    return;
  }
  if (file->entries == 0) return;  // read to its end before
  ImportedOperation operation{.op = "readdir", .path = vfs::printable(file->file->path)};
  // Where entries are not known by name the listing of a replay is shorter.
  if (files_.entries_of(file->file->path) == file->entries) {
    operation.result = static_cast<std::int64_t>(file->entries);
  } else {
    list_.leave_out("the result of a listing with entries that nothing else names");
  }
  file->entries = 0;
  put(call, std::move(operation));
}

void Translator::duplicate(const LoggedCall& call) {
  if (call.result < 0) return;
  processes_.duplicated(call.thread, read_descriptor(call.argument(0)).number, call.result,
                        has_flag(call.argument(2), "O_CLOEXEC"));
}

void Translator::control(const LoggedCall& call) {
  const std::int64_t number = read_descriptor(call.argument(0)).number;
  const std::string_view command = call.argument(1);
  if (call.result >= 0 && command.starts_with("F_DUPFD")) {
    return processes_.duplicated(call.thread, number, call.result, command == "F_DUPFD_CLOEXEC");
  }
  if (command == "F_SETFD") {
    return processes_.set_close_on_exec(call.thread, number,
                                        has_flag(call.argument(2), "FD_CLOEXEC"));
  }
  if (processes_.find(call.thread, number)) list_.leave_out("locks and flags of files (fcntl)");
}

void Translator::map(const LoggedCall& call) {
  const std::int64_t number = read_descriptor(call.argument(4)).number;
  if (number >= 0 && processes_.find(call.thread, number)) {
    list_.leave_out("mmap of a file: what is read and written through memory is not in the log");
  }
}

}  // namespace vfsprof::harness
