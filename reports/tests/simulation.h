#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace vfsprof::reports::synthetic {

/// A profiled program whose true shares are known.
struct World {
  std::string name = {};
  std::vector<double> shares{0.35, 0.25, 0.2, 0.12, 0.06, 0.02};  ///< of its categories
  std::size_t rounds = 3;
  std::size_t slices = 100;            ///< of 100 ms, in each round
  std::size_t samples_per_slice = 50;  ///< about one thread and a half at 333 Hz
  double fluctuation = 0;              ///< relative spread of each category's rate over time, about
  double memory = 0;                   ///< autocorrelation of the rates from one slice to the next
  double between = 0;  ///< relative spread of rates and of the whole between rounds, about
};

/// How many intervals held the truth.
struct Coverage {
  std::size_t intervals = 0;
  std::size_t covered = 0;
  double value() const { return static_cast<double>(covered) / static_cast<double>(intervals); }
};
struct CoverageOfBoth {
  Coverage share;
  Coverage cost;
};

/// Simulates `runs` runs, samples and all, and puts each through the analysis that a report is made
/// by. Cells that a report would call thin do not count.
CoverageOfBoth measure_coverage(const World& world, std::size_t runs, std::uint64_t seed);

/// The worlds for which 93 to 97 % is promised: independent and autocorrelated in time, of one and
/// of several rounds, with and without a spread between rounds.
std::vector<World> promised_worlds();

}  // namespace vfsprof::reports::synthetic
