#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace vfsprof::vfs {

/// One line of an operation list (scenarios/README.md, "Operations").
class OperationLine {
 public:
  struct Start {
    unsigned client = 0;
    std::uint64_t at_ns = 0;  ///< after the recording began
    std::string_view op;
  };
  explicit OperationLine(const Start& start);

  OperationLine& text(std::string_view key, std::string_view value);
  OperationLine& number(std::string_view key, std::uint64_t value);
  OperationLine& mode(unsigned permissions);
  /// Names separated by commas; none for an empty text.
  OperationLine& flags(std::string_view names);
  /// The line with its end. `result`: a number, or a negative errno that `is_repeatable`.
  std::string with_result(std::int64_t result) const;
  /// The same where any success is right.
  std::string with_any_success() const;

 private:
  void key(std::string_view name);

  std::string line_;
};

/// Whether an error depends on the files alone, so that it comes again on another target.
bool is_repeatable(int error);
/// "ENOENT".
std::string error_name(int error);

/// A name or path as operation lists hold it: bytes that are no printable UTF-8 as %XX.
std::string printable(std::string_view name);
/// Levels below the top at which a relative path ends that begins `start` levels below it; -1 if it
/// ever leads above the top.
int depth_of(std::string_view path, int start);
/// The text of a symbolic link at `link`, or as many underscores if it leads out of the top.
std::string harmless_target(std::string_view link, std::string_view target);

/// What a line of its own says before the operations: a file, directory or symlink that exists at
/// the start. `size` in bytes, of a file.
std::string existing_file(std::string_view path, std::uint64_t size);
std::string existing_directory(std::string_view path);
std::string existing_symlink(std::string_view path, std::string_view target);

/// The first line.
struct ListHeader {
  std::string_view name;
  std::string_view summary;
  std::string_view source;  ///< what wrote the list
};
std::string first_line(const ListHeader& header);
/// The last line.
std::string end_line(std::uint64_t operations,
                     const std::map<std::string, std::uint64_t>& left_out);

}  // namespace vfsprof::vfs
