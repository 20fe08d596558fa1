#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/collect/sample.h"
#include "harness/symbols/unwind/unwind.h"

namespace vfsprof::harness {

/// A sample's call chain, leaf first, with the kernel's context markers, and what is known of its
/// user part.
struct SampledChain {
  std::vector<std::uint64_t> addresses;
  bool has_user_part = false;
  bool whole = false;       ///< the user part reaches the thread's start
  bool copy_ended = false;  ///< it ends where the copy of the stack did
  bool code_unknown =
      false;  ///< it ended where no code was mapped when the mappings were last read
};

/// The chain of a sample whose user part is walked through its copy of the stack. With `kAuto` the
/// kernel's walk by frame pointers goes on where the copy ends.
SampledChain unwind_sample(const RawSample& sample, Mappings& mappings, UnwindMethod method);

/// `walked` goes on with `by_frame_pointers` (both leaf first) behind the address that both hold:
/// its last occurrence in `walked` that has one. False, and nothing is changed, if there is none.
bool join_chains(std::vector<std::uint64_t>& walked,
                 std::span<const std::uint64_t> by_frame_pointers);

}  // namespace vfsprof::harness
