#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "harness/scenario/import/imported_files.h"
#include "harness/scenario/import/imported_list.h"
#include "harness/scenario/import/strace_log.h"
#include "harness/scenario/import/strace_processes.h"

namespace vfsprof::harness {

/// System calls of a log as operations of a list.
class StraceTranslator {
 public:
  explicit StraceTranslator(const std::string& root) : processes_(list_, root) {}

  void add(const LoggedCall& call);
  ImportedWorkload finish(const std::string& name, std::uint64_t read, std::uint64_t cut_off);

 private:
  using Handler = void (StraceTranslator::*)(const LoggedCall&);
  struct NamedHandler {
    std::string_view name;
    Handler handle;
  };
  static const NamedHandler kHandlers[];

  /// The path that the arguments from `at` on name; of a call with a directory first if `has_dir`.
  struct Place {
    std::size_t at = 0;
    bool has_dir = false;
  };
  std::string path_of(const LoggedCall& call, Place place);
  LoggedProcesses::Description file_of(const LoggedCall& call, std::size_t at);
  bool put(const LoggedCall& call, ImportedOperation operation);
  /// Whether a file is known there, after the call has succeeded.
  bool saw(const LoggedCall& call, const std::string& path, ImportedFile::Type type);

  // Names (strace_import.cpp).
  void stat(const LoggedCall& call);
  void fstat(const LoggedCall& call);
  void access(const LoggedCall& call);
  void make_directory(const LoggedCall& call);
  void remove(const LoggedCall& call);
  void rename(const LoggedCall& call);
  void link(const LoggedCall& call);
  void symlink(const LoggedCall& call);
  void read_link(const LoggedCall& call);
  void change_attribute(const LoggedCall& call);
  void put_stat(const LoggedCall& call, const std::string& path);

  // Open files (strace_files.cpp).
  void open(const LoggedCall& call);
  void close(const LoggedCall& call);
  void transfer(const LoggedCall& call);
  void copy(const LoggedCall& call);
  void move_bytes(const LoggedProcesses::Description& file, bool is_read, std::uint64_t offset,
                  std::uint64_t size, const LoggedCall& call);
  void seek(const LoggedCall& call);
  void sync(const LoggedCall& call);
  void truncate(const LoggedCall& call);
  void list(const LoggedCall& call);
  void duplicate(const LoggedCall& call);
  void control(const LoggedCall& call);
  void map(const LoggedCall& call);
  bool open_file(const LoggedCall& call, const std::string& path, std::string_view flags);

  // Processes.
  void fork(const LoggedCall& call);
  void execute(const LoggedCall& call);
  void end(const LoggedCall& call);
  void change_directory(const LoggedCall& call);

  ImportedList list_;
  ImportedFiles files_{list_};
  LoggedProcesses processes_;
  std::map<std::string, std::uint64_t> mapped_;
};

}  // namespace vfsprof::harness
