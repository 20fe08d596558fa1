#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "reports/analyze/text.h"
#include "reports/import/bursts.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

std::string latency_table(const Report& report) {
  MarkdownTable table({{"Arm"},
                       {"Operation"},
                       {"Count", Align::kRight},
                       {"per s", Align::kRight},
                       {"MB/s", Align::kRight},
                       {"p50", Align::kRight},
                       {"p90", Align::kRight},
                       {"p99", Align::kRight},
                       {"p99.9", Align::kRight},
                       {"p99.99", Align::kRight},
                       {"max", Align::kRight},
                       {"Errors", Align::kRight}});
  for (const ArmSummary& arm : report.arms) {
    for (const OperationSummary& kind : arm.kinds) {
      std::vector<std::string> cells{
          code(arm.arm.name), plain(kind.kind), format_count(kind.count),
          format_number(kind.per_second),
          kind.bytes_per_second > 0 ? format_number(kind.bytes_per_second / 1e6) : ""};
      for (const Percentile& each : kind.service.percentiles) {
        cells.push_back(percentile_cell(each));
      }
      cells.push_back(format_duration(static_cast<double>(kind.service.max_ns)));
      cells.push_back(format_count(kind.errors));
      table.add(cells);
    }
  }
  return table.empty() ? "" : table.take() + "\n";
}

/// A line of the cost table: a title and a value per arm, empty where the arm has none.
class CostTable {
 public:
  explicit CostTable(const Report& report) : report_(report), table_(columns(report)) {}

  void add(const std::string& title, const std::function<std::string(const ArmSummary&)>& value) {
    std::vector<std::string> cells{title};
    for (const ArmSummary& arm : report_.arms) cells.push_back(value(arm));
    table_.add(cells);
  }

  std::string take() { return table_.take(); }

 private:
  std::vector<MarkdownTable::Column> columns(const Report& report) {
    for (const ArmSummary& arm : report.arms) titles_.push_back(code(arm.arm.name));
    std::vector<MarkdownTable::Column> result{{"Per operation"}};
    for (const std::string& title : titles_) result.push_back({title, Align::kRight});
    return result;
  }

  const Report& report_;
  std::vector<std::string> titles_;
  MarkdownTable table_;
};

void add_roles(CostTable& table, const Report& report) {
  std::vector<std::string> roles;
  for (const ArmSummary& arm : report.arms) {
    for (const RoleUsage& usage : arm.roles) {
      if (std::find(roles.begin(), roles.end(), usage.role) == roles.end())
        roles.push_back(usage.role);
    }
  }
  for (const std::string& role : roles) {
    table.add(fmt::format("{}: CPU / waiting for a CPU / context switches", code(role)),
              [&role](const ArmSummary& arm) -> std::string {
                for (const RoleUsage& usage : arm.roles) {
                  if (usage.role != role) continue;
                  return fmt::format(
                      "{} / {} / {}", format_duration(usage.cpu_ns),
                      format_duration(usage.runnable_ns),
                      format_number(usage.voluntary_switches + usage.involuntary_switches));
                }
                return "";
              });
  }
}

bool is_zero(const Report& report, const std::string& counter) {
  return std::ranges::all_of(report.arms, [&](const ArmSummary& arm) {
    return std::ranges::all_of(arm.counters, [&](const CounterSummary& own) {
      return own.name != counter || own.total == 0;
    });
  });
}

/// Those that are 0 in every arm, in one sentence.
std::string zero_counters(const Report& report) {
  std::vector<std::string> names;
  for (const ArmSummary& arm : report.arms) {
    for (const CounterSummary& counter : arm.counters) {
      const std::string name = code(counter.name);
      if (is_zero(report, counter.name) && std::ranges::find(names, name) == names.end()) {
        names.push_back(name);
      }
    }
  }
  return names.empty() ? "" : fmt::format("Counted, and 0: {}.\n\n", join_words(names));
}

void add_counters(CostTable& table, const Report& report) {
  std::vector<CounterSummary> counters;
  for (const ArmSummary& arm : report.arms) {
    for (const CounterSummary& counter : arm.counters) {
      if (std::none_of(counters.begin(), counters.end(),
                       [&](const CounterSummary& known) { return known.name == counter.name; })) {
        counters.push_back(counter);
      }
    }
  }
  for (const CounterSummary& counter : counters) {
    if (is_zero(report, counter.name)) continue;
    table.add(fmt::format("{} ({})", code(counter.name), plain(counter.unit)),
              [&counter](const ArmSummary& arm) -> std::string {
                for (const CounterSummary& own : arm.counters) {
                  if (own.name == counter.name) return format_number(own.per_operation);
                }
                return "";
              });
  }
}

