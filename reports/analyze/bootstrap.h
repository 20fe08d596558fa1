#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reports/analyze/statistics.h"

namespace vfsprof::reports {

/// One profiling round, ready for resampling: time cut into blocks, each with the weight of every
/// cell in it.
struct ResampledRound {
  double operations = 0;
  std::vector<std::vector<double>> blocks;  ///< [block][cell], nanoseconds
  std::size_t block_slices = 1;             ///< time slices in a block
};

/// A seed for one purpose, derived from the result's.
std::uint64_t derive_seed(std::uint64_t seed, const std::string& purpose);

/// What chance might have done to a figure: replicates of its deviation from the estimate.
struct Spread {
  std::vector<double> within;   ///< had other moments of the same rounds been sampled
  std::vector<double> between;  ///< had other rounds been run
  std::size_t rounds = 0;

  /// Adds a figure of the same arm (same replicates).
  void add(const Spread& other);
};

/// Both figures of a cell: its share of all weight (0 to 1) and its cost per operation in ns.
struct CellSpread {
  double share = 0;
  double cost_ns = 0;
  Spread share_spread;
  Spread cost_spread;

  void add(const CellSpread& other);
};

/// Estimates every cell and resamples it. Within each round, whose total is known and held: runs of
/// neighbouring blocks, as long as the blocks are correlated. Between rounds: their deviations from
/// the whole times normal numbers. Source: circular block bootstrap (Politis and Romano 1992) with
/// the run length of Politis and White (2004), multiplier bootstrap (Wu 1986).
std::vector<CellSpread> resample(std::span<const ResampledRound> rounds, std::size_t cells,
                                 std::uint64_t seed);

/// The block length, in slices, for a round of `slices` slices: the cube root (Hall, Horowitz and
/// Jing 1995).
std::size_t block_length(std::size_t slices);

/// One figure's deviations with both sources of chance in them. The spread between rounds counts as
/// far as it exceeds what the spread within them explains, and is widened by Student's t for few
/// rounds.
std::vector<double> deviations(const Spread& spread, std::size_t degrees_of_freedom);

/// The 95 % percentile interval around an estimate.
Interval percentile_interval(double estimate, std::span<const double> deviations);

/// A difference of two independent figures (second minus first) and how likely chance alone makes
/// one as large.
struct Difference {
  double value = 0;
  Interval interval;
  double p_value = 1;
};
Difference difference(double before, const Spread& spread_before, double after,
                      const Spread& spread_after);

}  // namespace vfsprof::reports
