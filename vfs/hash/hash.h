#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "vfs/counters.h"

namespace vfsprof::vfs {

/// The hash of a block key.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `H::kName`, `H::kSummary` | string_view | its name on the command line, and what it stands for
/// | | `H()` | | a keyed hash draws its key here; two objects may then hash differently | |
/// `h(bytes)` | uint64_t | the hash of all bytes. Its high half is well mixed; its low half need
/// not be |
///
/// Threads: `h(bytes)` is safe.
template <class H>
concept Hash =
    std::default_initializable<H> && requires(const H& hash, std::span<const std::byte> bytes) {
      { H::kName } -> std::convertible_to<std::string_view>;
      { H::kSummary } -> std::convertible_to<std::string_view>;
      { hash(bytes) } -> std::same_as<std::uint64_t>;
    };

/// A hash applied to a key's bytes, which are counted.
template <class Key, Hash H>
class KeyHasher {
 public:
  // Not noexcept: std::unordered_map then stores hashes and computes each once.
  std::uint64_t operator()(const Key& key) const {
    const std::span<const std::byte> bytes = key.bytes();
    count(Counter::kBytesHashed, bytes.size());
    return hash_(bytes);
  }

 private:
  H hash_;
};

}  // namespace vfsprof::vfs
