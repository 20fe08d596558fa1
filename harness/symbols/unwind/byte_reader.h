#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace vfsprof::harness {

/// Reads the values that DWARF is made of, one after the other. Past the end everything is 0 and
/// `failed` is set.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> data) : data_(data) {}

  bool failed() const { return failed_; }
  bool at_end() const { return failed_ || at_ == data_.size(); }
  std::size_t position() const { return at_; }

  template <class Value>
  Value take() {
    Value value{};
    const std::span<const std::byte> bytes = take_bytes(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  /// Empty if there are not so many.
  std::span<const std::byte> take_bytes(std::uint64_t size) {
    if (failed_ || size > data_.size() - at_) {
      failed_ = true;
      return {};
    }
    const auto bytes = data_.subspan(at_, static_cast<std::size_t>(size));
    at_ += bytes.size();
    return bytes;
  }

  std::string_view take_text() {
    const char* const start = reinterpret_cast<const char*>(data_.data()) + at_;
    const void* const end = std::memchr(start, 0, data_.size() - at_);
    if (failed_ || end == nullptr) {
      failed_ = true;
      return {};
    }
    const std::string_view text(start,
                                static_cast<std::size_t>(static_cast<const char*>(end) - start));
    at_ += text.size() + 1;
    return text;
  }

  std::uint64_t take_uleb() { return take_leb().value; }

  std::int64_t take_sleb() {
    const Leb leb = take_leb();
    std::uint64_t value = leb.value;
    if (leb.bits < 64 && (leb.last & 0x40) != 0) value |= ~std::uint64_t{0} << leb.bits;
    return static_cast<std::int64_t>(value);
  }

 private:
  struct Leb {
    std::uint64_t value = 0;
    unsigned bits = 0;
    std::uint8_t last = 0;
  };

  Leb take_leb() {
    Leb leb;
    do {
      leb.last = take<std::uint8_t>();
      if (leb.bits < 64) leb.value |= std::uint64_t{leb.last & 0x7fu} << leb.bits;
      leb.bits += 7;
    } while ((leb.last & 0x80) != 0 && !failed_);
    return leb;
  }

  std::span<const std::byte> data_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace vfsprof::harness
