#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vfsprof::reports {

/// What disturbs the arms of a simulated comparison.
enum class Noise { kSkewed, kBimodal, kRamp, kAutocorrelated, kOutliers, kTies };

inline constexpr std::array<std::string_view, 6> kNoiseNames{"skewed",         "bimodal",  "ramp",
                                                             "autocorrelated", "outliers", "ties"};

/// Whether pairs of this noise are independent and continuous, so that the sign test is exact.
constexpr bool is_exact(Noise noise) {
  return noise == Noise::kSkewed || noise == Noise::kBimodal || noise == Noise::kOutliers;
}

struct SimulationOptions {
  Noise noise = Noise::kSkewed;
  std::size_t pairs = 14;
  std::size_t sets = 10'000;
  double confidence = 0.95;
  std::uint64_t seed = 1;
};

struct Coverage {
  double share = 0;  ///< of the sets whose interval holds the true median of the log-ratio, 0
  double exact = 0;  ///< of the sign test at this number of pairs
};

/// Runs comparisons of an arm with itself, in the order of make_plan: mirrored pairs of blocks
/// whose first order is drawn.
Coverage simulate_coverage(const SimulationOptions& options);

}  // namespace vfsprof::reports
