#include "reports/model/check_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "reports/model/client_stats_json.h"
#include "reports/model/events_json.h"
#include "reports/model/waits_json.h"

namespace vfsprof::reports {
namespace {

void check_times(const Round& round, const JsonReader& in) {
  for (const auto& [name, value] : {std::pair{"elapsed_ns", round.elapsed_ns},
                                    std::pair{"process_cpu_ns", round.process_cpu_ns},
                                    std::pair{"client_cpu_ns", round.client_cpu_ns}}) {
    if (value > kMaxNs) in.member(name).fail("nanoseconds, less than a year");
  }
  for (std::size_t i = 0; i < round.threads.size(); ++i) {
    if (round.threads[i].cpu_ns > kMaxNs || round.threads[i].runnable_ns > kMaxNs) {
      in.member("threads").elements()[i].fail("times in nanoseconds, less than a year");
    }
  }
}

void check_round(const Round& round, std::size_t arms, const JsonReader& in) {
  if (round.arm >= arms) {
    in.member("arm").fail(fmt::format("an index into arms, which are {}", arms));
  }
  check_times(round, in);
  check_events(round, in);
  check_clients(round, in);
  if (round.waits) check_waits(*round.waits, round.threads.size(), in.member("waits"));
  if (!round.profile) return;
  for (const SampleCount& sample : round.profile->samples) {
    if (sample.thread >= round.threads.size()) {
      in.member("profile").member("samples").member("thread").fail(
          fmt::format("indices into the round's threads, which are {}", round.threads.size()));
    }
  }
}

void check_rounds(const std::vector<Round>& rounds, std::size_t arms, const JsonReader& in) {
  const std::vector<JsonReader> elements = in.member("rounds").elements();
  for (std::size_t i = 0; i < rounds.size(); ++i) check_round(rounds[i], arms, elements[i]);
}

void check_floors(const RunResult& result, const JsonReader& in) {
  const Floors& floors = result.floors;
  check_rounds(floors.rounds, floors.arms.size(), in);
  const JsonReader arm_of = in.member("arm_of");
  // Arms without a variant, which come last, have no null handler.
  const auto with_variant = static_cast<std::size_t>(
      std::ranges::count_if(result.arms, [](const Arm& arm) { return !arm.canonical.empty(); }));
  const std::size_t indices = floors.arm_of.size();
  if (indices > 0 && indices != with_variant && indices != result.arms.size()) {
    arm_of.fail(fmt::format("one index for each of the {} arms, or none", result.arms.size()));
  }
  for (const std::uint32_t index : floors.arm_of) {
    if (index >= floors.arms.size()) {
      arm_of.fail(fmt::format("indices into the floors' arms, which are {}", floors.arms.size()));
    }
  }
}

}  // namespace

void check_result(const RunResult& result, const JsonReader& in) {
  if (!std::isfinite(result.equivalence_margin) || result.equivalence_margin <= 0 ||
      result.equivalence_margin >= 1) {
    in.member("equivalence_margin").fail("a number above 0 and below 1");
  }
  if (result.arms.empty() && result.floors.machine.empty()) {
    in.member("arms").fail("at least one arm");
  }
  check_rounds(result.rounds, result.arms.size(), in);
  check_differences(result, in);
  if (const auto floors = in.find("floors")) check_floors(result, *floors);
}

}  // namespace vfsprof::reports
