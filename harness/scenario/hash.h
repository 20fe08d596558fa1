#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

struct XXH3_state_s;

namespace vfsprof::harness {

/// XXH3 of a sample of what a read returned: 32 bytes of each 1024, and the last 32; up to 1024
/// bytes all. The 32 are where the header of a client's block lies that begins there
/// (block_data.h), and between headers bytes are random, so that another block than the right one
/// shows. Every byte would cost the client some 100 ns a KiB, which is more than all else it does
/// for an operation.
std::uint64_t sampled_hash(std::span<const std::byte> bytes, std::uint64_t seed);

/// A running XXH3 hash of 128 bits: for equality, not for security.
class ContentHash {
 public:
  ContentHash();

  void add(std::span<const std::byte> bytes);
  /// Adds the bytes of a value that has no padding.
  template <class T>
  void add_value(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    add(std::as_bytes(std::span(&value, 1)));
  }
  /// Adds a text with its length, so that texts in a row cannot be taken for others.
  void add_text(std::string_view text);

  /// 32 hexadecimal digits.
  std::string hex() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace vfsprof::harness
