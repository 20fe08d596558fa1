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

// What the policy of scripts/benchmarks/gate.py leaves undecided of builds that are equal.
TEST(GateRates, EqualBuildsAreSeldomUndecidedAndNeverRegressed) {
  const GateRates quiet = simulate_equal_builds({});
  EXPECT_LE(quiet.undecided, 0.02);
  EXPECT_EQ(quiet.regressed, 0);
  // Half of the machine is somebody else's: less is decided, but nothing is called worse.
  const GateRates loaded = simulate_equal_builds({.spread = 0.08, .disturbed = 0.2, .drift = 0.05});
  EXPECT_GT(loaded.undecided, quiet.undecided);
  EXPECT_EQ(loaded.regressed, 0);
}

}  // namespace
}  // namespace vfsprof::reports
