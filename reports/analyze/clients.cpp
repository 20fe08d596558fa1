#include "reports/analyze/clients.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "reports/analyze/statistics.h"

namespace vfsprof::reports {
namespace {

double per_second(double amount, std::uint64_t elapsed_ns) {
  return elapsed_ns == 0 ? 0 : 1e9 * amount / static_cast<double>(elapsed_ns);
}

double jain_index(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  return squares == 0 ? 1 : sum * sum / (static_cast<double>(values.size()) * squares);
}

/// Operations per second of a client, mean over the rounds.
double throughput_of(const std::vector<const Round*>& rounds, std::size_t client) {
  double sum = 0;
  for (const Round* round : rounds) {
    if (client >= round->clients->clients.size()) continue;
    const ClientStats& stats = round->clients->clients[client];
    sum += per_second(static_cast<double>(stats.operations), stats.elapsed_ns);
  }
  return sum / static_cast<double>(rounds.size());
}

void add_fairness(const std::vector<const Round*>& rounds, ClientsSummary& summary) {
  const std::vector<ClientStats>& clients = rounds.front()->clients->clients;
  for (std::size_t i = 0; i < clients.size();) {
    const std::string& job = clients[i].job;
    std::vector<double> values;
    for (; i < clients.size() && clients[i].job == job; ++i) {
      values.push_back(throughput_of(rounds, i));
    }
    summary.jobs.push_back({.job = job,
                            .clients = values.size(),
                            .index = jain_index(values),
                            .slowest_per_second = *std::ranges::min_element(values),
                            .fastest_per_second = *std::ranges::max_element(values)});
  }
}

/// Operations of all clients in each whole slice of a round.
std::vector<double> operations_over_time(const Round& round) {
  const ClientRound& side = *round.clients;
  std::size_t longest = 0;
  for (const ClientStats& client : side.clients) longest = std::max(longest, client.slices.size());
  const std::uint64_t whole = side.slice_ns == 0 ? 0 : round.elapsed_ns / side.slice_ns;
  std::vector<double> slices(std::min<std::uint64_t>(whole, longest), 0);
  for (const ClientStats& client : side.clients) {
    for (std::size_t i = 0; i < std::min(slices.size(), client.slices.size()); ++i) {
      slices[i] += static_cast<double>(client.slices[i]);
    }
  }
  return slices;
}

void add_throughput(const std::vector<const Round*>& rounds, ClientsSummary& summary) {
  std::vector<double> values;
  for (const Round* round : rounds) {
    for (const double count : operations_over_time(*round)) {
      values.push_back(per_second(count, round->clients->slice_ns));
    }
    summary.slice_ns = std::max(summary.slice_ns, round->clients->slice_ns);
  }
  summary.slices = values.size();
  if (values.empty()) return;
  std::ranges::sort(values);
  summary.low_per_second = quantile_of_sorted(values, 0.05);
  summary.median_per_second = quantile_of_sorted(values, 0.5);
  summary.high_per_second = quantile_of_sorted(values, 0.95);
}

/// Operations per slice in each window, relative to the round's mean.
std::vector<double> windows_of(const std::vector<double>& slices) {
  const double mean =
      std::accumulate(slices.begin(), slices.end(), 0.0) / static_cast<double>(slices.size());
  std::vector<double> windows;
  for (std::size_t i = 0; i < kSteadyWindows; ++i) {
    const std::size_t begin = i * slices.size() / kSteadyWindows;
    const std::size_t end = (i + 1) * slices.size() / kSteadyWindows;
    double sum = 0;
    for (std::size_t k = begin; k < end; ++k) sum += slices[k];
    windows.push_back(mean == 0 ? 0 : sum / static_cast<double>(end - begin) / mean);
  }
  return windows;
}

/// The first window from which on all are close to the second half, from 1; 0: none of the first
/// half is.
std::size_t first_stable(const std::vector<double>& windows) {
  constexpr std::size_t kTogether = 5;
  const double reference = median(std::span(windows).subspan(kSteadyWindows / 2));
  std::size_t stable_from = 0;
  for (std::size_t i = 0; i + kTogether <= windows.size(); ++i) {
    const double value = median(std::span(windows).subspan(i, kTogether));
    const bool close = std::abs(value - reference) <= kSteadyBand * reference;
    if (!close) stable_from = 0;
    if (close && stable_from == 0) stable_from = i + 1;
  }
  return stable_from <= kSteadyWindows / 2 ? stable_from : 0;
}

SteadyState find_steady_state(const std::vector<const Round*>& rounds) {
  SteadyState steady;
  std::vector<std::vector<double>> by_window(kSteadyWindows);
  double elapsed_ns = 0;
  for (const Round* round : rounds) {
    const std::vector<double> slices = operations_over_time(*round);
    if (slices.size() < kSteadyWindows) {
      steady.unavailable = fmt::format(
          "a measured phase of {:.0f} ms has {} slices of time, and {} windows are "
          "needed: scale the scenario up (--scale)",
          static_cast<double>(round->elapsed_ns) / 1e6, slices.size(), kSteadyWindows);
      return steady;
    }
    const std::vector<double> windows = windows_of(slices);
    for (std::size_t i = 0; i < kSteadyWindows; ++i) by_window[i].push_back(windows[i]);
    elapsed_ns += static_cast<double>(round->elapsed_ns) / static_cast<double>(rounds.size());
  }
  std::vector<double> medians;
  for (const std::vector<double>& values : by_window) medians.push_back(median(values));
  steady.stable_from = first_stable(medians);
  if (steady.stable_from > 0) {
    steady.stable_after_ns = elapsed_ns * static_cast<double>(steady.stable_from - 1) /
                             static_cast<double>(kSteadyWindows);
  }
  return steady;
}

/// The least lateness in each slice of the first and of the last fifth of the time: what drifts is
/// all of them, and what a stall delays are some.
struct Lateness {
  std::vector<double> early;
  std::vector<double> last;
};

void add_lateness(const ClientStats& client, Lateness& lateness) {
  const std::size_t slices = std::min(client.slices.size(), client.late_slices_ns.size());
  for (std::size_t i = 0; i < slices; ++i) {
    if (client.slices[i] == 0) continue;
    const auto least = static_cast<double>(client.late_slices_ns[i]);
    if (5 * i < slices) lateness.early.push_back(least);
    if (5 * (i + 1) > 4 * slices) lateness.last.push_back(least);
  }
}

std::optional<Punctuality> find_punctuality(const std::vector<const Round*>& rounds) {
  Histogram late;
  Lateness lateness;
  Punctuality result;
  double elapsed_ns = 0;
  for (const Round* round : rounds) {
    late.merge(round->clients->late_ns);
    for (const ClientStats& client : round->clients->clients) {
      if (client.paced_operations == 0) continue;
      result.operations += client.paced_operations;
      elapsed_ns += static_cast<double>(client.elapsed_ns);
      add_lateness(client, lateness);
    }
  }
  if (result.operations == 0 || elapsed_ns <= 0) return std::nullopt;
  result.interval_ns = elapsed_ns / static_cast<double>(result.operations);
  result.late_p50_ns = late.quantile(0.5);
  result.late_p99_ns = late.quantile(0.99);
  result.error = static_cast<double>(result.late_p50_ns) / result.interval_ns;
  result.drift = (median(lateness.last) - median(lateness.early)) / result.interval_ns;
  return result;
}

}  // namespace

ClientsSummary summarise_clients(const std::vector<const Round*>& rounds) {
  ClientsSummary summary;
  const bool known = !rounds.empty() && std::ranges::all_of(rounds, [](const Round* round) {
    return round->clients && !round->clients->clients.empty();
  });
  if (!known) return summary;
  summary.clients = rounds.front()->clients->clients.size();
  double operations = 0, generator_ns = 0, client_ns = 0;
  for (const Round* round : rounds) {
    for (const ClientStats& client : round->clients->clients) {
      operations += static_cast<double>(client.operations);
    }
    generator_ns += static_cast<double>(round->clients->generator_cpu_ns);
    client_ns += static_cast<double>(round->client_cpu_ns);
    summary.calibration_operations += round->clients->calibration_operations;
  }
  if (operations > 0) summary.generator_ns = generator_ns / operations;
  if (client_ns > 0) summary.generator_share = generator_ns / client_ns;
  add_fairness(rounds, summary);
  add_throughput(rounds, summary);
  summary.steady = find_steady_state(rounds);
  summary.punctuality = find_punctuality(rounds);
  return summary;
}

}  // namespace vfsprof::reports
