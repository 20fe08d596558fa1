#include "harness/scenario/file_set.h"

#include <fmt/format.h>

namespace vfsprof::harness {
namespace {

constexpr char kLetters[] = {'f', 'd', 'l'};  // by EntryType

std::uint64_t leaves_of(const FileSet& set) {
  std::uint64_t leaves = 1;
  if (set.dirs > 0) {
    for (unsigned level = 0; level < set.depth; ++level) leaves *= set.dirs;
  }
  return leaves;
}

/// The name of subdirectory number `number` of the `levels`-th level below the set's own.
std::string directory_name(const FileSet& set, unsigned levels, std::uint64_t number) {
  std::string name;
  for (unsigned level = 0; level < levels; ++level) {
    name = fmt::format("/d{:02}", number % set.dirs) + name;
    number /= set.dirs;
  }
  return set.name + name;
}

}  // namespace

std::uint64_t size_of_entry(const FileSet& set, std::uint64_t entry) {
  if (!set.filesize) return 0;
  std::uint64_t seed = 0;
  for (const char c : set.name) seed = Random::mix(seed + static_cast<unsigned char>(c));
  return set.filesize->at(stratified_entry(seed, entry));
}

bool exists_at_start(const FileSet& set, std::uint64_t entry) {
  // Of each 100 in a row exactly as many; the order (a bijection that shifts from one 100 to the
  // next) has no period that clients could share, who are dealt every n-th entry.
  return (entry % 100 * 37 + entry / 100 * 11) % 100 < set.existing;
}

std::vector<std::string> directory_names(std::span<const FileSet> sets, std::size_t index) {
  const FileSet& set = sets[index];
  if (set.in >= 0) return {};
  std::vector<std::string> names{set.name};
  if (set.dirs == 0) return names;
  std::uint64_t count = 1;
  for (unsigned level = 1; level <= set.depth; ++level) {
    count *= set.dirs;
    for (std::uint64_t i = 0; i < count; ++i) names.push_back(directory_name(set, level, i));
  }
  return names;
}

std::string entry_name(std::span<const FileSet> sets, std::size_t index, std::uint64_t entry) {
  const FileSet& set = sets[index];
  const std::string last =
      fmt::format("{}{:06}", kLetters[static_cast<std::size_t>(set.type)], entry);
  if (set.in >= 0) {
    const auto parent = static_cast<std::size_t>(set.in);
    return entry_name(sets, parent, entry * sets[parent].nrfiles / set.nrfiles) + "/" + last;
  }
  if (set.dirs == 0) return set.name + "/" + last;
  return directory_name(set, set.depth, entry % leaves_of(set)) + "/" + last;
}

}  // namespace vfsprof::harness
