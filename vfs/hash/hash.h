#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "vfs/counters.h"

namespace vfsprof::vfs {

/// Which bits of a hash are well mixed: keys that follow each other spread evenly over any of them.
enum class WellMixed {
  kNone,      ///< `KeyHasher` multiplies the hash, which mixes its high half
  kHighHalf,  ///< the low half may repeat itself
  kAll,
};

/// The hash of a block key.
///
/// | expression                | type        | meaning                                          |
/// |---------------------------|-------------|--------------------------------------------------|
/// | `H::kName`, `H::kSummary` | string_view | name on the command line, what it stands for     |
/// | `H::kWellMixed`           | WellMixed   | which of its bits are                            |
/// | `H()`                     |             | a keyed hash draws its key here; two objects may |
/// |                           |             | then hash differently                            |
/// | `h(bytes)`                | uint64_t    | the hash of all bytes                            |
///
/// Threads: `h(bytes)` is safe.
template <class H>
concept Hash =
    std::default_initializable<H> && requires(const H& hash, std::span<const std::byte> bytes) {
      { H::kName } -> std::convertible_to<std::string_view>;
      { H::kSummary } -> std::convertible_to<std::string_view>;
      { H::kWellMixed } -> std::convertible_to<WellMixed>;
      { hash(bytes) } -> std::same_as<std::uint64_t>;
    };

/// 2^64 divided by the golden ratio, made odd. The high bits of a product with it depend on all
/// bits of the other factor.
/// Source: Knuth, "The Art of Computer Programming", volume 3, section 6.4 (Fibonacci hashing).
inline constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;

/// A hash applied to a key's bytes, which are counted. The high half of what it gives is well
/// mixed, whatever the hash; the low half only if the hash says so.
template <class Key, Hash H>
class KeyHasher {
 public:
  // Not noexcept: std::unordered_map then stores hashes and computes each once.
  std::uint64_t operator()(const Key& key) const {
    const std::span<const std::byte> bytes = key.bytes();
    count(Counter::kBytesHashed, bytes.size());
    const std::uint64_t hash = hash_(bytes);
    return H::kWellMixed == WellMixed::kNone ? hash * kGoldenRatio : hash;
  }

 private:
  H hash_;
};

}  // namespace vfsprof::vfs
