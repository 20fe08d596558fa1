#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace vfsprof::vfs {

/// Which paths the inodes of a mount have, as far as its requests tell; and what of it existed
/// before the first of them. Inode 1 is the top, ".".
class RecordedNames {
 public:
  enum class Type { kFile, kDirectory, kSymlink, kOther };
  struct Found {
    Type type = Type::kFile;
    std::uint64_t size = 0;  ///< bytes
  };

  RecordedNames();

  /// The path of an inode; empty if it has none any more.
  std::string path(std::uint64_t node) const;
  /// The path of a name in a directory; empty if that has none.
  std::string path(std::uint64_t parent, std::string_view name) const;

  /// A request made the name.
  void made(std::uint64_t parent, std::string_view name, std::uint64_t node);
  /// A look-up found it. Returns the line that says that it existed before, or an empty text.
  std::string found(std::uint64_t parent, std::string_view name, std::uint64_t node, Found what);
  /// A listing named it.
  void listed(std::uint64_t parent, std::string_view name, Type type);
  void removed(std::uint64_t parent, std::string_view name);
  void renamed(std::uint64_t parent, std::string_view name, std::uint64_t to_parent,
               std::string_view to_name);
  /// Lines for what listings named and nobody looked up: it existed, its size does not matter.
  std::string only_listed() const;

 private:
  using Name = std::pair<std::uint64_t, std::string>;  ///< directory, name
  struct Node {
    std::vector<Name> names;
    std::string original;  ///< path at the start, of what existed then
    bool existed = false;
  };

  std::string original_path(std::uint64_t parent, std::string_view name) const;

  std::unordered_map<std::uint64_t, Node> nodes_;
  std::map<Name, std::uint64_t> children_;
  std::map<Name, std::pair<std::string, Type>> listed_;  ///< path at the start
};

}  // namespace vfsprof::vfs
