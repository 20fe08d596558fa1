#include "harness/scenario/json_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>
#include <set>

#include "harness/error.h"

namespace vfsprof::harness {
namespace {

using nlohmann::json;

constexpr std::string_view kHelp = "scenarios/README.md describes every key";

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};
constexpr std::array<Unit, 4> kSizeUnits{{{"", 1}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}}};
constexpr std::array<Unit, 4> kDurationUnits{
    {{"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}}};

/// The largest unit that divides the value: 4096 is "4k".
std::string with_unit(std::uint64_t value, std::span<const Unit> units) {
  for (const Unit& unit : std::vector<Unit>(units.rbegin(), units.rend())) {
    if (value % unit.factor == 0 && (value != 0 || unit.factor == 1)) {
      return fmt::format("{}{}", value / unit.factor, unit.suffix);
    }
  }
  return fmt::format("{}{}", value / units.front().factor, units.front().suffix);
}

/// A plain number with one of the units behind it, or nothing if the text is not that or too large.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  const auto unit = std::ranges::find(units, suffix, &Unit::suffix);
  std::uint64_t result = 0;
  if (unit == units.end() || __builtin_mul_overflow(number, unit->factor, &result))
    return std::nullopt;
  return result;
}

std::string quoted(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

/// Where byte `offset` of the text is.
std::string line_and_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return fmt::format("{}:{}", line, before.size() - line_start + 1);
}

/// Notes the first key that an object has twice: the library would silently keep the last one.
class DuplicateKeys {
 public:
  bool operator()(int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event == json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_.back().insert(key).second && !found_) found_ = key;
    }
    return true;
  }
  const std::optional<std::string>& found() const { return found_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::optional<std::string> found_;
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

void reject(const JsonNode& node, const std::string& problem) {
  const std::string& pointer = node.pointer.empty() ? "(document)" : node.pointer;
  throw BadInput(fmt::format("{}: {}: {}; {}", node.origin, pointer, problem, kHelp));
}

json parse_strictly(std::string_view text, const std::string& origin) {
  DuplicateKeys duplicates;
  json document;
  try {
    document = json::parse(text, std::ref(duplicates));
  } catch (const json::parse_error& error) {
    const std::string_view what = error.what();
    const std::size_t start = what.find("syntax error");
    // `byte` counts from 1 and points behind the character that could not be.
    throw BadInput(fmt::format("{}:{}: not a JSON document: {}; correct the text there", origin,
                               line_and_column(text, error.byte == 0 ? 0 : error.byte - 1),
                               start == std::string_view::npos ? what : what.substr(start)));
  } catch (const json::out_of_range& error) {  // "number overflow parsing '1E999'"
    const std::string what = error.what();
    const std::size_t start = what.find('\'') + 1;
    const std::string number = what.substr(start, what.rfind('\'') - start);
    throw BadInput(fmt::format("{}:{}: {} is too large: give a number below 1e308", origin,
                               line_and_column(text, text.find(number)), number));
  }
  if (duplicates.found()) {
    throw BadInput(fmt::format("{}: key '{}' appears twice in one object: remove one of the two",
                               origin, *duplicates.found()));
  }
  return document;
}

std::uint64_t read_integer(const JsonNode& node, IntegerRange range) {
  const bool fits = node.value.is_number_unsigned() &&
                    node.value.get<std::uint64_t>() >= range.least &&
                    node.value.get<std::uint64_t>() <= range.most;
  if (!fits) {
    reject(node, fmt::format("{} is not allowed: give a whole number from {} to {}",
                             quoted(node.value), range.least, range.most));
  }
  return node.value.get<std::uint64_t>();
}

std::uint64_t read_size(const JsonNode& node, IntegerRange range) {
  std::optional<std::uint64_t> bytes;
  if (node.value.is_number_unsigned()) bytes = node.value.get<std::uint64_t>();
  if (node.value.is_string())
    bytes = parse_with_unit(node.value.get_ref<const std::string&>(), kSizeUnits);
  if (!bytes || *bytes < range.least || *bytes > range.most) {
    reject(node, fmt::format("{} is not allowed: give a size from {} to {} as a number of bytes or "
                             "as \"4k\", \"100m\", "
                             "\"1g\" (powers of 1024)",
                             quoted(node.value), with_unit(range.least, kSizeUnits),
                             with_unit(range.most, kSizeUnits)));
  }
  return *bytes;
}

std::uint64_t read_duration_ns(const JsonNode& node, IntegerRange range) {
  std::optional<std::uint64_t> ns;
  if (node.value.is_string())
    ns = parse_with_unit(node.value.get_ref<const std::string&>(), kDurationUnits);
  if (!ns || *ns < range.least || *ns > range.most) {
    reject(node, fmt::format("{} is not allowed: give a duration from {} to {} with its unit, as "
                             "\"200us\", \"500ms\", "
                             "\"30s\" or \"2m\"",
                             quoted(node.value), with_unit(range.least, kDurationUnits),
                             with_unit(range.most, kDurationUnits)));
  }
  return *ns;
}

bool read_bool(const JsonNode& node) {
  if (!node.value.is_boolean())
    reject(node, fmt::format("{} is not allowed: give true or false", quoted(node.value)));
  return node.value.get<bool>();
}

std::string read_line_of_text(const JsonNode& node, std::size_t max_size) {
  const auto* text = node.value.get_ptr<const std::string*>();
  if (text == nullptr || text->empty() || text->size() > max_size ||
      text->find('\n') != std::string::npos) {
    reject(node, fmt::format("{} is not allowed: give a text of one line, 1 to {} characters",
                             quoted(node.value), max_size));
  }
  return *text;
}

std::string read_name(const JsonNode& node) {
  constexpr std::size_t kMaxName = 40;
  const auto* name = node.value.get_ptr<const std::string*>();
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (name == nullptr || name->empty() || name->size() > kMaxName ||
      !std::ranges::all_of(*name, allowed)) {
    reject(node,
           fmt::format(
               "{} is not allowed: give a name of lower-case letters, digits and dashes, 1 to {} "
               "characters",
               quoted(node.value), kMaxName));
  }
  return *name;
}

std::size_t read_choice(const JsonNode& node, std::span<const std::string_view> allowed) {
  const auto* text = node.value.get_ptr<const std::string*>();
  const auto found =
      text == nullptr ? allowed.end() : std::ranges::find(allowed, std::string_view(*text));
  if (found == allowed.end()) {
    reject(node, fmt::format("{} is not allowed: give one of {}", quoted(node.value),
                             fmt::join(allowed, ", ")));
  }
  return static_cast<std::size_t>(found - allowed.begin());
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 2);
  for (const std::string_view candidate : candidates) {
    const bool is_cut_short = word.size() > 2 && candidate.starts_with(word);
    const std::size_t distance = is_cut_short ? 1 : edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

void check_keys(const JsonNode& node, std::span<const std::string_view> allowed,
                std::span<const std::string_view> required) {
  if (!node.value.is_object()) {
    reject(node, fmt::format("{} is not allowed: give an object {{...}}", quoted(node.value)));
  }
  for (const auto& item : node.value.items()) {
    if (std::ranges::find(allowed, std::string_view(item.key())) != allowed.end()) continue;
    const std::string_view near = nearest(item.key(), allowed);
    reject(node, fmt::format("unknown key {}{}: allowed are {}", quoted(json(item.key())),
                             near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near),
                             fmt::join(allowed, ", ")));
  }
  for (const std::string_view key : required) {
    if (!node.value.contains(std::string(key)))
      reject(node, fmt::format("the key \"{}\" is missing", key));
  }
}

}  // namespace vfsprof::harness
