#include "vfs/store/store_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace vfsprof::vfs {

namespace {

/// A whole number and what follows it.
struct Number {
  std::uint64_t value = 0;
  std::string_view unit;
};

std::optional<Number> parse_number(std::string_view text) {
  Number number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error != std::errc()) return {};
  number.unit = std::string_view(end, text.data() + text.size());
  return number;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array kSizes{Unit{"", 1}, Unit{"k", 1 << 10}, Unit{"m", 1 << 20},
                            Unit{"g", 1 << 30}};
constexpr std::array kDurationsUs{Unit{"us", 1}, Unit{"ms", 1000}, Unit{"s", 1'000'000}};

/// A number with a unit, at most `limit`.
template <std::size_t kUnits>
std::optional<std::uint64_t> parse_quantity(std::string_view text,
                                            const std::array<Unit, kUnits>& units,
                                            std::uint64_t limit) {
  const auto number = parse_number(text);
  if (!number) return {};
  const auto unit = std::ranges::find(units, number->unit, &Unit::name);
  if (unit == units.end() || number->value > limit / unit->factor) return {};
  return number->value * unit->factor;
}

/// "16x1m"; together at most 1 TiB, so that no sum can overflow.
bool parse_objects(std::string_view text, StoreSpec& spec) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 40;
  constexpr std::uint64_t kMaxCount = 1'000'000;
  const auto count = parse_number(text);
  if (!count || !count->unit.starts_with('x') || count->value > kMaxCount) return false;
  const auto size = parse_quantity(count->unit.substr(1), kSizes, kMaxBytes);
  if (!size || (count->value > 0 && *size > kMaxBytes / count->value)) return false;
  spec.objects = {.count = count->value, .size = *size};
  return true;
}

bool parse_latency(std::string_view text, StoreSpec& spec) {
  constexpr std::uint64_t kMaxUs = 3'600'000'000;  // an hour
  const auto latency = parse_quantity(text, kDurationsUs, kMaxUs);
  if (latency) spec.disturbance.latency = std::chrono::microseconds(*latency);
  return latency.has_value();
}

/// "fetch:3"
bool parse_failures(std::string_view text, StoreSpec& spec) {
  const auto colon = text.find(':');
  if (colon == text.npos) return false;
  const auto& calls = Disturbance::kCallNames;
  const auto call = std::ranges::find(calls, text.substr(0, colon));
  const auto every = parse_number(text.substr(colon + 1));
  if (call == calls.end() || !every || !every->unit.empty() || every->value == 0) return false;
  spec.disturbance.fail_every[static_cast<std::size_t>(call - calls.begin())] = every->value;
  return true;
}

struct Option {
  std::string_view name;
  std::string_view value;  ///< what its value looks like
  bool (*parse)(std::string_view value, StoreSpec& spec);
};
constexpr std::array kOptions{
    Option{"objects", "COUNTxSIZE, for example 16x1m (at most 1000000 objects, 1024g in all)",
           parse_objects},
    Option{"latency", "a whole number of us, ms or s, for example 5ms (at most 3600s)",
           parse_latency},
    Option{"fail", "CALL:N with CALL one of list, fetch, put and N at least 1, for example fetch:3",
           parse_failures},
};

void parse_option(std::string_view text, StoreSpec& spec) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const auto option = std::ranges::find(kOptions, name, &Option::name);
  if (equals == text.npos || option == kOptions.end()) {
    throw StoreError(fmt::format(
        "object store: '{}' is no option; allowed: objects=COUNTxSIZE, latency=TIME, fail=CALL:N, "
        "after a comma each (so a path cannot have a comma: use a symbolic link to it)",
        text));
  }
  const std::string_view value = text.substr(equals + 1);
  if (option->parse(value, spec)) return;
  throw StoreError(fmt::format("object store: '{}' is no value for {}; allowed: {}", value, name,
                               option->value));
}

}  // namespace

StoreSpec parse_store_spec(std::string_view text) {
  const std::size_t comma = std::min(text.find(','), text.size());
  const std::string_view store = text.substr(0, comma);
  const std::size_t colon = std::min(store.find(':'), store.size());
  StoreSpec spec;
  spec.kind = store.substr(0, colon);
  spec.place = store.substr(std::min(colon + 1, store.size()));
  for (std::string_view rest = text.substr(comma); !rest.empty();) {
    rest.remove_prefix(1);  // the comma
    const std::string_view option = rest.substr(0, rest.find(','));
    parse_option(option, spec);
    rest.remove_prefix(option.size());
  }
  return spec;
}

}  // namespace vfsprof::vfs