std::string cost_table(const Report& report) {
  CostTable table(report);
  table.add("**CPU time of the observed process**", [](const ArmSummary& arm) {
    return fmt::format("**{}**", format_duration(arm.cpu_ns));
  });
  table.add("CPU time of the clients (not part of it)",
            [](const ArmSummary& arm) { return format_duration(arm.client_cpu_ns); });
  table.add("CPU time of the sampler itself, in profiling rounds only",
            [](const ArmSummary& arm) { return format_duration(arm.collector_cpu_ns); });
  table.add("context switches of the observed process",
            [](const ArmSummary& arm) { return format_number(arm.switches); });
  table.add("bytes copied in user space per byte written", [](const ArmSummary& arm) {
    return arm.copied_per_byte ? format_number(*arm.copied_per_byte) : "not counted";
  });
  add_roles(table, report);
  add_counters(table, report);
  return table.take() + "\n" + zero_counters(report);
}

/// Imported from another profiler: nobody counted operations, and the machine is another one.
bool is_recording(const Report& report) { return report.command == "import"; }

/// A program that is not ours, observed here: nobody counted its operations either.
bool is_observed(const Report& report) { return report.command == "profile"; }

/// In place of throughput, latency and cost, where nobody counted operations.
std::string recorded_work(const Report& report) {
  std::string text;
  for (const ArmSummary& arm : report.arms) {
    if (is_observed(report)) {
      text += fmt::format("- {} ({}), {}: throughput, latency and cost per operation: {}.\n\n",
                          code(arm.arm.name), code(report.scenario.summary), report.target,
                          kUnavailableFigure);
      text += markdown_threads_per_second(arm);
      continue;
    }
    text += fmt::format("- {}: {} burst{} of activity", code(arm.arm.name), arm.profiling_rounds,
                        arm.profiling_rounds == 1 ? "" : "s");
    if (arm.elapsed_ns > 0) {
      text += fmt::format(" of together {}", format_duration(static_cast<double>(arm.elapsed_ns)));
    }
    text += fmt::format("; throughput, latency and cost per operation: {}.\n", kUnavailableFigure);
  }
  return text + "\n";
}

}  // namespace

std::string markdown_work(const Report& report) {
  std::string text = "## Throughput, latency and cost\n\n";
  if (is_recording(report) || is_observed(report)) return text + recorded_work(report);
  for (const ArmSummary& arm : report.arms) {
    text += fmt::format(
        "- {}: {} operations in {} of {} {} round{}, {} operations per second.\n",
        code(arm.arm.name), format_count(arm.operations),
        format_duration(static_cast<double>(arm.elapsed_ns)),
        arm.from_profiling_rounds ? arm.profiling_rounds : arm.timing_rounds,
        arm.from_profiling_rounds ? "profiling" : "timing",
        (arm.from_profiling_rounds ? arm.profiling_rounds : arm.timing_rounds) == 1 ? "" : "s",
        format_number(arm.operations_per_second));
    if (arm.from_profiling_rounds) {
      text += "  There were no timing rounds: times and costs include what sampling costs.\n";
    }
    for (const std::string& reason : arm.void_rounds)
      text += fmt::format("  - void: {}\n", plain(reason));
  }
  text +=
      "\n" + latency_table(report) + markdown_clients(report) + "### Cost\n\n" + cost_table(report);
  return text +
         "An operation is one system call of a client; latency is its service time as the client "
         "sees it.\n\n";
}

std::string markdown_limits(const Report& report) {
  std::string text = "## What could not be measured\n\n";
  MarkdownTable table({{"What"}, {"State"}, {"What is lost, and why"}, {"What gives it back"}});
  for (const Capability& capability : report.capabilities) {
    if (capability.state == CapabilityState::kAvailable) continue;
    table.add({plain(capability.name),
               capability.state == CapabilityState::kDegraded ? "degraded" : "unavailable",
               plain(capability.detail), capability.remedy.empty() ? "" : code(capability.remedy)});
  }
  text += table.empty() ? "Everything that was asked for was measured.\n\n" : table.take() + "\n";
  for (const std::string& warning : report.warnings)
    text += fmt::format("- Warning: {}\n", plain(warning));
  return text + (report.warnings.empty() ? "" : "\n");
}

