#include "reports/tests/gate_simulation.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <span>
#include <vector>

#include "reports/analyze/statistics.h"
#include "reports/gate/verdict.h"

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

/// A metric of three equal arms, block by block.
std::vector<BlockValues> equal_arms(const EqualBuilds& options, Random& random) {
  std::normal_distribution<double> normal;
  std::exponential_distribution<double> exponential;
  std::uniform_real_distribution<double> uniform;
  double level = 0;
  const auto round = [&] {
    const double disturbed =
        uniform(random) < options.disturbed ? options.disturbance * exponential(random) : 0;
    return 10'000 * std::exp(level + options.spread * normal(random) + disturbed);
  };
  std::vector<BlockValues> blocks;
  for (std::size_t i = 0; i < options.blocks; ++i) {
    level += options.drift * normal(random);
    const double before = round(), after = round(), control = round();
    blocks.push_back({before, after, control});
  }
  return blocks;
}

/// The outcome at the first look that decides, else at the last.
GateOutcome judge_job(const EqualBuilds& options, Random& random) {
  const double confidence = each_confidence({.confidence = options.confidence,
                                             .metrics = options.metrics,
                                             .comparisons = 2,
                                             .looks = options.looks});
  const std::vector<BlockValues> blocks = equal_arms(options, random);
  const std::size_t least = std::min(blocks_needed(Tier::kExact, confidence), options.blocks);
  GateOutcome outcome = GateOutcome::kUndecided;
  for (std::size_t look = 0; look < options.looks; ++look) {
    const std::size_t seen = least + (options.blocks - least) * look / (options.looks - 1);
    const MetricVerdict verdict =
        judge_metric(std::span(blocks).first(seen),
                     {.limit = {.relative = options.limit}, .confidence = confidence});
    outcome = decide(std::span(&verdict, 1));
    if (outcome != GateOutcome::kUndecided) break;
  }
  return outcome;
}

}  // namespace

GateRates simulate_equal_builds(const EqualBuilds& options) {
  Random random(options.seed);
  GateRates rates;
  for (std::size_t job = 0; job < options.jobs; ++job) {
    const GateOutcome outcome = judge_job(options, random);
    rates.undecided += outcome == GateOutcome::kUndecided ? 1 : 0;
    rates.regressed += outcome == GateOutcome::kRegressed ? 1 : 0;
  }
  rates.undecided /= static_cast<double>(options.jobs);
  rates.regressed /= static_cast<double>(options.jobs);
  return rates;
}

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
