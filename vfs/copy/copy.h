#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "vfs/base/check.h"
#include "vfs/counters.h"
#include "vfs/engine.h"

namespace vfsprof::vfs {

/// How a write's payload gets from the request buffer into a block.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `C::kName`, `C::kSummary` | string_view | its name on the command line, and what it stands for
/// | | `C::stage(payload)` | StagedPayload | what the write takes with it to where it runs | |
/// `C::take(bytes)` | convertible to span | the part of a staged payload that goes into one chunk,
/// ready to be copied there |
///
/// Every copy goes through `copy_bytes` or `copy_of`, which count; the last one, into the block, is
/// the engine's.
template <class C>
concept Copy = requires(std::span<const std::byte> bytes) {
  { C::kName } -> std::convertible_to<std::string_view>;
  { C::kSummary } -> std::convertible_to<std::string_view>;
  { C::stage(bytes) } -> std::same_as<StagedPayload>;
  { C::take(bytes) } -> std::convertible_to<std::span<const std::byte>>;
};

/// Copies and counts what it copies. Both spans have the same size.
inline void copy_bytes(std::span<std::byte> to, std::span<const std::byte> from) {
  VFSPROF_CHECK(to.size() == from.size());
  count(Counter::kBytesCopied, from.size());
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

/// A copy in a fresh vector, counted.
inline std::vector<std::byte> copy_of(std::span<const std::byte> bytes) {
  count(Counter::kBytesCopied, bytes.size());
  return {bytes.begin(), bytes.end()};
}

}  // namespace vfsprof::vfs
