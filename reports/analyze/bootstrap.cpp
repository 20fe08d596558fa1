#include "reports/analyze/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace vfsprof::reports {
namespace {

constexpr std::size_t kReplicates = 1000;
// The least part of the spread between rounds that counts in a cell, where rounds differ at all.
constexpr double kLeastBetween = 0.5;

using Weights = std::vector<double>;

void add_to(Weights& sum, const Weights& part, double factor = 1) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i] * factor;
}

double total(const Weights& weights) {
  return std::accumulate(weights.begin(), weights.end(), 0.0);
}

// Not std::uniform_int_distribution, whose results differ between standard libraries. The bias of
// the remainder is below 1e-12 for any real number of blocks.
std::size_t draw(std::mt19937_64& random, std::size_t count) { return random() % count; }

// Standard normal but for its tails beyond three deviations (the sum of twelve uniform numbers),
// for the same reason.
double draw_normal(std::mt19937_64& random) {
  constexpr double kUnit = 0x1p-64;
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random()) * kUnit;
  return sum;
}

/// The rounds, and what all stages need of them.
struct Observed {
  std::span<const ResampledRound> rounds;
  std::vector<Weights> weights;  ///< of each round, by cell
  Weights sums;
  double weight = 0;
  double operations = 0;
};

Observed observe(std::span<const ResampledRound> rounds, std::size_t cells) {
  Observed result{rounds, {}, Weights(cells, 0.0)};
  for (const ResampledRound& round : rounds) {
    Weights& weights = result.weights.emplace_back(cells, 0.0);
    for (const auto& block : round.blocks) add_to(weights, block);
    add_to(result.sums, weights);
    result.operations += round.operations;
  }
  result.weight = total(result.sums);
  return result;
}

/// How many blocks are drawn in a row, so that what outlasts a block stays together: after Politis
/// and White (2004), as for a first-order autoregression with the correlation between neighbouring
/// blocks. All cells share it, so that sums of cells stay sums.
std::size_t run_length(const Observed& observed) {
  double variance = 0, covariance = 0, blocks = 0;
  for (std::size_t r = 0; r < observed.rounds.size(); ++r) {
    const auto& all = observed.rounds[r].blocks;
    const double weight = total(observed.weights[r]);
    if (all.size() < 3 || weight <= 0) continue;
    blocks = std::max(blocks, static_cast<double>(all.size()));
    Weights before(observed.sums.size(), 0.0), now(before);
    for (std::size_t b = 0; b < all.size(); ++b) {
      const double whole = total(all[b]);
      for (std::size_t c = 0; c < now.size(); ++c) {
        now[c] = all[b][c] - whole * observed.weights[r][c] / weight;
        variance += now[c] * now[c];
        covariance += now[c] * before[c];
      }
      std::swap(now, before);
    }
  }
  if (variance <= 0) return 1;
  const double found = covariance / variance;
  // An estimate from few blocks is too low by about that (Marriott and Pope 1954).
  const double correlation = std::clamp(found + (1 + 3 * found) / blocks, 0.0, 0.95);
  const double length =
      std::cbrt(6 * blocks) * std::pow(correlation / (1 - correlation * correlation), 2.0 / 3);
  return std::clamp<std::size_t>(static_cast<std::size_t>(std::ceil(length)), 1,
                                 std::max<std::size_t>(1, static_cast<std::size_t>(blocks / 4)));
}

/// What few blocks make the spread within rounds too small by.
double widening(const Observed& observed, std::size_t run) {
  double blocks = 0, free = 0;
  for (const ResampledRound& round : observed.rounds) {
    if (round.blocks.size() <= run) continue;
    blocks += static_cast<double>(round.blocks.size());
    free += static_cast<double>(round.blocks.size() - run);
  }
  if (free <= 0) return 1;
  const auto degrees = static_cast<std::size_t>(std::max(1.0, free / static_cast<double>(run)));
  return std::sqrt(blocks / free) * student_t_975(degrees) / student_t_975(SIZE_MAX);
}

