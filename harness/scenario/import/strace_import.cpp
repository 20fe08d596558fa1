#include "harness/scenario/import/strace_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "harness/error.h"
#include "vfs/record/operation_line.h"

namespace vfsprof::harness {

constexpr const char* kMovesTheTop = "removing or moving --root, or a directory into itself";

using Type = ImportedFile::Type;
using Translator = StraceTranslator;

// THE list of system calls that are read.
const Translator::NamedHandler Translator::kHandlers[] = {
    {"open", &Translator::open},
    {"openat", &Translator::open},
    {"openat2", &Translator::open},
    {"creat", &Translator::open},
    {"close", &Translator::close},
    {"read", &Translator::transfer},
    {"write", &Translator::transfer},
    {"pread64", &Translator::transfer},
    {"pwrite64", &Translator::transfer},
    {"readv", &Translator::transfer},
    {"writev", &Translator::transfer},
    {"preadv", &Translator::transfer},
    {"pwritev", &Translator::transfer},
    {"copy_file_range", &Translator::copy},
    {"sendfile", &Translator::copy},
    {"lseek", &Translator::seek},
    {"fsync", &Translator::sync},
    {"fdatasync", &Translator::sync},
    {"truncate", &Translator::truncate},
    {"ftruncate", &Translator::truncate},
    {"fallocate", &Translator::truncate},
    {"getdents64", &Translator::list},
    {"getdents", &Translator::list},
    {"dup", &Translator::duplicate},
    {"dup2", &Translator::duplicate},
    {"dup3", &Translator::duplicate},
    {"fcntl", &Translator::control},
    {"mmap", &Translator::map},
    {"stat", &Translator::stat},
    {"lstat", &Translator::stat},
    {"newfstatat", &Translator::stat},
    {"statx", &Translator::stat},
    {"fstat", &Translator::fstat},
    {"access", &Translator::access},
    {"faccessat", &Translator::access},
    {"faccessat2", &Translator::access},
    {"mkdir", &Translator::make_directory},
    {"mkdirat", &Translator::make_directory},
    {"unlink", &Translator::remove},
    {"unlinkat", &Translator::remove},
    {"rmdir", &Translator::remove},
    {"rename", &Translator::rename},
    {"renameat", &Translator::rename},
    {"renameat2", &Translator::rename},
    {"link", &Translator::link},
    {"linkat", &Translator::link},
    {"symlink", &Translator::symlink},
    {"symlinkat", &Translator::symlink},
    {"readlink", &Translator::read_link},
    {"readlinkat", &Translator::read_link},
    {"chmod", &Translator::change_attribute},
    {"fchmod", &Translator::change_attribute},
    {"fchmodat", &Translator::change_attribute},
    {"chown", &Translator::change_attribute},
    {"lchown", &Translator::change_attribute},
    {"fchown", &Translator::change_attribute},
    {"fchownat", &Translator::change_attribute},
    {"utimensat", &Translator::change_attribute},
    {"clone", &Translator::fork},
    {"clone3", &Translator::fork},
    {"fork", &Translator::fork},
    {"vfork", &Translator::fork},
    {"execve", &Translator::execute},
    {"exit", &Translator::end},
    {"chdir", &Translator::change_directory},
    {"fchdir", &Translator::change_directory},
};

namespace {

bool has_directory(const LoggedCall& call) {
  return call.name.ends_with("at") || call.name == "newfstatat" || call.name == "openat2" ||
         call.name == "renameat2" || call.name == "faccessat2" || call.name == "statx";
}

}  // namespace

void Translator::add(const LoggedCall& call) {
  list_.now(call.thread, call.start_ns);
  const auto handler = std::ranges::find(kHandlers, call.name, &NamedHandler::name);
  if (handler == std::end(kHandlers)) {
    return list_.leave_out("calls that are no operation of a list");
  }
  (this->*handler->handle)(call);
}

ImportedWorkload Translator::finish(const std::string& name, std::uint64_t read,
                                    std::uint64_t cut_off) {
  files_.finish();
  if (cut_off > 0) list_.leave_out("without a result", cut_off);
  return list_.finish("strace", name, read, std::move(mapped_));
}

std::string Translator::path_of(const LoggedCall& call, Place place) {
  const auto text = read_string(call.argument(place.at + (place.has_dir ? 1 : 0)));
  const LoggedDescriptor directory =
      place.has_dir ? read_descriptor(call.argument(place.at)) : LoggedDescriptor{};
  const bool empty_path =
      call.arguments.size() > place.at && place.has_dir && call.argument(place.at + 1) == "NULL";
  if (!text && !empty_path) return {};
  const std::string path =
      processes_.resolve(call.thread, text.value_or(""), place.has_dir ? &directory : nullptr);
  if (path.empty()) list_.leave_out("outside of the root");
  return path.size() > 4000 ? std::string() : path;
}

LoggedProcesses::Description Translator::file_of(const LoggedCall& call, std::size_t at) {
  const LoggedDescriptor descriptor = read_descriptor(call.argument(at));
  LoggedProcesses::Description file = processes_.find(call.thread, descriptor.number);
  if (file) return file;
  const bool is_below = !descriptor.path.empty() && !processes_.below_root(descriptor.path).empty();
  list_.leave_out(is_below ? "on a file that was opened before the log began"
                           : "outside of the root");
  return nullptr;
}

bool Translator::put(const LoggedCall& call, ImportedOperation operation) {
  if (call.result < 0) operation.result = call.result;
  if (!list_.add(std::move(operation))) return false;
  ++mapped_[call.name];
  return true;
}

bool Translator::saw(const LoggedCall& call, const std::string& path, Type type) {
  if (call.result < 0 || path == "." || files_.found(path, type)) return true;
  list_.leave_out(kMadeElsewhere);
  return false;
}

void Translator::put_stat(const LoggedCall& call, const std::string& path) {
  std::string status;
  for (const std::string& argument : call.arguments) {
    if (argument.find("st_mode=") != std::string::npos ||
        argument.find("stx_mode=") != std::string::npos) {
      status = argument;
    }
  }
  const bool is_file = status.find("S_IFREG") != std::string::npos;
  const Type type = is_file                                       ? Type::kFile
                    : status.find("S_IFLNK") != std::string::npos ? Type::kSymlink
                                                                  : Type::kDirectory;
  if (call.result >= 0 && type == Type::kDirectory && status.find("S_IFDIR") == std::string::npos &&
      !status.empty()) {
    return list_.leave_out("on a device, pipe or socket");
  }
  if (!saw(call, path, type)) return;
  const auto size = status.find("stx_size=") != std::string::npos ? read_field(status, "stx_size=")
                                                                  : read_field(status, "st_size=");
  ImportedOperation operation{.op = "stat", .path = vfs::printable(path)};
  const ImportedFiles::File file = files_.find(path);
  // A link that was followed is another file.
  const bool is_same = file && file->type == type;
  if (call.result >= 0 && size && is_same && type != Type::kDirectory) {
    files_.saw_size(*file, static_cast<std::uint64_t>(*size));
  }
  if (is_file && is_same) operation.result = size;
  if (!is_file && is_same) operation.result = 0;
  put(call, std::move(operation));
}

void Translator::stat(const LoggedCall& call) {
  const bool has_dir = has_directory(call);
  if (has_dir && read_string(call.argument(1)).value_or("").empty()) return fstat(call);
  const std::string path = path_of(call, {.at = 0, .has_dir = has_dir});
  if (!path.empty()) put_stat(call, path);
}

void Translator::fstat(const LoggedCall& call) {
  const LoggedDescriptor descriptor = read_descriptor(call.argument(0));
  if (descriptor.number == -100) return put_stat(call, processes_.below_root(descriptor.path));
  const auto file = file_of(call, 0);
  if (!file) return;
  if (file->file->path.empty()) return list_.leave_out("stat of a file that has no name any more");
  put_stat(call, file->file->path);
}

void Translator::access(const LoggedCall& call) {
  const std::string path = path_of(call, {.at = 0, .has_dir = call.name != "access"});
  if (path.empty()) return;
  const ImportedFiles::File known = files_.find(path);
  if (!saw(call, path, Type::kFile)) return;
  put(call, {.op = "stat", .path = vfs::printable(path)});
}

void Translator::make_directory(const LoggedCall& call) {
  const bool has_dir = has_directory(call);
  const std::string path = path_of(call, {.at = 0, .has_dir = has_dir});
  if (path.empty() || path == ".") return;
  if (call.result == -EEXIST && !files_.found(path, Type::kDirectory)) return;
  if (call.result >= 0 && !files_.made(path, Type::kDirectory)) {
    return list_.leave_out(kMadeElsewhere);
  }
  put(call,
      {.op = "mkdir",
       .path = vfs::printable(path),
       .mode = static_cast<unsigned>(read_number(call.argument(has_dir ? 2 : 1)).value_or(0755)),
       .result = 0});
}

void Translator::remove(const LoggedCall& call) {
  const std::string path = path_of(call, {.at = 0, .has_dir = has_directory(call)});
  if (path.empty()) return;
  if (path == ".") return list_.leave_out(kMovesTheTop);
  const bool is_directory = call.name == "rmdir" || has_flag(call.argument(2), "AT_REMOVEDIR");
  if (!saw(call, path, is_directory ? Type::kDirectory : Type::kFile)) return;
  put(call, {.op = is_directory ? "rmdir" : "unlink", .path = vfs::printable(path), .result = 0});
  if (call.result >= 0) files_.removed(path);
}

void Translator::rename(const LoggedCall& call) {
  const bool has_dir = has_directory(call);
  const std::string from = path_of(call, {.at = 0, .has_dir = has_dir});
  const std::string to = path_of(call, {.at = has_dir ? 2U : 1U, .has_dir = has_dir});
  if (from.empty() || to.empty()) return;
  if (from == "." || to == "." || to.starts_with(from + "/")) return list_.leave_out(kMovesTheTop);
  const std::string_view flags = call.argument(4);
  if (has_flag(flags, "RENAME_EXCHANGE") ||
      (call.result < 0 && has_flag(flags, "RENAME_NOREPLACE"))) {
    return list_.leave_out("renameat2 that exchanges, or failed with flags");
  }
  if (!saw(call, from, Type::kFile)) return;
  put(call, {.op = "rename", .path = vfs::printable(from), .to = vfs::printable(to), .result = 0});
  if (call.result >= 0) files_.renamed(from, to);
}

void Translator::link(const LoggedCall& call) {
  const bool has_dir = has_directory(call);
  const std::string from = path_of(call, {.at = 0, .has_dir = has_dir});
  const std::string to = path_of(call, {.at = has_dir ? 2U : 1U, .has_dir = has_dir});
  if (from.empty() || to.empty() || !saw(call, from, Type::kFile)) return;
  if (call.result >= 0 && files_.find(to)) {
    return list_.leave_out(kMadeElsewhere);
  }
  put(call, {.op = "link", .path = vfs::printable(from), .to = vfs::printable(to), .result = 0});
  if (call.result >= 0) files_.linked(files_.find(from), to);
}

void Translator::symlink(const LoggedCall& call) {
  const auto target = read_string(call.argument(0));
  const std::string path = path_of(call, {.at = 1, .has_dir = has_directory(call)});
  if (!target || path.empty()) return;
  if (call.result >= 0) {
    const ImportedFiles::File file = files_.made(path, Type::kSymlink);
    if (!file) return list_.leave_out(kMadeElsewhere);
    file->size = target->size();
  }
  put(call, {.op = "symlink",
             .path = vfs::printable(path),
             .target = vfs::printable(vfs::harmless_target(path, *target)),
             .result = 0});
}

void Translator::read_link(const LoggedCall& call) {
  const std::string path = path_of(call, {.at = 0, .has_dir = has_directory(call)});
  if (path.empty() || !saw(call, path, call.result < 0 ? Type::kFile : Type::kSymlink)) return;
  const ImportedFiles::File file = files_.find(path);
  if (call.result >= 0 && file) files_.saw_size(*file, static_cast<std::uint64_t>(call.result));
  put(call, {.op = "readlink", .path = vfs::printable(path), .result = call.result});
}

void Translator::change_attribute(const LoggedCall& call) {
  const bool has_dir = has_directory(call);
  const bool by_fd = call.name == "fchmod" || call.name == "fchown" ||
                     (has_dir && (call.argument(1) == "NULL" || call.argument(1) == "\"\""));
  std::string path;
  if (by_fd) {
    const auto file = file_of(call, 0);
    if (!file) return;
    path = file->file->path;
  } else {
    path = path_of(call, {.at = 0, .has_dir = has_dir});
  }
  if (path.empty() || path == "." || !saw(call, path, Type::kFile)) return;
  ImportedOperation operation{.op = "utimens", .path = vfs::printable(path), .result = 0};
  if (call.name.find("chown") != std::string::npos) operation.op = "chown";
  if (call.name.find("chmod") != std::string::npos) {
    operation.op = "chmod";
    operation.mode =
        static_cast<unsigned>(read_number(call.argument(has_dir ? 2 : 1)).value_or(0644));
  }
  put(call, std::move(operation));
}

void Translator::fork(const LoggedCall& call) {
  if (call.result <= 0) return;
  std::string flags;
  for (const std::string& argument : call.arguments) flags += argument;
  const bool shares = flags.find("CLONE_FILES") != std::string::npos;
  processes_.forked(call.thread, static_cast<std::uint64_t>(call.result), shares);
}

void Translator::execute(const LoggedCall& call) {
  if (call.result >= 0) processes_.executed(call.thread);
}

void Translator::end(const LoggedCall& call) { processes_.ended(call.thread); }

void Translator::change_directory(const LoggedCall& call) {
  if (call.result < 0) return;
  if (call.name == "fchdir") {
    return processes_.moved(call.thread, read_descriptor(call.argument(0)).path);
  }
  const std::string path = read_string(call.argument(0)).value_or("");
  if (path.starts_with('/')) return processes_.moved(call.thread, path);
  processes_.moved_by(call.thread, path);
}

bool is_strace_log(std::string_view start) {
  // `1234  1700000000.123456 execve(`, with or without the thread.
  const std::string_view line = start.substr(0, start.find('\n'));
  const std::size_t dot = line.find('.');
  const std::size_t call = line.find('(');
  return dot != std::string_view::npos && call != std::string_view::npos && dot < call &&
         dot >= 9 &&
         line.substr(dot - 9, 9).find_first_not_of("0123456789") == std::string_view::npos;
}

ImportedWorkload import_strace_log(std::span<const WorkloadSource> sources,
                                   const WorkloadImportOptions& options) {
  if (sources.size() > 1) {
    throw BadInput("one strace log at a time: strace -f writes all processes to one file (-o)");
  }
  std::string root = std::filesystem::path(options.root).lexically_normal().string();
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  const StraceLog log(sources.front());
  StraceTranslator translator(root == "/" ? "" : root);
  for (const LoggedCall& call : log.calls) translator.add(call);
  return translator.finish(
      "strace log " + std::filesystem::path(sources.front().name).filename().string(),
      log.calls.size() + log.without_result, log.without_result);
}

}  // namespace vfsprof::harness
