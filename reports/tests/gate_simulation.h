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

/// A build against itself, as the gate judges it.
struct EqualBuilds {
  std::size_t blocks = 30;   ///< that the budget allows
  double spread = 0.03;      ///< of the logarithm of a round's CPU time, standard deviation
  double disturbed = 0.05;   ///< rounds that something else disturbs,
  double disturbance = 0.3;  ///< and by what factor, exponentially distributed
  double drift = 0.02;       ///< from one block to the next, standard deviation of a random walk
  double limit = 0.1;        ///< of the policy
  double confidence = 0.95;  ///< of all of its metrics together
  std::size_t metrics = 8;   ///< that share it; one of them is a time, the others never waver
  std::size_t looks = 3;
  std::size_t jobs = 1'000;
  std::uint64_t seed = 1;
};

/// Shares of all jobs.
struct GateRates {
  double undecided = 0;
  double regressed = 0;
};

/// Runs gates of a build against itself, with their looks and their control arm.
GateRates simulate_equal_builds(const EqualBuilds& options);

}  // namespace vfsprof::reports
