#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/engine.h"
#include "vfs/mount_options.h"

namespace vfsprof::vfs {

class ObjectStore;

/// The axes, in the order in which canonical text names them (design.md section 4).
enum class Axis : std::size_t {
  kPool,
  kHash,
  kKey,
  kCopy,
  kExecutor,
  kFlush,
  kMemory,
  kMetadata,
  kAccounting,
  kCount
};

inline constexpr std::size_t kAxisCount = static_cast<std::size_t>(Axis::kCount);

/// A value of an axis: `mutex`, and what it stands for.
struct ValueInfo {
  std::string_view name;
  std::string_view summary;
};

/// An axis: `pool`, what it decides, and the values that exist.
struct AxisInfo {
  std::string_view name;
  std::string_view summary;
  std::span<const ValueInfo> values;
};

/// One way to build and mount the file system: a value for each axis, and the mount options.
struct Variant {
  std::array<std::string_view, kAxisCount> values;  ///< by Axis; static strings, empty for `null`
  MountOptions options;

  constexpr std::string_view value(Axis axis) const {
    return values[static_cast<std::size_t>(axis)];
  }
  constexpr std::string_view executor() const { return value(Axis::kExecutor); }
  /// False for `null`, which has mount options only.
  constexpr bool has_strategies() const { return !values.front().empty(); }
  friend bool operator==(const Variant&, const Variant&) = default;
};

struct NamedVariant {
  std::string_view name;
  std::string_view summary;
  Variant variant;
};

/// Text that names no variant. The message names the part at fault, what is allowed there and what
/// to do.
class VariantError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Parses `NAME`, `NAME,axis=value,...` or `axis=value,...`; options are written like axes
/// (`chunk=1m`). Without a name every axis and option must be given, as `canonical` does. Errors:
/// VariantError, also for a combination that excludes itself (`conflicts`) or whose engine is not
/// in variants.def.
Variant parse_variant(std::string_view text);

/// `pool` and `mutex`: one axis or option, and the value that a variant has there.
struct Setting {
  std::string_view name;
  std::string value;
};

/// Everything that a variant chose: every axis, then every option; what means nothing to it is left
/// out.
std::vector<Setting> settings(const Variant& variant);

/// The text that names this variant and no other: its settings, after `null` for one without
/// strategies. `parse_variant` reads it back.
std::string canonical(const Variant& variant);

/// Two settings that no variant can have together, and why.
struct Conflict {
  std::string_view first;  ///< as `direct_io=on`
  std::string_view second;
  std::string_view reason;
};
std::span<const Conflict> conflicts();

/// Every axis with its values, in canonical order.
std::span<const AxisInfo> axes();

/// The variants that have a name.
std::span<const NamedVariant> named_variants();

/// An engine combination that was compiled in: the values of pool, hash, key, copy, metadata and
/// accounting.
using EngineCombination = std::array<std::string_view, 6>;
std::span<const EngineCombination> engine_combinations();

struct EngineOptions {
  std::filesystem::path cache_directory;  ///< exists; files found there are served again
  std::uint64_t memory_budget_bytes =
      0;                         ///< of cached data; dirty files are written back to keep within it
  ObjectStore* store = nullptr;  ///< required; must outlive the engine
  /// Runs work of the engine's own, such as write-behind, on other threads. It must outlive the
  /// engine, and run what it was given. Default: at once, on the calling thread.
  std::function<void(std::function<void()>)> spawn = [](const std::function<void()>& work) {
    work();
  };
  /// Is told, a sentence each, what of the cache directory could not be used.
  std::function<void(const std::string&)> on_fault = {};
};

/// Builds the engine of a variant and recovers what its cache directory holds; `null` has no use
/// for the directory and does not look at it.
/// Errors: VariantError if it was not compiled in or the budget holds no chunk; CacheDirectoryError
/// (disk_cache.h) if the directory cannot be used or recovered, or the store not listed.
std::unique_ptr<Engine> make_engine(const Variant& variant, const EngineOptions& options);

}  // namespace vfsprof::vfs
