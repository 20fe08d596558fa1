#include "vfs/store/store_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "vfs/base/byte_size.h"

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
constexpr std::array kDurationsUs{Unit{"us", 1}, Unit{"ms", 1000}, Unit{"s", 1'000'000}};

/// "16x1m"; together at most 1 TiB, so that no sum can overflow.
bool parse_objects(std::string_view text, StoreSpec& spec) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 40;
  constexpr std::uint64_t kMaxCount = 1'000'000;
  const auto count = parse_number(text);
  if (!count || !count->unit.starts_with('x') || count->value > kMaxCount) return false;
  const auto size = parse_byte_size(count->unit.substr(1));
  if (!size || *size > kMaxBytes / std::max<std::uint64_t>(count->value, 1)) return false;
  spec.objects = {.count = count->value, .size = *size};
  return true;
}

bool parse_latency(std::string_view text, StoreSpec& spec) {
  constexpr std::uint64_t kMaxUs = 3'600'000'000;  // an hour
  const auto latency = parse_number(text);
  if (!latency) return false;
  const auto unit = std::ranges::find(kDurationsUs, latency->unit, &Unit::name);
  if (unit == kDurationsUs.end() || latency->value > kMaxUs / unit->factor) return false;
  spec.disturbance.latency = std::chrono::microseconds(latency->value * unit->factor);
  return true;
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
