#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/collect/collector.h"
#include "reports/model/waits.h"

namespace vfsprof::harness {

/// What the futex words of the observed process are called: as the daemon registered them
/// (vfs/word_names.h), else by the library or the malloc arena that they lie in.
class WordNames {
 public:
  WordNames() = default;
  /// Reads the names while the process lives. Those of objects that have gone since the process
  /// began are among them as far as the daemon has kept them.
  explicit WordNames(const Observed& observed);

  struct Name {
    std::string name;  ///< empty where nothing is known: call sites must name it
    reports::WordPurpose purpose = reports::WordPurpose::kOther;
  };
  /// The name of the word at an address of the observed process.
  Name find(std::uint64_t address) const;

  /// Objects of the daemon that it had no row left to register in.
  std::uint64_t unnamed() const { return unnamed_; }
  /// Why the page that the daemon should have written could not be read; empty if it could be, and
  /// for a program that writes none.
  const std::string& problem() const { return problem_; }

 private:
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;  ///< exclusive
    std::uint64_t serial = 0;
    Name name;
  };

  void read_page(const std::filesystem::path& file);
  void read_maps(pid_t pid);

  std::vector<Range> objects_;  ///< by `begin`
  std::vector<Range> memory_;   ///< by `begin`, disjoint
  std::uint64_t longest_ = 0;   ///< bytes of the longest of `objects_`
  std::uint64_t unnamed_ = 0;
  std::string problem_;
};

}  // namespace vfsprof::harness
