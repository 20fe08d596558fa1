#pragma once

#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vfsprof {

/// A number of bytes as people write it: `4096`, `4k`, `1m`, `2g` (powers of 1024). Empty for any
/// other text, and for more than 64 bits hold.
inline std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
  constexpr std::string_view kUnits = "kmg";
  const std::size_t unit = text.empty() ? kUnits.npos : kUnits.find(text.back());
  const unsigned shift = unit == kUnits.npos ? 0 : 10 * (static_cast<unsigned>(unit) + 1);
  if (shift > 0) text.remove_suffix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  if (std::countl_zero(value) < static_cast<int>(shift)) return {};
  return value << shift;
}

}  // namespace vfsprof
