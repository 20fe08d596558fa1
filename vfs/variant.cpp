#include "vfs/variant.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "vfs/base/check.h"
#include "vfs/engine_setup.h"
#include "vfs/null_engine.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs {

// `each(pool, hash, key, copy, metadata, accounting)` for every engine of this build.
#ifdef VFSPROF_ALL_ENGINES
#define VFSPROF_ENGINE(...) VFSPROF_NAMED_ENGINE(__VA_ARGS__)
#else
#define VFSPROF_ENGINE(...)
#endif

// Defined in generated translation units, one for each line of variants.def (CMakeLists.txt).
#define VFSPROF_NAMED_ENGINE(pool, hash, key, copy, metadata, accounting)                    \
  std::unique_ptr<Engine> make_##pool##_##hash##_##key##_##copy##_##metadata##_##accounting( \
      EngineSetup);
#include "vfs/variants.def"
#undef VFSPROF_NAMED_ENGINE

namespace {

constexpr EngineCombination kCombinations[] = {
#define VFSPROF_NAMED_ENGINE(pool, hash, key, copy, metadata, accounting) \
  {#pool, #hash, #key, #copy, #metadata, #accounting},
#include "vfs/variants.def"
#undef VFSPROF_NAMED_ENGINE
};

using EngineMaker = std::unique_ptr<Engine> (*)(EngineSetup);

constexpr EngineMaker kMakers[] = {
#define VFSPROF_NAMED_ENGINE(pool, hash, key, copy, metadata, accounting) \
  make_##pool##_##hash##_##key##_##copy##_##metadata##_##accounting,
#include "vfs/variants.def"
#undef VFSPROF_NAMED_ENGINE
};

/// Where `name` stands in a range of things that have a name.
template <class Range>
std::optional<std::size_t> index_of(const Range& range, std::string_view name) {
  const auto found =
      std::ranges::find_if(range, [&](const auto& each) { return each.name == name; });
  if (found == std::ranges::end(range)) return {};
  return static_cast<std::size_t>(found - std::ranges::begin(range));
}

/// "mutex, sharded, tbb"
template <class Range>
std::string names_in(const Range& range) {
  std::vector<std::string_view> names;
  for (const auto& each : range) names.push_back(each.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// A new impossible combination is one entry here.
constexpr Conflict kConflicts[] = {
    {"copy=adopt", "memory=heap",
     "adopt exchanges single pages, and a chunk from the heap is one piece"},
    {"direct_io=on", "writeback=on",
     "writeback collects writes in the page cache, which direct_io goes around"},
};

std::string to_text(const Setting& setting) {
  return fmt::format("{}={}", setting.name, setting.value);
}

const Conflict* find_conflict(const Variant& variant) {
  std::vector<std::string> chosen;
  for (const Setting& setting : settings(variant)) chosen.push_back(to_text(setting));
  const auto has = [&](std::string_view setting) {
    return std::ranges::find(chosen, setting) != chosen.end();
  };
  const auto found = std::ranges::find_if(kConflicts, [&](const Conflict& conflict) {
    return has(conflict.first) && has(conflict.second);
  });
  return found == std::end(kConflicts) ? nullptr : found;
}

/// With the number of session threads, where the variant leaves it to the machine.
Variant resolved(Variant variant) {
  if (variant.options.threads == 0) {
    variant.options.threads =
        std::clamp(std::thread::hardware_concurrency(), 1U, kMostSessionThreads);
  }
  return variant;
}

/// Reads one variant text, part by part; what it does not say is that of `default`.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Variant parse() {
    std::string_view rest = text_;
    for (bool first = true; first || !rest.empty(); first = false) {
      const std::size_t comma = rest.find(',');
      const std::string_view part = rest.substr(0, comma);
      rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
      if (comma != text_.npos && rest.empty()) fail("ends in a comma", "remove it");
      if (const std::size_t equals = part.find('='); equals != part.npos) {
        apply_change(part.substr(0, equals), part.substr(equals + 1));
      } else {
        apply_name(part, first);
      }
    }
    if (const Conflict* const conflict = find_conflict(variant_)) {
      fail(fmt::format("{} and {} exclude each other: {}", conflict->first, conflict->second,
                       conflict->reason),
           "change one of them");
    }
    return variant_;
  }

 private:
  [[noreturn]] void fail(std::string_view what, std::string_view next) const {
    throw VariantError(fmt::format("variant '{}': {}; {}", text_, what, next));
  }

  void apply_name(std::string_view name, bool first) {
    const auto index = index_of(kNamedVariants, name);
    if (!first) {
      fail(fmt::format("'{}' is no change", name),
           "write a name first and then changes such as pool=tbb");
    }
    if (!index) {
      fail(fmt::format("there is no variant named '{}'", name),
           fmt::format("the variants are {}", names_in(kNamedVariants)));
    }
    variant_ = resolved(kNamedVariants[*index].variant);
    named_ = true;
  }

  void apply_change(std::string_view name, std::string_view value) {
    const auto axis = index_of(kAxes, name);
    const auto option = index_of(mount_options(), name);
    if (!axis && !option) {
      fail(fmt::format("there is no axis or option named '{}'", name),
           fmt::format("the axes are {}; the options are {}", names_in(kAxes),
                       names_in(mount_options())));
    }
    if (named_ && !variant_.has_strategies() &&
        (axis || mount_options()[*option].needs_strategies)) {
      fail(fmt::format("'{}' only replies, so it has no {}", NullEngine::kName, name),
           "leave it out: only mount options other than chunk can be changed");
    }
    const std::size_t place = axis ? *axis : kAxisCount + *option;
    if (std::exchange(given_[place], true)) {
      fail(fmt::format("'{}' is given twice", name), "keep one of them");
    }
    if (axis) {
      set_axis(*axis, value);
    } else {
      set_option(*option, value);
    }
  }

  void set_axis(std::size_t axis, std::string_view value) {
    const auto index = index_of(kAxes[axis].values, value);
    if (!index) {
      fail(fmt::format("{} has no value '{}'", kAxes[axis].name, value),
           fmt::format("its values are {}", names_in(kAxes[axis].values)));
    }
    variant_.values[axis] = kAxes[axis].values[*index].name;
  }

  void set_option(std::size_t option, std::string_view value) {
    const MountOption& changed = mount_options()[option];
    if (changed.set(variant_.options, value)) return;
    fail(fmt::format("{} cannot be '{}'", changed.name, value),
         fmt::format("{}: {}", changed.name, changed.summary));
  }

  const std::string_view text_;
  Variant variant_ = resolved(kNamedVariants.front().variant);
  bool named_ = false;
  std::array<bool, kAxisCount + kMountOptionCount> given_{};
};

EngineCombination combination_of(const Variant& variant) {
  return {variant.value(Axis::kPool),     variant.value(Axis::kHash),
          variant.value(Axis::kKey),      variant.value(Axis::kCopy),
          variant.value(Axis::kMetadata), variant.value(Axis::kAccounting)};
}

EngineMaker maker_of(const Variant& variant) {
  const EngineCombination wanted = combination_of(variant);
  const auto found = std::ranges::find(kCombinations, wanted);
  if (found == std::end(kCombinations)) {
    throw VariantError(
        fmt::format("variant '{}': this engine was not compiled in; add the line "
                    "VFSPROF_ENGINE({}) to vfs/variants.def, unless it is there, and build with "
                    "./scripts/build",
                    canonical(variant), fmt::join(wanted, ", ")));
  }
  return kMakers[found - std::begin(kCombinations)];
}

/// A new object of the type of `List` named `name`, as `Interface`.
template <class Interface, class List>
std::unique_ptr<Interface> make_named(std::string_view name) {
  std::unique_ptr<Interface> made;
  for_each_type(List{}, [&]<class T>(TypeTag<T>) {
    if (T::kName == name) made = std::make_unique<T>();
  });
  VFSPROF_CHECK(made != nullptr);
  return made;
}

}  // namespace

Variant parse_variant(std::string_view text) {
  Variant variant = Parser(text).parse();
  if (variant.has_strategies()) maker_of(variant);  // throws if it was not compiled in
  return variant;
}

std::vector<Setting> settings(const Variant& variant) {
  std::vector<Setting> chosen;
  if (variant.has_strategies()) {
    for (std::size_t i = 0; i < kAxisCount; ++i) {
      chosen.push_back({kAxes[i].name, std::string(variant.values[i])});
    }
  }
  for (const MountOption& option : mount_options()) {
    if (option.needs_strategies && !variant.has_strategies()) continue;
    chosen.push_back({option.name, option.text(variant.options)});
  }
  return chosen;
}

std::string canonical(const Variant& variant) {
  std::vector<std::string> parts;
  if (!variant.has_strategies()) parts.emplace_back(NullEngine::kName);
  for (const Setting& setting : settings(variant)) parts.push_back(to_text(setting));
  return fmt::format("{}", fmt::join(parts, ","));
}

std::span<const Conflict> conflicts() { return kConflicts; }
std::span<const AxisInfo> axes() { return kAxes; }
std::span<const NamedVariant> named_variants() {
  static const auto kResolved = [] {
    auto variants = kNamedVariants;
    for (NamedVariant& each : variants) each.variant = resolved(each.variant);
    return variants;
  }();
  return kResolved;
}
std::span<const EngineCombination> engine_combinations() { return kCombinations; }

std::unique_ptr<Engine> make_engine(const Variant& variant, const EngineOptions& options) {
  if (!variant.has_strategies()) return std::make_unique<NullEngine>();
  VFSPROF_CHECK(options.store != nullptr);
  if (options.memory_budget_bytes < variant.options.chunk) {
    throw VariantError(fmt::format(
        "the memory budget of {} bytes is smaller than a chunk of {}: not one block would fit; "
        "give at least {} bytes, or choose a smaller chunk=",
        options.memory_budget_bytes, format_size(variant.options.chunk), variant.options.chunk));
  }
  return maker_of(variant)(
      {.options = options,
       .chunk_bytes = variant.options.chunk,
       .flush = make_named<FlushStrategy, FlushList>(variant.value(Axis::kFlush)),
       .memory = make_named<BlockMemory, MemoryList>(variant.value(Axis::kMemory))});
}

}  // namespace vfsprof::vfs
