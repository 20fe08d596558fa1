#include "reports/analyze/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace vfsprof::reports {
namespace {

constexpr std::size_t kReplicates = 1000;

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

/// Weights and operations, summed over the rounds of one replicate.
struct Sums {
  Weights cells;
  double operations = 0;
};

Sums resample_within(std::span<const ResampledRound> rounds, const std::vector<Weights>& observed,
                     std::mt19937_64& random) {
  Sums sums{Weights(observed.front().size(), 0.0), 0};
  Weights drawn(sums.cells.size());
  for (std::size_t r = 0; r < rounds.size(); ++r) {
    const auto& blocks = rounds[r].blocks;
    std::fill(drawn.begin(), drawn.end(), 0.0);
    for (std::size_t i = 0; i < blocks.size(); ++i)
      add_to(drawn, blocks[draw(random, blocks.size())]);
    const double sum = total(drawn);
    // A round's operations are fixed and its CPU time is known: only how the time splits up is a
    // matter of chance.
    if (sum > 0) {
      add_to(sums.cells, drawn, total(observed[r]) / sum);
    } else {
      add_to(sums.cells, observed[r]);
    }
    sums.operations += rounds[r].operations;
  }
  return sums;
}

Sums resample_between(std::span<const ResampledRound> rounds, const std::vector<Weights>& observed,
                      std::mt19937_64& random) {
  Sums sums{Weights(observed.front().size(), 0.0), 0};
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const std::size_t r = draw(random, rounds.size());
    add_to(sums.cells, observed[r]);
    sums.operations += rounds[r].operations;
  }
  return sums;
}

void record(std::vector<CellSpread>& cells, const Sums& sums, std::vector<double> Spread::* stage) {
  const double weight = total(sums.cells);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    CellSpread& cell = cells[i];
    const double share = weight > 0 ? sums.cells[i] / weight : 0;
    const double cost = sums.operations > 0 ? sums.cells[i] / sums.operations : 0;
    (cell.share_spread.*stage).push_back(share - cell.share);
    (cell.cost_spread.*stage).push_back(cost - cell.cost_ns);
  }
}

double variance(const std::vector<double>& values) {
  const double deviation = standard_deviation(values);
  return deviation * deviation;
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

  std::vector<Weights> observed;
  Sums sums{Weights(cells, 0.0), 0};
  for (const ResampledRound& round : rounds) {
    Weights& weights = observed.emplace_back(cells, 0.0);
    for (const auto& block : round.blocks) add_to(weights, block);
    add_to(sums.cells, weights);
    sums.operations += round.operations;
  }
  const double weight = total(sums.cells);
  for (std::size_t i = 0; i < cells; ++i) {
    result[i].share = weight > 0 ? sums.cells[i] / weight : 0;
    result[i].cost_ns = sums.operations > 0 ? sums.cells[i] / sums.operations : 0;
  }

  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < kReplicates; ++i) {
    record(result, resample_within(rounds, observed, random), &Spread::within);
    record(result, resample_between(rounds, observed, random), &Spread::between);
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
  const double n = static_cast<double>(spread.rounds);
  // Drawing n of n rounds underestimates their variance by (n - 1) / n.
  const double correction = n / (n - 1);
  const double within = variance(spread.within);
  const double between = variance(spread.between) * correction;
  if (between <= within) return result;
  const double factor = std::sqrt((between - within) / between * correction) *
                        student_t_975(degrees_of_freedom) / student_t_975(SIZE_MAX);
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
