#pragma once

#include <cstddef>
#include <cstdint>

#include "reports/model/run_result.h"

namespace vfsprof::reports::synthetic {

/// How large a result is to be.
struct LargeOptions {
  std::uint64_t samples = 1'000'000;  ///< none of which can be merged with another
  std::size_t stacks = 50'000;        ///< distinct ones, of 32 frames
  std::size_t functions = 4'000;
  std::size_t threads = 64;
  std::size_t rounds = 3;
  std::uint32_t slices = 600;  ///< a minute a round
};

/// One profiled arm as a long run under many threads gives it: deep stacks that share their outer
/// frames and end in what the default rules know.
RunResult make_large_result(const LargeOptions& options);

}  // namespace vfsprof::reports::synthetic
