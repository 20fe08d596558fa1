#include "reports/tests/gate_simulation.h"

#include <cmath>
#include <random>
#include <vector>

#include "reports/analyze/statistics.h"

namespace vfsprof::reports {
namespace {

using Random = std::mt19937_64;

/// The logarithm of what one round after another takes.
class Rounds {
 public:
  Rounds(Noise noise, Random& random) : noise_(noise), random_(random) {
    ramp_ = 0.01 * normal_(random_);
    state_ = normal_(random_);
  }

  double next() {
    const double z = normal_(random_);
    ++round_;
    switch (noise_) {
      case Noise::kSkewed:
        return 0.05 * exponential_(random_);
      case Noise::kBimodal:
        return (uniform_(random_) < 0.5 ? 0 : 0.3) + 0.01 * z;
      case Noise::kRamp:
        return ramp_ * static_cast<double>(round_) + 0.02 * z;
      case Noise::kAutocorrelated:
        state_ = 0.8 * state_ + 0.6 * z;
        return 0.05 * state_;
      case Noise::kOutliers:
        return 0.01 * z + (uniform_(random_) < 0.1 ? exponential_(random_) : 0);
      case Noise::kTies:
        break;
    }
    return std::round(2 * z);  // a handful of values
  }

 private:
  Noise noise_;
  Random& random_;
  std::normal_distribution<double> normal_;
  std::exponential_distribution<double> exponential_;
  std::uniform_real_distribution<double> uniform_;
  double ramp_ = 0;
  double state_ = 0;
  std::size_t round_ = 0;
};

std::vector<double> log_ratios(const SimulationOptions& options, Random& random) {
  Rounds rounds(options.noise, random);
  std::vector<double> ratios;
  bool after_first = false;
  for (std::size_t pair = 0; pair < options.pairs; ++pair) {
    after_first = pair % 2 == 0 ? random() % 2 == 0 : !after_first;
    const double first = rounds.next(), second = rounds.next();
    ratios.push_back(after_first ? first - second : second - first);
  }
  return ratios;
}

}  // namespace

Coverage simulate_coverage(const SimulationOptions& options) {
  Random random(options.seed + static_cast<std::uint64_t>(options.noise));
  std::size_t covered = 0;
  Coverage coverage;
  for (std::size_t set = 0; set < options.sets; ++set) {
    const auto found = sign_test_interval(log_ratios(options, random), options.confidence);
    if (!found) continue;
    coverage.exact = found->confidence;
    covered += found->interval.low <= 0 && found->interval.high >= 0 ? 1 : 0;
  }
  coverage.share = static_cast<double>(covered) / static_cast<double>(options.sets);
  return coverage;
}

}  // namespace vfsprof::reports
