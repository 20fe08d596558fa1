#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "harness/symbols/unwind/frame_rules.h"
#include "harness/symbols/unwind/stack_copy.h"

namespace vfsprof::harness {

/// The value of a DWARF expression, as it occurs in unwind tables: PLT entries, signal frames,
/// realigned stacks. Nothing if it needs a register that is not known, memory outside of the copy,
/// or an operation that such expressions do not use. `initial` is on the stack when it begins.
/// Source: DWARF 5, section 2.5.
std::optional<std::uint64_t> evaluate(std::span<const std::byte> expression,
                                      const Registers& registers, const StackCopy& stack,
                                      std::optional<std::uint64_t> initial);

}  // namespace vfsprof::harness
