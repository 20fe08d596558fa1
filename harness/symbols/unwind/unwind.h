#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "harness/symbols/unwind/frame_rules.h"
#include "harness/symbols/unwind/mappings.h"

namespace vfsprof::harness {

/// Why a walk up a stack ended.
enum class StackEnd {
  kThreadStart,  ///< at the outermost frame: the tables (or a frame pointer of 0) say that it is
  kCopyEnded,    ///< the next frame lies outside of the copy
  kNoMapping,    ///< an address where no code was mapped
  kNoTable,      ///< code without unwind table, and no frame pointer that leads on
  kBadFrame,     ///< the rules could not be followed, or led nowhere
  kTooDeep,      ///< more than kMaxStackDepth frames
};

inline constexpr std::size_t kMaxStackDepth = 512;

struct UnwoundStack {
  /// Leaf first. The first is the instruction itself, the others are return addresses: names are to
  /// be looked up one byte before those. (Of a frame that a signal has interrupted, one byte behind
  /// the instruction is given, so that this holds for it too.)
  std::vector<std::uint64_t> addresses;
  StackEnd end = StackEnd::kThreadStart;

  bool whole() const { return end == StackEnd::kThreadStart; }
};

/// Walks up a stack from a thread's registers (at least rip and rsp; rbp and the other registers
/// that a callee keeps where they are known) and a copy of its stack from rsp on.
///
/// Code without unwind table (Go, just-in-time compilers) is left by its frame pointer where that
/// leads to code. Cost: about 50 ns a frame once the objects' tables are there.
UnwoundStack unwind(const Registers& registers, std::span<const std::byte> stack_copy,
                    Mappings& mappings);

}  // namespace vfsprof::harness
