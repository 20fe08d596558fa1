#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::harness {

/// A file that somebody else's tool wrote.
struct WorkloadSource {
  std::string name;
  std::string text;
};

struct WorkloadImportOptions {
  std::string root;  ///< directory whose files the workload is about, absolute
};

/// A workload as a recording, and what became of what was read.
struct ImportedWorkload {
  std::string recording;                          ///< JSON lines
  std::uint64_t read = 0;                         ///< calls or actions
  std::map<std::string, std::uint64_t> mapped;    ///< by name, those that became operations
  std::map<std::string, std::uint64_t> left_out;  ///< by reason
};

/// How a format is told and read.
struct WorkloadFormat {
  std::string_view name;
  std::string_view summary;
  bool needs_root;
  bool (*recognises)(std::string_view start);  ///< by how the file begins
  /// Several files are of clients that ran at the same time. Errors: BadInput with file and line.
  ImportedWorkload (*import)(std::span<const WorkloadSource> sources,
                             const WorkloadImportOptions& options);
};

/// All formats, from THE list.
std::span<const WorkloadFormat> workload_formats();

bool is_strace_log(std::string_view start);
ImportedWorkload import_strace_log(std::span<const WorkloadSource> sources,
                                   const WorkloadImportOptions& options);
bool is_fio_iolog(std::string_view start);
ImportedWorkload import_fio_iolog(std::span<const WorkloadSource> sources,
                                  const WorkloadImportOptions& options);

}  // namespace vfsprof::harness
