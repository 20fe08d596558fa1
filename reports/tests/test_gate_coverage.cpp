#include <gtest/gtest.h>

#include <cmath>

#include "reports/tests/gate_simulation.h"

namespace vfsprof::reports {
namespace {

// 10 000 comparisons of an arm with itself in each shape of noise.
TEST(GateCoverage, IsWhatIsPromisedInEveryShapeOfNoise) {
  for (std::size_t i = 0; i < kNoiseNames.size(); ++i) {
    const SimulationOptions options{.noise = static_cast<Noise>(i)};
    const Coverage coverage = simulate_coverage(options);
    const double error =
        3 * std::sqrt(0.95 * 0.05 / static_cast<double>(options.sets));  // Monte Carlo
    EXPECT_GE(coverage.share, 0.95 - error) << kNoiseNames[i];
    if (is_exact(options.noise)) {
      EXPECT_NEAR(coverage.share, coverage.exact, 0.005) << kNoiseNames[i];
    }
  }
}

}  // namespace
}  // namespace vfsprof::reports
