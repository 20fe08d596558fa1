#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/scenario/distribution.h"

namespace vfsprof::harness {

/// What the entries of a set are.
enum class EntryType { kFile, kDirectory, kSymlink };

/// Where the contents of the files come from that exist at the start: the clients write them, or
/// they lie in the object store behind the mount (on targets without one the clients write them).
enum class ContentSource { kClients, kStore };

/// A named group of directory entries that steps pick from. The entries of a set that is not shared
/// are dealt out to its clients in turn, so that no two touch the same name; the directories that
/// they lie in are common to all.
struct FileSet {
  std::string name;
  EntryType type = EntryType::kFile;
  std::uint64_t nrfiles = 1;   ///< entries in all
  Distribution filesize = {};  ///< bytes of each file that exists at the start, and of write-whole
  unsigned dirs = 0;           ///< subdirectories of each directory; 0: all entries in one
  unsigned depth = 1;          ///< levels of subdirectories
  unsigned existing = 100;     ///< per cent of the entries that exist at the start
  bool shared = false;         ///< every client uses every entry, and none changes a name
  ContentSource content = ContentSource::kClients;
  int in = -1;  ///< the set of directories (index) that the entries lie in, or none
};

/// Bytes of entry `entry` where it exists at the start: the same for every client.
std::uint64_t size_of_entry(const FileSet& set, std::uint64_t entry);
/// Whether the entry exists at the start: those are spread over the numbers.
bool exists_at_start(const FileSet& set, std::uint64_t entry);

/// The directories of set number `index`, its own and the tree below it, parents first.
std::vector<std::string> directory_names(std::span<const FileSet> sets, std::size_t index);
/// The name of an entry, relative to the clients' directory.
std::string entry_name(std::span<const FileSet> sets, std::size_t index, std::uint64_t entry);

}  // namespace vfsprof::harness
