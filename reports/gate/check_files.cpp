#include "reports/gate/check_files.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <optional>

#include "reports/analyze/arm_summary.h"

namespace vfsprof::reports {
namespace {

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  if (at + count > text.size()) return std::nullopt;
  const char* const end = text.data() + at + count;
  const auto parsed = std::from_chars(text.data() + at, end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return value;
}

/// "2026-11-22T17:55:52Z".
std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

void check_age(const Policy& policy, const RunResult& baseline, const RunResult& candidate,
               FileCheck& check) {
  const auto from = parse_time(baseline.started), to = parse_time(candidate.started);
  if (!from || !to) {
    check.refusals.push_back("a result does not say when it was measured");
  } else if (*to - *from > policy.baseline_max_age) {
    check.refusals.push_back(fmt::format(
        "the baseline is stale: measured {}, more than {} hours before the candidate; measure it "
        "again",
        baseline.started,
        std::chrono::duration_cast<std::chrono::hours>(policy.baseline_max_age).count()));
  } else if (*to < *from) {
    check.refusals.push_back("the baseline is younger than the candidate: were they swapped?");
  }
}

/// What differs between the machines, or an empty text. The build may differ: it is what is judged.
std::string environment_difference(const Environment& a, const Environment& b) {
  const auto differ = [](std::string_view what, const std::string& before,
                         const std::string& after) {
    return before == after ? "" : fmt::format("{} {} and {}; ", what, before, after);
  };
  std::string text =
      differ("kernel", a.kernel, b.kernel) + differ("CPU", a.cpu_model, b.cpu_model) +
      differ("CPUs", std::to_string(a.cpus), std::to_string(b.cpus)) +
      differ("hypervisor", a.hypervisor, b.hypervisor) +
      differ("distribution", a.distribution, b.distribution) + differ("libc", a.libc, b.libc) +
      differ("libfuse", a.libfuse, b.libfuse) + differ("user", a.user, b.user);
  if (!text.empty()) text.resize(text.size() - 2);
  return text;
}

void check_environment(const Policy& policy, const RunResult& baseline, const RunResult& candidate,
                       FileCheck& check) {
  const std::string difference =
      environment_difference(baseline.environment, candidate.environment);
  if (baseline.environment.build_type != candidate.environment.build_type) {
    check.refusals.push_back(fmt::format("build types differ: {} and {}",
                                         baseline.environment.build_type,
                                         candidate.environment.build_type));
  }
  if (difference.empty()) return;
  check.same_environment = false;
  if (policy.other_environment == OtherEnvironment::kRefuse) {
    check.refusals.push_back(fmt::format(
        "the baseline is of another environment ({}): measure it here, compare two builds "
        "(--baseline-binary), or let exact counts carry over (\"other_environment\": "
        "\"exact-counts\")",
        difference));
  } else {
    check.notes.push_back(fmt::format(
        "The baseline is of another environment ({}): judged are only counts that are exact.",
        difference));
  }
}

void check_rounds(const RunResult& result, std::string_view which, FileCheck& check) {
  if (result.arms.size() != 1) {
    check.refusals.push_back(
        fmt::format("{} has {} arms, and must have one: make it with `vfsprof run`", which,
                    result.arms.size()));
    return;
  }
  const ArmRounds rounds = rounds_of(result, 0);
  if (result.partial) check.refusals.push_back(fmt::format("{} was interrupted", which));
  for (const Round* round : rounds.voided) {
    check.refusals.push_back(
        fmt::format("{}, {}: {}", which, describe_round(*round), void_reason(*round)));
  }
  if (rounds.timing.empty()) {
    check.refusals.push_back(fmt::format("{} has no timing round with operations", which));
  }
}

void check_same(std::string_view what, const std::string& before, const std::string& after,
                FileCheck& check) {
  if (before == after) return;
  check.refusals.push_back(fmt::format("{} differ: {} and {}", what, before, after));
}

/// A counter that changed its unit cannot be compared by its name.
void check_units(const RunResult& baseline, const RunResult& candidate, FileCheck& check) {
  if (baseline.rounds.empty() || candidate.rounds.empty()) return;
  for (const CounterValue& before : baseline.rounds.front().counters) {
    for (const CounterValue& after : candidate.rounds.front().counters) {
      if (before.name == after.name) {
        check_same(fmt::format("units of {}", before.name), before.unit, after.unit, check);
      }
    }
  }
}

}  // namespace

FileCheck check_files(const Policy& policy, const RunResult& baseline, const RunResult& candidate) {
  FileCheck check;
  check_rounds(baseline, "the baseline", check);
  check_rounds(candidate, "the candidate", check);
  check_same("scenarios", baseline.scenario.name, candidate.scenario.name, check);
  if (baseline.scenario.document != candidate.scenario.document) {
    check.refusals.push_back("the text of the scenario changed between the two");
  }
  check_same("seeds", std::to_string(baseline.seed), std::to_string(candidate.seed), check);
  check_same("targets", baseline.target, candidate.target, check);
  check_same("placements", baseline.placement, candidate.placement, check);
  check_units(baseline, candidate, check);
  check_age(policy, baseline, candidate, check);
  check_environment(policy, baseline, candidate, check);
  return check;
}

}  // namespace vfsprof::reports
