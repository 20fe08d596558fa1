#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// Strict reading of one JSON document: whatever is not as expected is a BadInput that names the
// document, the place in it, the offending value and what is allowed. Included by parsers only,
// never by their headers.

namespace vfsprof::harness {

/// A value of the document, and where it stands.
struct JsonNode {
  const nlohmann::json& value;
  std::string pointer;        ///< RFC 6901
  const std::string& origin;  ///< the document's name

  JsonNode at(const std::string& key) const { return {value.at(key), pointer + "/" + key, origin}; }
  JsonNode at(std::size_t i) const {
    return {value.at(i), pointer + "/" + std::to_string(i), origin};
  }
};

/// Throws BadInput: `problem` is about the value at `node`.
[[noreturn]] void reject(const JsonNode& node, const std::string& problem);

/// Parses the text. Throws BadInput with line and column; also where an object has one key twice.
nlohmann::json parse_strictly(std::string_view text, const std::string& origin);

struct IntegerRange {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
};

std::uint64_t read_integer(const JsonNode& node, IntegerRange range);
/// A number of bytes: an integer, or "4k", "100m", "1g" (powers of 1024).
std::uint64_t read_size(const JsonNode& node, IntegerRange range_bytes);
/// "200us", "500ms", "30s", "2m". Gives nanoseconds.
std::uint64_t read_duration_ns(const JsonNode& node, IntegerRange range_ns);
bool read_bool(const JsonNode& node);
/// A non-empty text on one line.
std::string read_line_of_text(const JsonNode& node, std::size_t max_size);
/// Lower-case letters, digits and dashes, at most 40.
std::string read_name(const JsonNode& node);
/// Index of the one of `allowed` that the value is.
std::size_t read_choice(const JsonNode& node, std::span<const std::string_view> allowed);

/// The candidate that differs least from `word`; empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// A key of an object: how its value is read into a `T`.
template <class T>
struct JsonField {
  std::string_view key;
  bool required;
  void (*read)(const JsonNode& node, T& out);
};

/// Readers of a member that needs no more than its range, for `JsonField::read`.
template <auto member, class T>
void read_flag(const JsonNode& node, T& out) {
  out.*member = read_bool(node);
}
template <auto member, std::uint64_t least, std::uint64_t most, class T>
void read_count(const JsonNode& node, T& out) {
  using Member = std::remove_reference_t<decltype(out.*member)>;
  out.*member = static_cast<Member>(read_integer(node, {least, most}));
}

/// Checks that `node` is an object with keys out of `allowed` and all of `required`.
void check_keys(const JsonNode& node, std::span<const std::string_view> allowed,
                std::span<const std::string_view> required);

/// Reads an object key by key.
template <class T>
void read_object(const JsonNode& node, std::span<const JsonField<T>> fields, T& out) {
  std::vector<std::string_view> allowed;
  std::vector<std::string_view> required;
  for (const JsonField<T>& field : fields) {
    allowed.push_back(field.key);
    if (field.required) required.push_back(field.key);
  }
  check_keys(node, allowed, required);
  for (const JsonField<T>& field : fields) {
    const std::string key(field.key);
    if (node.value.contains(key)) field.read(node.at(key), out);
  }
}

}  // namespace vfsprof::harness
