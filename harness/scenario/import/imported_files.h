#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/scenario/import/imported_list.h"

namespace vfsprof::harness {

/// A file as a log of system calls shows it.
struct ImportedFile {
  enum class Type { kFile, kDirectory, kSymlink };
  Type type = Type::kFile;
  std::string path;           ///< now; empty once it has no name
  bool existed = false;       ///< before the log began
  std::string original = {};  ///< path at the start, if it existed
  std::uint64_t initial = 0;  ///< bytes at the start, as far as is known
  std::uint64_t size = 0;     ///< bytes now
  bool changed = false;       ///< written to or cut
  /// The operation that created it, where it may have existed after all.
  std::optional<std::size_t> doubtful_creation = {};
};

/// Why an operation is left out whose file something made, or removed, that is not in the
/// recording.
inline constexpr const char* kMadeElsewhere = "on a file that something made which was left out";

/// Which files there are, and what must have existed before. Paths are relative; "." is the top.
class ImportedFiles {
 public:
  using File = std::shared_ptr<ImportedFile>;

  explicit ImportedFiles(ImportedList& list);

  /// Null if nothing is known of the path.
  File find(const std::string& path) const;
  /// The file that an operation has found there, which existed before if nobody made it; null where
  /// that cannot be: something made it that was left out, or that the log does not show.
  File found(const std::string& path, ImportedFile::Type type);
  /// Something new under the path. Null where it cannot be: its directory, or that nothing was
  /// there.
  File made(const std::string& path, ImportedFile::Type type);
  void linked(const File& file, const std::string& path);
  void removed(const std::string& path);
  void renamed(const std::string& from, const std::string& to);
  /// How many entries are known of a directory, "." and ".." included.
  std::uint64_t entries_of(const std::string& path) const;

  /// The file was seen to have this size, or at least to reach to `end`.
  void saw_size(ImportedFile& file, std::uint64_t size);
  void saw_data(ImportedFile& file, std::uint64_t end);
  void wrote(ImportedFile& file, std::uint64_t end);
  void resized(ImportedFile& file, std::uint64_t size);

  /// Tells the list what existed at the start.
  void finish();

 private:
  /// The name at the start of what the path names now; empty below what was not there then.
  std::string original_of(const std::string& path) const;
  void existed_after_all(ImportedFile& file);

  ImportedList& list_;
  std::map<std::string, File> files_;
  std::vector<File> existed_;
  std::set<std::string> used_;  ///< names at the start that can be found there no more
};

}  // namespace vfsprof::harness
