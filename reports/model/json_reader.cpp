#include "reports/model/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reports/model/format_error.h"

namespace vfsprof::reports {
namespace {

std::string excerpt(simdjson::dom::element value) {
  simdjson::dom::array array;
  if (value.get(array) == simdjson::SUCCESS) return fmt::format("an array of {}", array.size());
  if (value.is_object()) return "an object";
  std::string text = simdjson::minify(value);
  std::string_view string;
  if (value.get(string) == simdjson::SUCCESS) {
    text = nlohmann::json(string).dump(-1, ' ', /*ensure_ascii=*/true);
  }
  constexpr std::size_t kLongest = 60;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

std::string escape_pointer(std::string_view key) {
  std::string result;
  for (const char c : key) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

/// Says where the text goes wrong: nlohmann's parser is slower, but knows.
[[noreturn]] void explain(std::string_view text, const std::string& origin,
                          simdjson::error_code code) {
  try {
    const nlohmann::json ignored = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    // `byte` counts from 1 and is the last byte read.
    const std::size_t last = error.byte > 0 ? error.byte - 1 : 0;
    const std::string_view before = text.substr(0, std::min(last, text.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t newline = before.rfind('\n');
    const std::size_t column =
        newline == std::string_view::npos ? before.size() + 1 : before.size() - newline;
    const bool ended = error.byte >= text.size();
    throw FormatError(
        fmt::format("{}: line {}, column {} (byte {} of {}): not valid JSON{}", origin, line,
                    column, error.byte, text.size(),
                    ended ? ": the text ends too early; was the file cut off? Write it again"
                          : "; the file is damaged or not JSON at all. Write it again"));
  } catch (const nlohmann::json::exception&) {
    // A number out of range: the message below says so.
  }
  throw FormatError(fmt::format("{}: cannot be read as JSON ({} bytes): {}", origin, text.size(),
                                simdjson::error_message(code)));
}

}  // namespace

JsonDocument::JsonDocument(std::string_view text, const std::string& origin) {
  const simdjson::error_code error = parser_.parse(text.data(), text.size()).get(root_);
  if (error != simdjson::SUCCESS) explain(text, origin, error);
}

void JsonReader::fail(std::string_view expected) const {
  throw FormatError(fmt::format("{}: at {}: {} cannot be used; expected {}", *origin_, pointer(),
                                excerpt(value_), expected));
}

JsonReader JsonReader::child(simdjson::dom::element value, std::string_view key) const {
  JsonReader result(value, *origin_);
  result.pointer_ = fmt::format("{}/{}", pointer_, escape_pointer(key));
  return result;
}

simdjson::dom::array JsonReader::array() const {
  simdjson::dom::array result;
  if (value_.get(result) != simdjson::SUCCESS) fail("an array");
  return result;
}

simdjson::dom::object JsonReader::object() const {
  simdjson::dom::object result;
  if (value_.get(result) != simdjson::SUCCESS) fail("an object");
  return result;
}

std::optional<JsonReader> JsonReader::find(std::string_view key) const {
  simdjson::dom::element found;
  if (object().at_key(key).get(found) != simdjson::SUCCESS) return std::nullopt;
  return child(found, key);
}

JsonReader JsonReader::member(std::string_view key) const {
  const std::optional<JsonReader> found = find(key);
  if (!found) fail(fmt::format("an object with the key \"{}\"", key));
  return *found;
}

std::vector<JsonReader> JsonReader::elements() const {
  std::vector<JsonReader> result;
  for (const simdjson::dom::element element : array()) {
    result.push_back(child(element, std::to_string(result.size())));
  }
  return result;
}

std::string JsonReader::string() const {
  std::string_view result;
  if (value_.get(result) != simdjson::SUCCESS) fail("a string");
  return std::string(result);
}

std::vector<std::string> JsonReader::strings() const {
  std::vector<std::string> result;
  for (const JsonReader& element : elements()) result.push_back(element.string());
  return result;
}

bool JsonReader::boolean() const {
  bool result = false;
  if (value_.get(result) != simdjson::SUCCESS) fail("true or false");
  return result;
}

double JsonReader::number() const {
  double result = 0;
  if (value_.get(result) != simdjson::SUCCESS) fail("a number");
  return result;
}

std::int64_t JsonReader::integer(std::int64_t low, std::int64_t high) const {
  std::int64_t result = 0;
  if (value_.get(result) != simdjson::SUCCESS || result < low || result > high) {
    fail(fmt::format("an integer from {} to {}", low, high));
  }
  return result;
}

std::uint64_t JsonReader::count(std::uint64_t high) const {
  std::uint64_t result = 0;
  if (value_.get(result) != simdjson::SUCCESS || result > high) {
    fail(fmt::format("an integer from 0 to {}", high));
  }
  return result;
}

std::vector<std::uint64_t> JsonReader::counts(std::uint64_t high) const {
  const simdjson::dom::array all = array();
  std::vector<std::uint64_t> result;
  result.reserve(all.size());
  for (const simdjson::dom::element element : all) {
    std::uint64_t value = 0;
    // The pointer is only worked out for an error: columns hold millions of elements.
    if (element.get(value) != simdjson::SUCCESS || value > high) {
      return {child(element, std::to_string(result.size())).count(high)};
    }
    result.push_back(value);
  }
  return result;
}

void JsonReader::allow_only(const std::vector<std::string_view>& keys) const {
  for (const auto& [key, value] : object()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw FormatError(fmt::format("{}: at {}: unknown key \"{}\"; allowed are: {}", *origin_,
                                    pointer(), key, fmt::join(keys, ", ")));
    }
  }
}

}  // namespace vfsprof::reports
