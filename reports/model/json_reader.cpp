#include "reports/model/json_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "reports/model/format_error.h"

namespace vfsprof::reports {
namespace {

std::string excerpt(const nlohmann::json& value) {
  if (value.is_array()) return fmt::format("an array of {}", value.size());
  if (value.is_object()) return "an object";
  constexpr std::size_t kLongest = 60;
  std::string text =
      value.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
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

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& origin) {
  try {
    return nlohmann::json::parse(text);
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
  }
}

void JsonReader::fail(std::string_view expected) const {
  throw FormatError(fmt::format("{}: at {}: {} cannot be used; expected {}", *origin_,
                                pointer_.empty() ? "/" : pointer_, excerpt(*value_), expected));
}

JsonReader JsonReader::child(const nlohmann::json& value, std::string_view key) const {
  JsonReader result(value, *origin_);
  result.pointer_ = fmt::format("{}/{}", pointer_, escape_pointer(key));
  return result;
}

std::optional<JsonReader> JsonReader::find(std::string_view key) const {
  if (!value_->is_object()) fail("an object");
  const auto found = value_->find(key);
  if (found == value_->end()) return std::nullopt;
  return child(*found, key);
}

JsonReader JsonReader::member(std::string_view key) const {
  const std::optional<JsonReader> found = find(key);
  if (!found) fail(fmt::format("an object with the key \"{}\"", key));
  return *found;
}

std::vector<JsonReader> JsonReader::elements() const {
  if (!value_->is_array()) fail("an array");
  std::vector<JsonReader> result;
  result.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) {
    result.push_back(child((*value_)[i], std::to_string(i)));
  }
  return result;
}

std::string JsonReader::string() const {
  if (!value_->is_string()) fail("a string");
  return value_->get<std::string>();
}

std::vector<std::string> JsonReader::strings() const {
  std::vector<std::string> result;
  for (const JsonReader& element : elements()) result.push_back(element.string());
  return result;
}

bool JsonReader::boolean() const {
  if (!value_->is_boolean()) fail("true or false");
  return value_->get<bool>();
}

double JsonReader::number() const {
  if (!value_->is_number()) fail("a number");
  return value_->get<double>();
}

std::int64_t JsonReader::integer(std::int64_t low, std::int64_t high) const {
  const bool fits = value_->is_number_unsigned()
                        ? value_->get<std::uint64_t>() <= static_cast<std::uint64_t>(INT64_MAX)
                        : value_->is_number_integer();
  if (!fits || value_->get<std::int64_t>() < low || value_->get<std::int64_t>() > high) {
    fail(fmt::format("an integer from {} to {}", low, high));
  }
  return value_->get<std::int64_t>();
}

std::uint64_t JsonReader::count(std::uint64_t high) const {
  if (!value_->is_number_unsigned() || value_->get<std::uint64_t>() > high) {
    fail(fmt::format("an integer from 0 to {}", high));
  }
  return value_->get<std::uint64_t>();
}

std::vector<std::uint64_t> JsonReader::counts(std::uint64_t high) const {
  if (!value_->is_array()) fail("an array");
  std::vector<std::uint64_t> result;
  result.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i) {
    const nlohmann::json& element = (*value_)[i];
    const bool good = element.is_number_unsigned() && element.get<std::uint64_t>() <= high;
    // The pointer is only worked out for an error: columns hold millions of elements.
    if (!good) return {child(element, std::to_string(i)).count(high)};
    result.push_back(element.get<std::uint64_t>());
  }
  return result;
}

void JsonReader::allow_only(const std::vector<std::string_view>& keys) const {
  if (!value_->is_object()) fail("an object");
  for (const auto& [key, value] : value_->items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw FormatError(fmt::format("{}: at {}: unknown key \"{}\"; allowed are: {}", *origin_,
                                    pointer_.empty() ? "/" : pointer_, key, fmt::join(keys, ", ")));
    }
  }
}

}  // namespace vfsprof::reports
