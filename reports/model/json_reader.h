#pragma once

// For the few files that read JSON; everybody else sees values.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::reports {

/// Parses JSON text. Errors: FormatError with line and column.
nlohmann::json parse_json(std::string_view text, const std::string& origin);

/// A place in a JSON document that knows its way from the root, so that every error can name it.
///
/// Errors: every function throws FormatError if the value is not what is asked for.
class JsonReader {
 public:
  /// Both arguments must outlive the reader.
  JsonReader(const nlohmann::json& value, const std::string& origin)
      : value_(&value), origin_(&origin) {}

  JsonReader member(std::string_view key) const;
  std::optional<JsonReader> find(std::string_view key) const;
  std::vector<JsonReader> elements() const;

  bool is_null() const { return value_->is_null(); }
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

  /// Throws: "origin: at /pointer: VALUE is wrong: `expected`".
  [[noreturn]] void fail(std::string_view expected) const;

 private:
  JsonReader child(const nlohmann::json& value, std::string_view key) const;

  const nlohmann::json* value_;
  const std::string* origin_;
  std::string pointer_;
};

}  // namespace vfsprof::reports
