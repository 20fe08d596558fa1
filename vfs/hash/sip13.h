#pragma once

#include <sys/random.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "vfs/base/check.h"
#include "vfs/hash/hash.h"

namespace vfsprof::vfs {

/// The 128-bit key of SipHash, as two little-endian words.
struct SipKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// SipHash-c-d: a keyed hash that whoever does not know the key cannot make collide.
/// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
template <int kCompressionRounds, int kFinalizationRounds>
class SipHash {
 public:
  explicit SipHash(SipKey key) : key_(key) {}

  std::uint64_t operator()(std::span<const std::byte> bytes) const {
    State state{key_.low ^ 0x736f6d6570736575, key_.high ^ 0x646f72616e646f6d,
                key_.low ^ 0x6c7967656e657261, key_.high ^ 0x7465646279746573};
    const std::uint64_t length = bytes.size();
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) state.compress(word(bytes.first(8)));
    state.compress(word(bytes) | length << 56);
    state.v[2] ^= 0xff;
    state.template rounds<kFinalizationRounds>();
    return state.v[0] ^ state.v[1] ^ state.v[2] ^ state.v[3];
  }

 private:
  static_assert(std::endian::native == std::endian::little);

  struct State {
    std::array<std::uint64_t, 4> v;

    template <int kRounds>
    void rounds() {
      for (int i = 0; i < kRounds; ++i) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = std::rotl(v[1], 13) ^ v[0];
        v[3] = std::rotl(v[3], 16) ^ v[2];
        v[0] = std::rotl(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = std::rotl(v[1], 17) ^ v[2];
        v[3] = std::rotl(v[3], 21) ^ v[0];
        v[2] = std::rotl(v[2], 32);
      }
    }

    void compress(std::uint64_t word) {
      v[3] ^= word;
      rounds<kCompressionRounds>();
      v[0] ^= word;
    }
  };

  /// Up to eight bytes, zero-padded.
  static std::uint64_t word(std::span<const std::byte> bytes) {
    std::uint64_t result = 0;
    if (!bytes.empty()) std::memcpy(&result, bytes.data(), bytes.size());
    return result;
  }

  SipKey key_;
};

/// SipHash-1-3 under a random key: the default hash of Rust's maps, as found.
/// Cost: six rounds of four dependent steps for 20 bytes, about 10 ns.
/// Source: the paper of SipHash, with one compression and three finalisation rounds.
class Sip13 : public SipHash<1, 3> {
 public:
  static constexpr std::string_view kName = "sip13";
  static constexpr std::string_view kSummary = "SipHash-1-3 under a random key, as found";
  static constexpr WellMixed kWellMixed = WellMixed::kAll;

  Sip13() : SipHash(random_key()) {}

 private:
  static SipKey random_key() {
    SipKey key;
    VFSPROF_CHECK(::getrandom(&key, sizeof key, 0) == sizeof key);
    return key;
  }
};

}  // namespace vfsprof::vfs
