#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace vfsprof::vfs {

/// 16 bytes, the first of them the lowest of the first word.
using AesBlock = std::array<std::uint64_t, 2>;

namespace detail {

/// The product with x in AES's field of 256 elements.
constexpr std::uint8_t times_x(std::uint8_t value) {
  return static_cast<std::uint8_t>(value << 1 ^ ((value & 0x80) != 0 ? 0x1b : 0));
}

/// AES's substitution: the inverse in the field, then an affine map of its bits.
constexpr std::array<std::uint8_t, 256> make_aes_substitution() {
  std::array<std::uint8_t, 256> table{};
  table[0] = 0x63;
  // 3 generates the field: `power` goes through its elements, `inverse` through their inverses.
  std::uint8_t power = 1;
  std::uint8_t inverse = 1;
  do {
    power = static_cast<std::uint8_t>(power ^ times_x(power));
    // 0xf6 is the inverse of 3; the product is summed bit by bit.
    std::uint8_t next = 0;
    std::uint8_t shifted = inverse;
    for (int factor = 0xf6; factor != 0; factor >>= 1, shifted = times_x(shifted)) {
      if ((factor & 1) != 0) next = static_cast<std::uint8_t>(next ^ shifted);
    }
    inverse = next;
    table[power] =
        static_cast<std::uint8_t>(inverse ^ std::rotl(inverse, 1) ^ std::rotl(inverse, 2) ^
                                  std::rotl(inverse, 3) ^ std::rotl(inverse, 4) ^ 0x63);
  } while (power != 1);
  return table;
}

inline constexpr std::array<std::uint8_t, 256> kAesSubstitution = make_aes_substitution();

}  // namespace detail

/// One round of AES encryption: substitute bytes, shift rows, mix columns, add the round key. What
/// the instruction aesenc does.
/// Source: FIPS 197, section 5.1.
constexpr AesBlock aes_round(const AesBlock& block, const AesBlock& round_key) {
  using Bytes = std::array<std::uint8_t, 16>;
  const auto in = std::bit_cast<Bytes>(block);
  Bytes out{};
  for (std::size_t column = 0; column < 4; ++column) {
    // Row r comes from the r-th column to the right.
    std::array<std::uint8_t, 4> rows{};
    for (std::size_t row = 0; row < 4; ++row) {
      rows[row] = detail::kAesSubstitution[in[(column + row) % 4 * 4 + row]];
    }
    const auto sum = static_cast<std::uint8_t>(rows[0] ^ rows[1] ^ rows[2] ^ rows[3]);
    for (std::size_t row = 0; row < 4; ++row) {
      const auto pair = static_cast<std::uint8_t>(rows[row] ^ rows[(row + 1) % 4]);
      out[4 * column + row] = static_cast<std::uint8_t>(rows[row] ^ sum ^ detail::times_x(pair));
    }
  }
  const auto words = std::bit_cast<AesBlock>(out);
  return {words[0] ^ round_key[0], words[1] ^ round_key[1]};
}

}  // namespace vfsprof::vfs
