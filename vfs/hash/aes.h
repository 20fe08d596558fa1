#pragma once

#include <sys/random.h>
#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "vfs/base/check.h"
#include "vfs/hash/aes_round.h"
#include "vfs/hash/hash.h"

namespace vfsprof::vfs {

/// A hash made of AES rounds under a random key, after aHash. Not a cipher and not SipHash's
/// promise: hard to make collide, without a proof.
///
/// A message of n bytes is cut into blocks of 16. The last block is the message's last 16 bytes,
/// which overlap the block before; a message of less than 16 is padded with zeros. With the key
/// (k0, k1), `round` as AES-NI's aesenc and `+` in each of two 64-bit lanes:
///
///     state = k0 ^ n                          n in the low lane
///     sum   = k1
///     for each block: state = round(state, block);  sum = swap_lanes(sum) + block
///     both  = round(sum, state)
///     hash  = low lane of round(round(both, k1), both)
///
/// Each block thus enters twice, once through the rounds and once through the sum, and two rounds
/// take each byte to all 16. aHash decrypts where this encrypts, and shuffles bytes where this
/// swaps lanes; so it has no published vectors.
/// Cost: four or five dependent rounds of 3 to 4 cycles, and a call through a pointer that is set
/// once per object, since code for a newer processor cannot be inlined into code for all: about
/// 7 ns for 16 bytes. Of 20 bytes the last 16 are words that straddle the key's own and must be
/// stored first: about 11 ns. Without AES-NI 16 table look-ups a round: about 200 ns.
/// Source: the construction of aHash (Kaitchuck), the round of FIPS 197.
class Aes {
 public:
  static constexpr std::string_view kName = "aes";
  static constexpr std::string_view kSummary = "AES rounds under a random key, after aHash";
  static constexpr WellMixed kWellMixed = WellMixed::kAll;

  struct Key {
    AesBlock state;
    AesBlock sum;
  };
  using Function = std::uint64_t (*)(const Key&, std::span<const std::byte>);

  Aes() : Aes(random_key()) {}
  explicit Aes(const Key& key)
      : key_(key), hash_(by_instruction() != nullptr ? by_instruction() : portable) {}

  std::uint64_t operator()(std::span<const std::byte> bytes) const { return hash_(key_, bytes); }

  /// The hash on every processor.
  static std::uint64_t portable(const Key& key, std::span<const std::byte> bytes) {
    AesBlock state = key.state;
    state[0] ^= bytes.size();
    AesBlock sum = key.sum;
    AesBlock room{};
    bytes = whole_blocks(bytes, room);
    for (std::size_t offset = 0; offset < bytes.size(); offset += sizeof(AesBlock)) {
      AesBlock block;
      std::memcpy(block.data(), block_at(bytes, offset), sizeof block);
      state = aes_round(state, block);
      sum = {sum[1] + block[0], sum[0] + block[1]};
    }
    const AesBlock both = aes_round(sum, state);
    return aes_round(aes_round(both, key.sum), both)[0];
  }

  /// The function that uses AES-NI and gives the same; null where this processor lacks it.
  static Function by_instruction() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("aes") != 0) return with_aes_ni;
#endif
    return nullptr;
  }

 private:
  static_assert(std::endian::native == std::endian::little);

  static Key random_key() {
    Key key;
    VFSPROF_CHECK(::getrandom(&key, sizeof key, 0) == sizeof key);
    return key;
  }

  /// The message itself, or, if it is short of a block, `room`, into which it is copied and padded.
  static std::span<const std::byte> whole_blocks(std::span<const std::byte> bytes, AesBlock& room) {
    if (bytes.empty() || bytes.size() >= sizeof room) return bytes;
    std::memcpy(room.data(), bytes.data(), bytes.size());
    return std::as_bytes(std::span(room));
  }

  /// Where the block at `offset` begins: the last one ends with the message.
  static const std::byte* block_at(std::span<const std::byte> bytes, std::size_t offset) {
    return bytes.data() + std::min(offset, bytes.size() - sizeof(AesBlock));
  }

#if defined(__x86_64__)
  // By halves: a key was stored word by word a moment ago, and processors do not forward two stores
  // to one load.
  __attribute__((target("aes"))) static __m128i load(const void* block) {
    const auto* const bytes = static_cast<const std::byte*>(block);
    return _mm_unpacklo_epi64(_mm_loadu_si64(bytes), _mm_loadu_si64(bytes + 8));
  }

  __attribute__((target("aes"))) static std::uint64_t with_aes_ni(
      const Key& key, std::span<const std::byte> bytes) {
    const __m128i first_sum = load(&key.sum);
    __m128i state =
        _mm_xor_si128(load(&key.state), _mm_cvtsi64_si128(static_cast<std::int64_t>(bytes.size())));
    __m128i sum = first_sum;
    AesBlock room{};
    bytes = whole_blocks(bytes, room);
    for (std::size_t offset = 0; offset < bytes.size(); offset += sizeof(AesBlock)) {
      const __m128i block = load(block_at(bytes, offset));
      state = _mm_aesenc_si128(state, block);
      sum = _mm_add_epi64(_mm_shuffle_epi32(sum, _MM_SHUFFLE(1, 0, 3, 2)), block);
    }
    const __m128i both = _mm_aesenc_si128(sum, state);
    const __m128i mixed = _mm_aesenc_si128(_mm_aesenc_si128(both, first_sum), both);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(mixed));
  }
#endif

  Key key_;
  Function hash_;
};

}  // namespace vfsprof::vfs
