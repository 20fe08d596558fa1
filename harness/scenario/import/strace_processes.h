#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "harness/scenario/import/imported_files.h"
#include "harness/scenario/import/imported_list.h"
#include "harness/scenario/import/strace_log.h"

namespace vfsprof::harness {

/// What open(2) made, and dup(2) and fork(2) share.
struct OpenDescription {
  ImportedFiles::File file;
  std::optional<std::uint32_t> fd = {};  ///< in the recording; none for a directory
  std::uint64_t offset = 0;
  bool appends = false;
  bool syncs = false;         ///< O_SYNC or O_DSYNC
  std::uint64_t entries = 0;  ///< of a directory, listed so far
};

/// The processes of a log: who has which files open, and where it is. Only files below the root are
/// known.
class LoggedProcesses {
 public:
  using Description = std::shared_ptr<OpenDescription>;

  LoggedProcesses(ImportedList& list, std::string root) : list_(list), root_(std::move(root)) {}

  /// The open file behind a descriptor; null if it is none below the root.
  Description find(std::uint64_t thread, std::int64_t number);
  void opened(std::uint64_t thread, std::int64_t number, Description description, bool cloexec);
  void duplicated(std::uint64_t thread, std::int64_t from, std::int64_t to, bool cloexec);
  void closed(std::uint64_t thread, std::int64_t number);
  void set_close_on_exec(std::uint64_t thread, std::int64_t number, bool on);
  void forked(std::uint64_t thread, std::uint64_t child, bool shares_files);
  void executed(std::uint64_t thread);
  void ended(std::uint64_t thread);
  void moved(std::uint64_t thread, const std::string& directory);
  /// The same, relative to where the thread is.
  void moved_by(std::uint64_t thread, const std::string& path);

  /// A path below the root, relative to it: "." for the root. Empty for one outside, or where it is
  /// relative to a directory that is not known.
  std::string below_root(const std::string& absolute) const;
  std::string resolve(std::uint64_t thread, const std::string& path,
                      const LoggedDescriptor* directory = nullptr);

 private:
  struct Slot {
    Description description;
    bool cloexec = false;
  };
  using Table = std::map<std::int64_t, Slot>;
  struct Thread {
    std::shared_ptr<Table> files = std::make_shared<Table>();
    std::string directory = {};  ///< absolute; empty if unknown
  };

  void drop(Description description);

  ImportedList& list_;
  const std::string root_;
  std::unordered_map<std::uint64_t, Thread> threads_;
};

}  // namespace vfsprof::harness
