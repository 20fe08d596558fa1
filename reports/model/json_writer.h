#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace vfsprof::reports {

// JSON text, appended piece by piece: a result of a million samples never stands in memory as a
// document.

/// A string in quotes. Bytes that are no UTF-8 become U+FFFD.
void append_json(std::string& out, std::string_view text);
/// A number that reads back as the same; null for one that is not finite.
void append_json(std::string& out, double value);

template <std::integral T>
void append_json(std::string& out, T value) {
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
  }
}

/// "[", what `append(element)` appends for each, "]".
template <class Range, class Append>
void append_array(std::string& out, const Range& range, Append append) {
  out += '[';
  bool first = true;
  for (const auto& element : range) {
    if (!first) out += ',';
    first = false;
    append(element);
  }
  out += ']';
}

/// An array of one field of each element: `value_of(element)` is a number or string.
template <class Range, class ValueOf>
void append_column(std::string& out, const Range& range, ValueOf value_of) {
  append_array(out, range, [&](const auto& element) { append_json(out, value_of(element)); });
}

/// An object: after each `key` exactly one value is appended, then `close` ends it.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }

  /// `name` needs no escaping. Returns the text to which the value is to be appended.
  std::string& key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
    return out_;
  }
  void close() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace vfsprof::reports
