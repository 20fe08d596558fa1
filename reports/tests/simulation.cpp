#include "reports/tests/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "reports/analyze/profile_tables.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports::synthetic {
namespace {

constexpr std::uint64_t kOperations = 100'000;
constexpr std::uint64_t kWeightNs = 1'000'000;
using Rates = std::vector<double>;

/// Rates of all categories over time: log-normal around the shares, first-order autoregressive.
class Process {
 public:
  Process(const World& world, std::mt19937_64& random) : world_(world), random_(random) {
    for (const double share : world.shares) {
      base_.push_back(share * std::exp(world.between * normal_(random)));
      state_.push_back(normal_(random));
    }
  }

  /// Shares of the next slice.
  Rates next() {
    Rates rates;
    double sum = 0;
    for (std::size_t c = 0; c < base_.size(); ++c) {
      sum += rates.emplace_back(base_[c] * std::exp(world_.fluctuation * state_[c]));
      state_[c] = world_.memory * state_[c] +
                  std::sqrt(1 - world_.memory * world_.memory) * normal_(random_);
    }
    for (double& rate : rates) rate /= sum;
    return rates;
  }

 private:
  const World& world_;
  std::mt19937_64& random_;
  std::normal_distribution<double> normal_;
  Rates base_, state_;
};

/// By simulating long: the mean over slices of many rounds.
Rates true_shares(const World& world, std::mt19937_64& random) {
  constexpr int kRounds = 200'000;
  Rates sums(world.shares.size(), 0.0);
  for (int i = 0; i < kRounds; ++i) {
    const Rates rates = Process(world, random).next();
    for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += rates[c] / kRounds;
  }
  return sums;
}

RuleSet rules_of(const World& world) {
  RuleSet rules;
  for (std::size_t c = 0; c < world.shares.size(); ++c) {
    const std::string name = fmt::format("category_{}", c);
    rules.categories.push_back({.id = name, .title = name, .description = {}, .group = {}});
    Rule rule;
    rule.category = c;
    rule.frames = {name};
    rules.rules.push_back(rule);
  }
  return rules;
}

Round simulate_round(const World& world, std::mt19937_64& random) {
  Round round = make_round({.kind = RoundKind::kProfiling, .operations = kOperations});
  Profile& profile = round.profile.emplace();
  profile.weight_ns = kWeightNs;
  profile.slice_ns = 100'000'000;
  round.elapsed_ns = profile.slice_ns * world.slices;
  for (std::uint32_t c = 0; c < world.shares.size(); ++c) {
    profile.frames.push_back(user(fmt::format("category_{}", c)));
    profile.stacks.push_back({c});
  }
  Process process(world, random);
  std::normal_distribution<double> normal;
  const double samples =
      static_cast<double>(world.samples_per_slice) * (1 + world.between * normal(random));
  double due = 0;
  for (std::uint32_t slice = 0; slice < world.slices; ++slice) {
    const Rates rates = process.next();
    std::discrete_distribution<std::uint32_t> draw(rates.begin(), rates.end());
    std::vector<std::uint64_t> counts(rates.size(), 0);
    for (due += samples; due >= 1; --due) ++counts[draw(random)];
    for (std::uint32_t c = 0; c < counts.size(); ++c) {
      if (counts[c] > 0) profile.samples.push_back({0, c, slice, counts[c]});
    }
  }
  return round;
}

void count(Coverage& coverage, double truth, const Estimate& estimate) {
  ++coverage.intervals;
  const bool holds = estimate.interval->low <= truth && truth <= estimate.interval->high;
  coverage.covered += holds ? 1 : 0;
}

}  // namespace

CoverageOfBoth measure_coverage(const World& world, std::size_t runs, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const Rates truth = true_shares(world, random);
  const RuleSet rules = rules_of(world);
  const double cost_of_all = static_cast<double>(world.slices * world.samples_per_slice) *
                             static_cast<double>(kWeightNs) / static_cast<double>(kOperations);
  CoverageOfBoth result;
  for (std::size_t i = 0; i < runs; ++i) {
    std::vector<Round> rounds;
    std::vector<const Round*> pointers;
    for (std::size_t r = 0; r < world.rounds; ++r) rounds.push_back(simulate_round(world, random));
    for (const Round& round : rounds) pointers.push_back(&round);
    const AnalysedProfile analysed = analyse_profile(pointers, rules, random()).value();
    for (std::size_t c = 0; c < analysed.profile.cells.size(); ++c) {
      const Cell& cell = analysed.profile.cells[c];
      if (cell.category >= truth.size() || cell.samples < kThinSamples) continue;
      count(result.share, truth[cell.category], share_estimate(analysed.spreads[c]));
      count(result.cost, truth[cell.category] * cost_of_all, cost_estimate(analysed.spreads[c]));
    }
  }
  return result;
}

std::vector<World> promised_worlds() {
  std::vector<World> worlds;
  const auto add = [&](std::string name, World world) {
    world.name = std::move(name);
    worlds.push_back(std::move(world));
  };
  add("independent", {});
  add("independent, short rounds", {.slices = 15, .samples_per_slice = 300});
  add("independent, one round", {.rounds = 1, .slices = 300});
  add("independent, 8 rounds", {.rounds = 8, .slices = 30});
  add("fluctuating", {.fluctuation = 0.5});
  add("autocorrelated 0.5", {.fluctuation = 0.5, .memory = 0.5});
  add("autocorrelated 0.8", {.fluctuation = 0.5, .memory = 0.8});
  add("autocorrelated 0.8, long", {.slices = 600, .fluctuation = 0.5, .memory = 0.8});
  add("autocorrelated 0.8, one round",
      {.rounds = 1, .slices = 600, .fluctuation = 0.5, .memory = 0.8});
  add("rounds differ by 5 %", {.between = 0.05});
  add("rounds differ by 15 %, 8 rounds", {.rounds = 8, .slices = 30, .between = 0.15});
  add("autocorrelated 0.5, rounds differ by 5 %",
      {.fluctuation = 0.3, .memory = 0.5, .between = 0.05});
  return worlds;
}

}  // namespace vfsprof::reports::synthetic
