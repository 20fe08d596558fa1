#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <vector>

#include "vfs/counters.h"
#include "vfs/engine.h"
#include "vfs/payload.h"
#include "vfs/pool/block_bytes.h"

namespace vfsprof::vfs {

/// How a write's payload gets from the request buffer into a block.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `C::kName`, `C::kSummary` | string_view | its name on the command line, what it stands for |
/// | `C::kKeepsPages` | bool | it wants payloads in pages that it may keep (PayloadPages) |
/// | `C::stage(payload)` | StagedPayload | what the write takes with it to where it runs |
/// | `C::put(data, offset, part)` | | puts a part of a staged payload at `offset` of a block |
///
/// Every copy is counted: by `copy_of` here, the one into the block by BlockBytes.
template <class C>
concept Copy = requires(const Payload& payload, BlockBytes& data, std::size_t offset,
                        const PayloadPart& part) {
  { C::kName } -> std::convertible_to<std::string_view>;
  { C::kSummary } -> std::convertible_to<std::string_view>;
  { C::kKeepsPages } -> std::convertible_to<bool>;
  { C::stage(payload) } -> std::same_as<StagedPayload>;
  C::put(data, offset, part);
};

/// A copy in a fresh vector, counted.
inline std::vector<std::byte> copy_of(const PayloadPart& part) {
  count(Counter::kBytesCopied, part.size);
  std::vector<std::byte> copy(part.size);
  part.payload.copy_to(part.offset, copy);
  return copy;
}

/// A staged payload that owns a copy.
inline StagedPayload staged_copy_of(const Payload& payload) {
  StagedPayload staged{.owned = copy_of({payload, 0, payload.size()}), .payload = {}};
  staged.payload = Payload(staged.owned);
  return staged;
}

}  // namespace vfsprof::vfs
