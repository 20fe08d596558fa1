#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/scenario/import/workload_import.h"

namespace vfsprof::harness {

/// One system call of a log, or the end of a thread (name "exit").
struct LoggedCall {
  std::uint64_t start_ns = 0;  ///< since the earliest line of the log
  std::uint64_t thread = 0;
  std::string name;
  std::vector<std::string> arguments = {};  ///< as printed
  std::int64_t result = 0;                  ///< or the negative errno
  std::string result_text = {};             ///< as printed, without an error's name

  /// Argument `i`, empty if there is none.
  std::string_view argument(std::size_t i) const {
    return i < arguments.size() ? std::string_view(arguments[i]) : std::string_view();
  }
};

/// A descriptor as -yy prints it: `3</path>`, `AT_FDCWD</directory>`.
struct LoggedDescriptor {
  std::int64_t number = -1;  ///< -100 for AT_FDCWD
  std::string path;          ///< empty if none was printed, or it is no file's
  bool is_deleted = false;
};
LoggedDescriptor read_descriptor(std::string_view text);

/// A C string as strace prints it; empty if the text is none.
std::optional<std::string> read_string(std::string_view text);
std::optional<std::int64_t> read_number(std::string_view text);
/// The value of `key=` within a printed structure: a number.
std::optional<std::int64_t> read_field(std::string_view text, std::string_view key);
bool has_flag(std::string_view flags, std::string_view flag);

/// The calls of a log of `strace -f -ttt`, in the order in which they began.
class StraceLog {
 public:
  /// Errors: BadInput with the line, for what is no line of such a log.
  explicit StraceLog(const WorkloadSource& source);

  std::vector<LoggedCall> calls;
  std::uint64_t without_result = 0;  ///< calls that had not returned when the log or thread ended

 private:
  struct Started {
    std::uint64_t start_ns = 0;
    std::string text;
  };
  void read_line(std::string_view line);
  void read_call(std::uint64_t thread, std::uint64_t start_ns, std::string_view text);
  [[noreturn]] void reject(const std::string& problem) const;

  const std::string& origin_;
  std::uint64_t line_ = 0;
  std::uint64_t first_ns_ = UINT64_MAX;  ///< the earliest time of a line so far
  std::uint64_t last_ns_ = 0;
  std::unordered_map<std::uint64_t, Started> started_;  ///< calls without their results, by thread
};

}  // namespace vfsprof::harness
