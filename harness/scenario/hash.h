#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

struct XXH3_state_s;

namespace vfsprof::harness {

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