/// The cells' weights had other moments of the same rounds been sampled.
Weights resample_within(const Observed& observed, std::size_t run, std::mt19937_64& random) {
  Weights sums(observed.sums.size(), 0.0);
  Weights drawn(sums.size());
  for (std::size_t r = 0; r < observed.rounds.size(); ++r) {
    const auto& blocks = observed.rounds[r].blocks;
    std::fill(drawn.begin(), drawn.end(), 0.0);
    std::size_t at = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      at = i % run == 0 ? draw(random, blocks.size()) : (at + 1) % blocks.size();
      add_to(drawn, blocks[at]);
    }
    const double sum = total(drawn);
    // A round's operations are fixed and its CPU time is known: only how the time splits up is a
    // matter of chance.
    if (sum > 0) {
      add_to(sums, drawn, total(observed.weights[r]) / sum);
    } else {
      add_to(sums, observed.weights[r]);
    }
  }
  return sums;
}

void record_within(std::vector<CellSpread>& cells, const Observed& observed, std::size_t run,
                   std::mt19937_64& random) {
  const double widened = widening(observed, run);
  for (std::size_t i = 0; i < kReplicates; ++i) {
    const Weights sums = resample_within(observed, run, random);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const double moved = (sums[c] - observed.sums[c]) * widened;
      cells[c].share_spread.within.push_back(observed.weight > 0 ? moved / observed.weight : 0);
      cells[c].cost_spread.within.push_back(observed.operations > 0 ? moved / observed.operations
                                                                    : 0);
    }
  }
}

/// Rounds are few, and draws of few rounds are few different ones: their deviations from the whole
/// are multiplied by normal numbers instead (Wu 1986).
void record_between(std::vector<CellSpread>& cells, const Observed& observed,
                    std::mt19937_64& random) {
  const double n = static_cast<double>(observed.rounds.size());
  const double unbiased = n > 1 ? std::sqrt(n / (n - 1)) : 0;
  std::vector<double> factors(observed.rounds.size());
  for (std::size_t i = 0; i < kReplicates; ++i) {
    for (double& factor : factors) factor = unbiased * draw_normal(random);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      double share = 0, cost = 0;
      for (std::size_t r = 0; r < factors.size(); ++r) {
        const Weights& weights = observed.weights[r];
        share += factors[r] * (weights[c] - cells[c].share * total(weights));
        cost += factors[r] * (weights[c] - cells[c].cost_ns * observed.rounds[r].operations);
      }
      cells[c].share_spread.between.push_back(observed.weight > 0 ? share / observed.weight : 0);
      cells[c].cost_spread.between.push_back(observed.operations > 0 ? cost / observed.operations
                                                                     : 0);
    }
  }
}

double variance(const std::vector<double>& values) {
  const double deviation = standard_deviation(values);
  return deviation * deviation;
}

/// Whether rounds differ by more than chance is asked once, of all cells together: asked of each,
/// the answer would often be wrong. Where they do not, what they seem to differ by is dropped.
void drop_spread_by_chance(std::vector<CellSpread>& cells, Spread CellSpread::* figure) {
  double ratios = 0, count = 0;
  for (const CellSpread& cell : cells) {
    const double within = variance((cell.*figure).within);
    if (within <= 0) continue;
    ratios += variance((cell.*figure).between) / within;
    count += 1;
  }
  const auto degrees = static_cast<double>(cells.front().share_spread.rounds - 1);
  // Each ratio is about 1, with variance 2 / degrees, where rounds are alike.
  const bool differ = count == 0 || ratios / count > 1 + std::sqrt(2 / (degrees * count));
  if (differ) return;
  for (CellSpread& cell : cells) {
    std::vector<double>& between = (cell.*figure).between;
    std::fill(between.begin(), between.end(), 0.0);
  }
}

}  // namespace

