#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// How evenly a job's clients were served.
struct JobFairness {
  std::string job;
  std::size_t clients = 0;
  /// Jain's index over the clients' operations per second: 1 where all are equal, 1 / clients where
  /// one has everything. Source: Jain, Chiu and Hawe, DEC-TR-301 (1984).
  double index = 1;
  double slowest_per_second = 0;  ///< of a client, mean over the rounds
  double fastest_per_second = 0;
};

/// The measured phase is cut into so many windows of equal length.
inline constexpr std::size_t kSteadyWindows = 20;
/// A window is stable if the median of it and the next four lies as close to that of the second
/// half (relative), and so do all later ones.
inline constexpr double kSteadyBand = 0.15;

/// Whether throughput was steady within the measured phase.
struct SteadyState {
  std::string unavailable;      ///< why nobody can tell; empty if it can be told
  std::size_t stable_from = 0;  ///< first stable window, from 1; 0: none in the first half
  double stable_after_ns = 0;   ///< when that begins, mean over the rounds
};

/// How well operations kept their time, of clients that have a pace.
struct Punctuality {
  std::uint64_t operations = 0;
  double interval_ns = 0;  ///< between the intended starts of a client's operations, mean
  std::uint64_t late_p50_ns = 0;
  std::uint64_t late_p99_ns = 0;
  double error = 0;  ///< median lateness / interval
  /// How much later the last fifth of the time is than the first, in least lateness / interval.
  double drift = 0;
};

/// What the clients of one arm did over time, and what they cost.
struct ClientsSummary {
  std::size_t clients = 0;     ///< 0: the result was saved without them
  double generator_ns = 0;     ///< CPU per operation that is no system call, calibrated
  double generator_share = 0;  ///< of the clients' CPU time (0 to 1)
  std::uint64_t calibration_operations = 0;
  std::vector<JobFairness> jobs;  ///< in the scenario's order
  std::size_t slices = 0;         ///< whole slices of time, over all rounds
  std::uint64_t slice_ns = 0;     ///< length of the longest
  double low_per_second = 0;      ///< 5 % of the slices have less, all clients together
  double median_per_second = 0;
  double high_per_second = 0;  ///< 95 %
  SteadyState steady;
  std::optional<Punctuality> punctuality;  ///< empty where no client keeps a pace
};

ClientsSummary summarise_clients(const std::vector<const Round*>& rounds);

}  // namespace vfsprof::reports
