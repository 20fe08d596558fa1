#pragma once

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "vfs/hash/hash.h"

namespace vfsprof::vfs {

namespace detail {

/// By the low byte of the remainder: what eight steps of the division add to it. The polynomial is
/// reflected, as RFC 3720 sends the bits of a byte.
constexpr std::array<std::uint32_t, 256> make_crc32c_table() {
  constexpr std::uint32_t kReflectedPolynomial = 0x82f63b78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) {
      remainder = remainder >> 1 ^ ((remainder & 1) != 0 ? kReflectedPolynomial : 0);
    }
    table[byte] = remainder;
  }
  return table;
}

inline constexpr std::array<std::uint32_t, 256> kCrc32cTable = make_crc32c_table();

}  // namespace detail

/// CRC-32C, spread from 32 to 64 bits by a multiplication. Not keyed, and linear: whoever chooses
/// the keys can make them collide. It has 32 bits: of 77,000 random keys two hash alike at even
/// odds.
/// Cost: three dependent cycles a word (8, 4, 2, 1 bytes) by the instruction of SSE4.2, and a call
/// through a pointer that is set once per object, since code for a newer processor cannot be
/// inlined into code for all: about 5 ns. Without SSE4.2 a table look-up a byte: about 40 ns.
/// Source: RFC 3720 (iSCSI), Castagnoli's polynomial 0x1EDC6F41.
class Crc32c {
 public:
  static constexpr std::string_view kName = "crc32c";
  static constexpr std::string_view kSummary = "CRC-32C, by SSE4.2 where the processor has it";
  static constexpr WellMixed kWellMixed = WellMixed::kAll;

  using Checksum = std::uint32_t (*)(std::span<const std::byte>);

  Crc32c() : checksum_(by_instruction() != nullptr ? by_instruction() : by_table) {}

  std::uint64_t operator()(std::span<const std::byte> bytes) const {
    return checksum_(bytes) * kGoldenRatio;
  }

  /// The checksum itself, on every processor.
  static std::uint32_t by_table(std::span<const std::byte> bytes) {
    std::uint32_t crc = kAllOnes;
    for (const std::byte byte : bytes) {
      crc = crc >> 8 ^ detail::kCrc32cTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
    }
    return ~crc;
  }

  /// The function that uses SSE4.2; null where this processor lacks it.
  static Checksum by_instruction() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2") != 0) return with_sse42;
#endif
    return nullptr;
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  static constexpr std::uint32_t kAllOnes = 0xffffffff;

#if defined(__x86_64__)
  template <class Word>
  static Word take(std::span<const std::byte>& bytes) {
    Word word;
    std::memcpy(&word, bytes.data(), sizeof word);
    bytes = bytes.subspan(sizeof word);
    return word;
  }

  __attribute__((target("sse4.2"))) static std::uint32_t with_sse42(
      std::span<const std::byte> bytes) {
    std::uint64_t wide = kAllOnes;
    while (bytes.size() >= 8) wide = _mm_crc32_u64(wide, take<std::uint64_t>(bytes));
    auto crc = static_cast<std::uint32_t>(wide);
    if (bytes.size() >= 4) crc = _mm_crc32_u32(crc, take<std::uint32_t>(bytes));
    if (bytes.size() >= 2) crc = _mm_crc32_u16(crc, take<std::uint16_t>(bytes));
    if (!bytes.empty()) crc = _mm_crc32_u8(crc, take<std::uint8_t>(bytes));
    return ~crc;
  }
#endif

  Checksum checksum_;
};

}  // namespace vfsprof::vfs
