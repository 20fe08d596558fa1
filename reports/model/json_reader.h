#pragma once

// For the few files that read JSON; everybody else sees values.

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::reports {

/// A JSON text, taken apart. Only JsonReader looks into it.
class JsonDocument {
 public:
  /// Errors: FormatError with line and column.
  JsonDocument(std::string_view text, const std::string& origin);
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

 private:
  friend class JsonReader;
  simdjson::dom::parser parser_;  ///< owns what `root_` points to
  simdjson::dom::element root_;
};

/// Parses JSON text. Errors: FormatError with line and column.
inline JsonDocument parse_json(std::string_view text, const std::string& origin) {
  return {text, origin};
}

/// A place in a JSON document that knows its way from the root, so that every error can name it.
///
/// Errors: every function throws FormatError if the value is not what is asked for.
class JsonReader {
 public:
  /// Both arguments must outlive the reader.
  JsonReader(const JsonDocument& document, const std::string& origin)
      : JsonReader(document.root_, origin) {}

  JsonReader member(std::string_view key) const;
  std::optional<JsonReader> find(std::string_view key) const;
  std::vector<JsonReader> elements() const;

  bool is_null() const { return value_.is_null(); }
  std::string string() const;
  std::vector<std::string> strings() const;
  bool boolean() const;
  double number() const;
  /// An integer in [low, high].
  std::int64_t integer(std::int64_t low, std::int64_t high) const;
  /// An integer in [0, high].
  std::uint64_t count(std::uint64_t high = UINT64_MAX) const;
  /// A column: an array of integers in [0, high].
  std::vector<std::uint64_t> counts(std::uint64_t high = UINT64_MAX) const;

  /// An object without keys but these.
  void allow_only(const std::vector<std::string_view>& keys) const;

  /// The way from the root to here (RFC 6901).
  std::string pointer() const { return pointer_.empty() ? "/" : pointer_; }

  /// Throws: "origin: at /pointer: VALUE is wrong: `expected`".
  [[noreturn]] void fail(std::string_view expected) const;

 private:
  JsonReader(simdjson::dom::element value, const std::string& origin)
      : value_(value), origin_(&origin) {}
  JsonReader child(simdjson::dom::element value, std::string_view key) const;
  simdjson::dom::array array() const;
  simdjson::dom::object object() const;

  simdjson::dom::element value_;
  const std::string* origin_;
  std::string pointer_;
};

}  // namespace vfsprof::reports