std::string markdown_environment(const Report& report) {
  const Environment& machine = report.environment;
  MarkdownTable table({{"Environment"}, {"Value"}});
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) table.add({std::string(name), plain(value)});
  };
  add("started", report.started);
  add("vfsprof",
      fmt::format("{} ({}, {})", machine.tool_version, machine.build_type, machine.compiler));
  add("kernel", machine.kernel);
  add("distribution", machine.distribution);
  add("libc", machine.libc);
  add("libfuse", machine.libfuse);
  if (machine.cpus > 0) {
    add("CPU", fmt::format("{} ({} CPUs)", machine.cpu_model, machine.cpus));
  }
  // What a recording does not say is left out, and that it does not.
  const bool is_own = !is_recording(report);
  if (!is_own && (machine.kernel.empty() || machine.cpu_model.empty())) {
    add("machine", "kernel or CPU unknown: the recording does not say (perf script --header does)");
  }
  if (is_own) add("hypervisor", machine.hypervisor.empty() ? "none" : machine.hypervisor);
  if (machine.memory_bytes > 0) {
    add("memory", fmt::format("{:.1f} GiB", static_cast<double>(machine.memory_bytes) / (1 << 30)));
  }
  add("user", machine.user);
  if (is_own) {
    add("perf_event_paranoid, kptr_restrict",
        fmt::format("{}, {}", machine.perf_event_paranoid, machine.kptr_restrict));
  }
  if (is_observed(report)) {
    add("observed", fmt::format("{}: {}", report.target, report.scenario.summary));
  } else {
    add("scenario", fmt::format("{}: {}", report.scenario.name, report.scenario.summary));
  }
  if (is_own && !is_observed(report)) {
    add("target, placement, seed",
        fmt::format("{}, {}, {}", report.target, report.placement, report.seed));
  }
  for (const ArmSummary& arm : report.arms) {
    if (!arm.arm.canonical.empty()) table.add({code(arm.arm.name), code(arm.arm.canonical)});
  }
  return "## Environment\n\n" + table.take() + "\n";
}

std::string markdown_method(const Report& report) {
  std::string text = "## Method\n\n";
  text += is_recording(report)
              ? fmt::format(
                    "- The samples come from recordings of another profiler. Each burst of "
                    "activity is a round; bursts of the same number are paired. A gap between "
                    "samples of more than {} ms and more than {} median gaps ends a burst; fewer "
                    "than {} samples between two such gaps join the burst before them.\n",
                    kShortestIdleNs / 1'000'000, kIdleGaps, kFewestInBurst)
          : is_observed(report)
              ? "- The program was observed in turns: a stretch with the sampler, one with the "
                "ledgers of waits, one without either; each is a round. What the program did "
                "between two stretches, while collectors put their findings away, is in no "
                "round.\n"
              : "- Each round is a fresh process. Timing rounds carry no sampler, profiling rounds "
                "do; times are compared over timing rounds only.\n";
  text +=
      "- A stack is walked from its innermost frame outward; the first frame that a rule matches "
      "gives "
      "the sample its category.\n"
      "- Intervals of shares and costs: 95 %, bootstrap over blocks of time slices within a round "
      "and over rounds, widened for few rounds by Student's t; fewer than 100 samples are marked "
      "thin.\n";
  if (!report.comparisons.empty() && is_recording(report)) {
    text += "- Differences of shares are percentage points (pp).\n";
  } else if (!report.comparisons.empty()) {
    text +=
        "- Arms take turns, paired by block. Ratios: exact sign-test interval of the median of the "
        "paired ratios; six pairs are the fewest that give one at 95 %. What could be seen is 3.5 "
        "standard deviations of the log-ratios divided by the root of n.\n"
        "- Differences of shares are percentage points (pp).\n";
  }
  return text + fmt::format(
                    "- Everything here is derived from one result file; resampling starts from "
                    "its seed, {}.\n",
                    report.seed);
}

}  // namespace vfsprof::reports
