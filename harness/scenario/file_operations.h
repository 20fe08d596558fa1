#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/scenario/operation.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

class InProcessFileSystem;

// Where operations are carried out: here, and in harness/inproc. Each class has the same two
// members, and a client is compiled for each (client_worker.cpp), so that a call costs no
// indirection:
//   std::int64_t execute(const Operation&, const std::byte* data, std::span<std::byte> buffer);
//     the result or the negative errno; `data` is what a write writes, reads go into `buffer`
//   bool keeps_data() const;  // whether what is written can be read again

/// Where to carry out a client's operations.
struct FilesOptions {
  int directory = -1;                         ///< names are relative to it
  std::span<const std::string> names;         ///< outlive the object
  std::size_t fds = 0;                        ///< numbers of open files
  InProcessFileSystem* in_process = nullptr;  ///< instead of `directory`
  /// Open files that several clients share, instead of some of its own; or null.
  std::vector<UniqueFd>* shared_files = nullptr;
  /// There may be symbolic links below the directory: each name's directory is opened without
  /// following any, two system calls more. Without links a name leads nowhere else.
  bool guarded = false;
};

/// Flags of open(2) for a create or open.
int open_flags(const Operation& operation);
/// What a symbolic link is to hold.
std::string link_text(const Operation& operation, std::span<const std::string> names);

/// System calls below a directory. Nothing outside of it is reached: names are relative and have no
/// `..` (their parsers see to that), and no symbolic link is followed. Files are created with
/// O_EXCL.
class SystemCalls {
 public:
  explicit SystemCalls(const FilesOptions& options);
  bool keeps_data() const { return true; }
  std::int64_t execute(const Operation& operation, const std::byte* data,
                       std::span<std::byte> buffer);

 private:
  std::int64_t transfer(const Operation& operation, const std::byte* data,
                        std::span<std::byte> buffer);
  std::int64_t change_name(const Operation& operation, std::span<std::byte> buffer);
  std::int64_t change_attribute(const Operation& operation, const std::byte* data,
                                std::span<std::byte> buffer);
  std::int64_t change_inode(const Operation& operation);
  std::int64_t open_file(const Operation& operation);
  std::int64_t list(const Operation& operation);
  int open_beneath(const std::string& name, int flags, unsigned mode) const;
  /// A name's last part, and the directory to look it up in.
  struct Place {
    UniqueFd opened;
    int directory = -1;  ///< negative: it cannot be reached, see errno
    const char* name = nullptr;
  };
  Place place_of(const std::string& name) const;

  int directory_;
  std::span<const std::string> names_;
  std::vector<UniqueFd> own_;
  std::vector<UniqueFd>& fds_;
  bool has_openat2_;
  bool guarded_;
};

/// Nothing at all: every operation succeeds at once. What remains is the cost of the generator.
class NullCalls {
 public:
  explicit NullCalls(const FilesOptions&) {}
  bool keeps_data() const { return false; }
  std::int64_t execute(const Operation& operation, const std::byte*, std::span<std::byte>) {
    if (operation.expected != kInFull) return operation.expected;
    return moves_data(operation.kind) ? static_cast<std::int64_t>(operation.size) : 0;
  }
};

}  // namespace vfsprof::harness
