#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/symbols/unwind/frame_rules.h"

namespace vfsprof::harness {

/// What a sampling event asks the kernel to write with each sample; parse_sample() reads exactly
/// this, and the registers and stack only where they were asked for.
extern const std::uint64_t kSampleType;
extern const std::uint64_t kStackSampleType;   ///< to be added for registers and a stack copy
extern const std::uint64_t kSampledRegisters;  ///< perf_event_attr::sample_regs_user; 0 where this
                                               ///< machine's stacks cannot be unwound

/// A sample as the kernel wrote it. `chain` is the call chain, leaf first, with the kernel's
/// context markers in it.
struct RawSample {
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  std::uint64_t time_ns = 0;  ///< CLOCK_MONOTONIC
  std::vector<std::uint64_t> chain;
  /// Those of user space; nothing where they were not asked for, or the thread has left it for
  /// good.
  std::optional<Registers> registers;
  /// A copy of the stack from its pointer on; valid as long as the payload.
  std::span<const std::byte> stack;
};

/// Reads the payload of a PERF_RECORD_SAMPLE of `kSampleType`, with `kStackSampleType` if
/// `with_stack`; nothing if it is cut short.
std::optional<RawSample> parse_sample(std::span<const std::byte> payload, bool with_stack = false);

enum class AddressKind { kUser, kKernel };

/// An address of a call chain. `lookup` lies within the instruction that was executing: at the leaf
/// the sampled address itself, above it one byte before the return address, which may already
/// belong to what follows the call.
struct ChainAddress {
  AddressKind kind = AddressKind::kUser;
  std::uint64_t lookup = 0;
  friend bool operator==(const ChainAddress&, const ChainAddress&) = default;
};

/// The addresses of a raw chain, leaf first.
std::vector<ChainAddress> addresses_of(std::span<const std::uint64_t> chain);

}  // namespace vfsprof::harness
