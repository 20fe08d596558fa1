// vfsprof-observing-bench PID COLLECTOR [FREQUENCY_HZ [STACK_BYTES]]: one collector at work on a
// process, for scripts/bench, which measures what that costs the process. Lines on standard input
// (of "stamps COUNTER_PAGE": the daemon's own counting, which it does while somebody reads along)
// turn it "on" (it answers "observing" once it observes) and "off" ("stopped"), as often as wanted;
// at their end it prints one line of JSON on what it saw.

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/collect/daemon_waits.h"
#include "harness/error.h"

using namespace vfsprof;  // NOLINT(google-build-using-namespace): a program of one file

namespace {

std::uint64_t futex_calls_of(const reports::Round& round) {
  std::uint64_t sum = 0;
  if (!round.waits) return sum;
  for (const reports::FutexCalls& calls : round.waits->futexes.calls) sum += calls.calls;
  return sum;
}

std::uint64_t samples_of(const reports::Profile& profile) {
  std::uint64_t sum = 0;
  for (const reports::SampleCount& sample : profile.samples) sum += sample.count;
  return sum;
}

/// The daemon's own counting of waits and requests while somebody reads along, as a collector.
class DaemonCounting : public harness::Collector {
 public:
  explicit DaemonCounting(const char* page) : page_(page) {}
  void attach(const harness::Observed& observed) override {
    waits_.attach({.pid = observed.pid, .counter_page = page_});
  }
  void start() override { waits_.start(); }
  void stop() override { waits_.stop(); }
  void collect(reports::Round& round) override { waits_.add_futexes(round); }
  reports::Capability capability() const override {
    using enum reports::CapabilityState;
    reports::Capability result;
    result.state = waits_.problem().empty() ? kAvailable : kUnavailable;
    result.detail = waits_.problem();
    return result;
  }

 private:
  const char* page_;
  harness::DaemonWaits waits_;
};

using Maker = std::function<std::unique_ptr<harness::Collector>()>;

/// What all rounds saw together.
struct Seen {
  std::uint64_t futex_calls = 0, lost = 0, samples = 0, whole = 0, cut_short = 0, cpu_ns = 0;

  void add(const reports::Round& round) {
    cpu_ns += round.collector_cpu_ns;
    futex_calls += futex_calls_of(round);
    if (round.waits) lost += round.waits->futexes.lost;
    if (!round.profile) return;
    lost += round.profile->lost;
    whole += round.profile->whole_stacks;
    cut_short += round.profile->cut_short_stacks;
    samples += samples_of(*round.profile);
  }
};

/// Rounds as they are asked for; what they saw is put away only at the end, as that takes time of
/// the CPUs.
int observe(pid_t pid, const Maker& make) {
  std::vector<std::unique_ptr<harness::Collector>> rounds;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "on") {
      rounds.push_back(make());
      rounds.back()->attach({.pid = pid});
      const reports::Capability before = rounds.back()->capability();
      if (before.state == reports::CapabilityState::kUnavailable) {
        std::cerr << before.detail << "; " << before.remedy << "\n";
        return 3;
      }
      rounds.back()->start();
      std::cout << "observing" << std::endl;
    } else if (line == "off" && !rounds.empty()) {
      rounds.back()->stop();
      std::cout << "stopped" << std::endl;
    } else {
      std::cerr << "neither on nor off: " << line << "\n";
      return 2;
    }
  }
  Seen seen;
  for (const auto& collector : rounds) {
    reports::Round round;
    collector->collect(round);
    seen.add(round);
  }
  std::cout
      << fmt::format(
             R"({{"futex_calls": {}, "lost": {}, "samples": {}, "whole": {}, "cut_short": {}, "collector_cpu_ns": {}}})",
             seen.futex_calls, seen.lost, seen.samples, seen.whole, seen.cut_short, seen.cpu_ns)
      << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc > 2 ? argv[2] : "";
  const int pid = argc > 1 ? std::atoi(argv[1]) : 0;
  harness::CollectorOptions options;
  Maker make;
  if (name == "stamps" && argc > 3) {
    make = [argv] { return std::make_unique<DaemonCounting>(argv[3]); };
  } else {
    const auto collectors = harness::all_collectors();
    const auto info = std::ranges::find(collectors, name, &harness::CollectorInfo::name);
    if (info != collectors.end()) make = [info, &options] { return info->make(options); };
    options.use_bpf = argc <= 3 || std::string_view(argv[3]) != "perf-events";
    if (argc > 3 && options.use_bpf) {
      options.frequency_hz = static_cast<unsigned>(std::atoi(argv[3]));
    }
    if (argc > 4) {
      options.stack_copy =
          std::make_shared<harness::StackCopySize>(static_cast<std::uint32_t>(std::atoi(argv[4])));
    }
    if (options.stack_copy->bytes() == 0) options.unwind = harness::UnwindMethod::kFramePointers;
  }
  if (!make || pid <= 0) {
    std::cerr << "usage: vfsprof-observing-bench PID COLLECTOR [FREQUENCY_HZ [STACK_BYTES]]\n"
                 "       vfsprof-observing-bench PID waits perf-events\n"
                 "       vfsprof-observing-bench PID stamps COUNTER_PAGE\n";
    return 2;
  }
  try {
    return observe(pid, make);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 3;
  }
}