std::uint64_t derive_seed(std::uint64_t seed, const std::string& purpose) {
  // FNV-1a over the purpose, from the seed on.
  std::uint64_t hash = 0xcbf29ce484222325 ^ (seed * 0x9e3779b97f4a7c15);
  for (const char c : purpose) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

void Spread::add(const Spread& other) {
  add_to(within, other.within);
  add_to(between, other.between);
}

void CellSpread::add(const CellSpread& other) {
  share += other.share;
  cost_ns += other.cost_ns;
  share_spread.add(other.share_spread);
  cost_spread.add(other.cost_spread);
}

std::vector<CellSpread> resample(std::span<const ResampledRound> rounds, std::size_t cells,
                                 std::uint64_t seed) {
  std::vector<CellSpread> result(cells);
  for (CellSpread& cell : result)
    cell.share_spread.rounds = cell.cost_spread.rounds = rounds.size();
  if (rounds.empty() || cells == 0) return result;

  const Observed observed = observe(rounds, cells);
  for (std::size_t i = 0; i < cells; ++i) {
    result[i].share = observed.weight > 0 ? observed.sums[i] / observed.weight : 0;
    result[i].cost_ns = observed.operations > 0 ? observed.sums[i] / observed.operations : 0;
  }
  std::mt19937_64 random(seed);
  record_within(result, observed, run_length(observed), random);
  record_between(result, observed, random);
  if (rounds.size() > 1) {
    drop_spread_by_chance(result, &CellSpread::share_spread);
    drop_spread_by_chance(result, &CellSpread::cost_spread);
  }
  return result;
}

std::size_t block_length(std::size_t slices) {
  return std::max<std::size_t>(
      1, static_cast<std::size_t>(std::ceil(std::cbrt(static_cast<double>(slices)) - 1e-9)));
}

std::vector<double> deviations(const Spread& spread, std::size_t degrees_of_freedom) {
  std::vector<double> result = spread.within;
  if (spread.rounds < 2) return result;
  const double within = variance(spread.within), between = variance(spread.between);
  if (between <= 0) return result;
  // Where rounds differ, a cell in which they happen to be alike is not taken at its word.
  const double part = std::max(1 - within / between, kLeastBetween);
  const double factor =
      std::sqrt(part) * student_t_975(degrees_of_freedom) / student_t_975(SIZE_MAX);
  add_to(result, spread.between, factor);
  return result;
}

Interval percentile_interval(double estimate, std::span<const double> deviations) {
  if (deviations.empty()) return {estimate, estimate};
  std::vector<double> sorted(deviations.begin(), deviations.end());
  std::sort(sorted.begin(), sorted.end());
  return {estimate + quantile_of_sorted(sorted, 0.025),
          estimate + quantile_of_sorted(sorted, 0.975)};
}

Difference difference(double before, const Spread& spread_before, double after,
                      const Spread& spread_after) {
  const std::size_t rounds = spread_before.rounds + spread_after.rounds;
  const std::size_t degrees_of_freedom = rounds > 2 ? rounds - 2 : 0;
  std::vector<double> deviation(kReplicates, 0.0);
  const auto accumulate = [&](const Spread& spread, double sign) {
    const std::vector<double> part = deviations(spread, degrees_of_freedom);
    for (std::size_t i = 0; i < part.size(); ++i) deviation[i] += sign * part[i];
  };
  accumulate(spread_before, -1);
  accumulate(spread_after, 1);

  Difference result{after - before, percentile_interval(after - before, deviation), 1};
  const double spread = std::sqrt(variance(deviation));
  if (spread > 0) {
    result.p_value = std::erfc(std::abs(result.value) / (spread * std::sqrt(2.0)));
  } else if (result.value != 0) {
    result.p_value = 0;
  }
  return result;
}

}  // namespace vfsprof::reports
