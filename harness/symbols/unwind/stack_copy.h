#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace vfsprof::harness {

/// A piece of a thread's stack as it was at one moment.
class StackCopy {
 public:
  /// `bytes` lay at `address`; they must outlive this object.
  StackCopy(std::uint64_t address, std::span<const std::byte> bytes)
      : address_(address), bytes_(bytes) {}

  /// The word at an address; nothing if it lies outside.
  std::optional<std::uint64_t> word_at(std::uint64_t address) const {
    if (address < address_ || bytes_.size() < 8 || address - address_ > bytes_.size() - 8) {
      return std::nullopt;
    }
    std::uint64_t word = 0;
    std::memcpy(&word, bytes_.data() + (address - address_), sizeof word);
    return word;
  }

 private:
  std::uint64_t address_;
  std::span<const std::byte> bytes_;
};

}  // namespace vfsprof::harness
