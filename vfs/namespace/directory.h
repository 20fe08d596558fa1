#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "vfs/base/ids.h"

namespace vfsprof::vfs {

/// The entries of one directory, by name and by cookie.
///
/// A cookie is a hash of the name, the next free number where two collide, and stays with the
/// entry. An order of arrival would let a loop that renames each entry it lists meet the new names
/// for ever.
///
/// Threads: not safe; the namespace's lock guards it.
class Directory {
 public:
  static constexpr std::uint64_t kSelfCookie = 1;    ///< of "."
  static constexpr std::uint64_t kParentCookie = 2;  ///< of ".."

  struct Entry {
    std::string name;
    InodeId inode;
  };

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  std::optional<InodeId> find(std::string_view name) const;
  /// `name` must not be there.
  void insert(std::string_view name, InodeId inode);
  /// `name` must be there.
  void erase(std::string_view name);
  /// Lets `name`, which must be there, stand for another inode; the cookie stays.
  void assign(std::string_view name, InodeId inode);

  /// All entries, ascending by cookie.
  const std::map<std::uint64_t, Entry>& entries() const { return entries_; }

 private:
  std::map<std::uint64_t, Entry> entries_;
  std::unordered_map<std::string_view, std::uint64_t>
      cookies_;  ///< keys are the names in `entries_`
};

}  // namespace vfsprof::vfs
