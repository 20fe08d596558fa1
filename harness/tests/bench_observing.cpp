// vfsprof-observing-bench PID COLLECTOR [FREQUENCY_HZ]: one collector at work on a process, for
// scripts/bench, which measures what that costs the process. Says "observing" once it observes,
// ends at a line on standard input, and prints one line of JSON on what it saw.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

#include "harness/collect/collector.h"
#include "harness/error.h"

using namespace vfsprof;  // NOLINT(google-build-using-namespace): a program of one file

namespace {

std::uint64_t futex_calls(const reports::Round& round) {
  std::uint64_t sum = 0;
  if (!round.waits) return sum;
  for (const reports::FutexCalls& calls : round.waits->futexes.calls) sum += calls.calls;
  return sum;
}

std::uint64_t samples(const reports::Round& round) {
  std::uint64_t sum = 0;
  if (!round.profile) return sum;
  for (const reports::SampleCount& sample : round.profile->samples) sum += sample.count;
  return sum;
}

int observe(pid_t pid, const harness::CollectorInfo& info,
            const harness::CollectorOptions& options) {
  const auto collector = info.make(options);
  collector->attach({.pid = pid});
  const reports::Capability before = collector->capability();
  if (before.state == reports::CapabilityState::kUnavailable) {
    std::cerr << before.detail << "; " << before.remedy << "\n";
    return 3;
  }
  collector->start();
  std::cout << "observing" << std::endl;
  std::string line;
  std::getline(std::cin, line);
  collector->stop();
  reports::Round round;
  collector->collect(round);
  std::cout << fmt::format(
                   R"({{"futex_calls": {}, "lost": {}, "samples": {}, "collector_cpu_ns": {}}})",
                   futex_calls(round), round.waits ? round.waits->futexes.lost : 0, samples(round),
                   round.collector_cpu_ns)
            << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto collectors = harness::all_collectors();
  const auto info =
      std::ranges::find(collectors, argc > 2 ? argv[2] : "", &harness::CollectorInfo::name);
  const int pid = argc > 1 ? std::atoi(argv[1]) : 0;
  if (info == collectors.end() || pid <= 0) {
    std::cerr << "usage: vfsprof-observing-bench PID COLLECTOR [FREQUENCY_HZ]\n";
    return 2;
  }
  harness::CollectorOptions options;
  if (argc > 3) options.frequency_hz = static_cast<unsigned>(std::atoi(argv[3]));
  try {
    return observe(pid, *info, options);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 3;
  }
}
