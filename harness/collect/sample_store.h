#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "harness/collect/sample.h"

namespace vfsprof::harness {

/// Samples counted as they come, so that memory grows with distinct stacks and not with samples.
class SampleStore {
 public:
  struct Key {
    std::uint32_t chain = 0;  ///< index into chains()
    pid_t tid = 0;
    std::uint32_t slice = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  void add(RawSample sample, std::uint32_t slice);

  std::size_t chain_count() const { return chains_.size(); }
  /// Distinct raw call chains, by the index that keys hold.
  std::vector<const std::vector<std::uint64_t>*> chains() const;
  /// How many samples there were of each key; those of one chain are neighbours.
  const std::map<Key, std::uint64_t>& counts() const { return counts_; }

 private:
  struct Hash {
    std::size_t operator()(const std::vector<std::uint64_t>& chain) const;
  };

  std::unordered_map<std::vector<std::uint64_t>, std::uint32_t, Hash> chains_;
  std::map<Key, std::uint64_t> counts_;
};

}  // namespace vfsprof::harness
