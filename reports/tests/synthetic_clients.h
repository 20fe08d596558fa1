#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::reports::synthetic {

/// Operations of one client in each of 100 slices of 10 ms: the whole measured phase.
inline ClientStats make_client(const std::string& job, std::vector<std::uint64_t> slices) {
  ClientStats client{
      .job = job, .elapsed_ns = 1'000'000'000, .slices = std::move(slices), .late_slices_ns = {}};
  for (const std::uint64_t count : client.slices) client.operations += count;
  return client;
}

/// Gives a round of 1 s clients whose generator takes 200 ns for an operation.
inline void add_clients(Round& round, const std::vector<ClientStats>& clients) {
  ClientRound side{
      .slice_ns = 10'000'000, .calibration_operations = 5000, .late_ns = {}, .clients = clients};
  std::uint64_t operations = 0;
  for (const ClientStats& client : clients) operations += client.operations;
  side.generator_cpu_ns = 200 * operations;
  round.clients = side;
}

/// Gives every round three clients of two jobs; those of the second keep a pace of 5 ms and are
/// 20 us late.
inline void add_clients(RunResult& result) {
  for (Round& round : result.rounds) {
    ClientStats paced = make_client("paced", std::vector<std::uint64_t>(100, 2));
    paced.paced_operations = paced.operations;
    paced.late_slices_ns.assign(100, 20'000);
    add_clients(round, {make_client("mail", std::vector<std::uint64_t>(100, 6)),
                        make_client("mail", std::vector<std::uint64_t>(100, 2)), paced});
    round.clients->late_ns.record(20'000, paced.operations);
    round.operations[0].response_time_ns.record(90'000, paced.operations);
  }
  result.warm_up = {.criterion = "until they agree",
                    .rounds = {{50'000, 900}, {41'000, 1000}, {40'000, 1000}},
                    .stable_from = 2};
}

/// Where the first two arms part, in results and trees.
inline void add_differences(RunResult& result) {
  for (Round& round : result.rounds) {
    if (round.arm == 1) round.tree_hash = round.results_hash = "00ff";
  }
  result.differences = {{.before = 0,
                         .after = 1,
                         .fact = "results",
                         .operation = 17,
                         .client = 3,
                         .place = "read of c3-f0 at offset 4096, 4096 bytes",
                         .before_value = "4096",
                         .after_value = "0"},
                        {.before = 0,
                         .after = 1,
                         .fact = "tree",
                         .place = "mail/f12",
                         .before_value = "mode 100644, 5 bytes",
                         .after_value = "nothing"}};
}

}  // namespace vfsprof::reports::synthetic
