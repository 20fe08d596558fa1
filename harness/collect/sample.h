#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace vfsprof::harness {

/// What a sampling event asks the kernel to write with each sample; parse_sample() reads exactly
/// this.
extern const std::uint64_t kSampleType;

/// A sample as the kernel wrote it. `chain` is the call chain, leaf first, with the kernel's
/// context markers in it.
struct RawSample {
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  std::uint64_t time_ns = 0;  ///< CLOCK_MONOTONIC
  std::vector<std::uint64_t> chain;
};

/// Reads the payload of a PERF_RECORD_SAMPLE of `kSampleType`; nothing if it is cut short.
std::optional<RawSample> parse_sample(std::span<const std::byte> payload);

enum class AddressKind { kUser, kKernel };

/// An address of a call chain. `lookup` lies within the instruction that was executing: at the leaf
/// the sampled address itself, above it one byte before the return address, which may already
/// belong to what follows the call.
struct ChainAddress {
  AddressKind kind = AddressKind::kUser;
  std::uint64_t lookup = 0;
};

/// The addresses of a raw chain, leaf first. THE place where a sample becomes a stack: whole-stack
/// unwinding through code without frame pointers will start from here.
std::vector<ChainAddress> addresses_of(std::span<const std::uint64_t> chain);

}  // namespace vfsprof::harness
