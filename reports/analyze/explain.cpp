#include "reports/analyze/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <tuple>

#include "reports/analyze/text.h"

namespace vfsprof::reports {
namespace {

constexpr std::string_view kFutexGroup = "futex";

// Fewer wake-ups per operation than this are housekeeping, not a hand-off of the operations
// themselves.
constexpr double kFewestWakes = 0.5;

// Axes that choose data structures behind the write path. What passes between threads does not go
// through them.
constexpr std::string_view kDataStructureAxes[] = {"pool", "hash", "key", "metadata", "accounting"};

std::string axis_of(const ArmSummary& arm, std::string_view name) {
  for (const NamedValue& axis : arm.arm.axes) {
    if (axis.name == name) return axis.value;
  }
  return "";
}

std::optional<double> counter_per_operation(const ArmSummary& arm, std::string_view name) {
  for (const CounterSummary& counter : arm.counters) {
    if (counter.name == name) return counter.per_operation;
  }
  return std::nullopt;
}

const GroupTotal* futex_of(const ArmSummary& arm) {
  if (!arm.profile) return nullptr;
  for (const GroupTotal& group : arm.profile->groups) {
    if (group.group == kFutexGroup) return &group;
  }
  return nullptr;
}

std::vector<NamedValue> differing_axes(const ArmSummary& before, const ArmSummary& after) {
  std::vector<NamedValue> result;
  for (const NamedValue& axis : before.arm.axes) {
    const std::string other = axis_of(after, axis.name);
    if (other != axis.value)
      result.push_back({axis.name, axis.value + " -> " + (other.empty() ? "none" : other)});
  }
  return result;
}

bool are_data_structures(const std::vector<NamedValue>& axes) {
  return !axes.empty() && std::all_of(axes.begin(), axes.end(), [](const NamedValue& axis) {
    return std::ranges::find(kDataStructureAxes, axis.name) != std::end(kDataStructureAxes);
  });
}

/// What counted wake-ups and futex time of an arm say together.
struct HandOff {
  double wakes = 0;                   ///< per operation
  double hand_offs = 0;               ///< per operation
  const GroupTotal* futex = nullptr;  ///< null where the kernel could not be sampled
};

/// Wake-ups that come with futex time in several thread roles are a hand-off of operations.
std::optional<HandOff> hand_off_of(const ArmSummary& arm) {
  const auto wakes = counter_per_operation(arm, "thread_wakes");
  const auto hand_offs = counter_per_operation(arm, "hand_offs");
  if (!wakes || !hand_offs || *wakes < kFewestWakes) return std::nullopt;
  if (!arm.profile || !arm.profile->kernel_frames) return HandOff{*wakes, *hand_offs, nullptr};
  const GroupTotal* const futex = futex_of(arm);
  if (futex == nullptr || futex->roles.size() < 2) return std::nullopt;
  return HandOff{*wakes, *hand_offs, futex};
}

std::string hand_off_figures(const ArmSummary& arm, const HandOff& hand_off) {
  const std::string counts = fmt::format(
      "{} hand-offs and {} thread wake-ups per operation (its counters `hand_offs`, "
      "`thread_wakes`)",
      format_number(hand_off.hand_offs), format_number(hand_off.wakes));
  if (hand_off.futex == nullptr) {
    return fmt::format("{}: the daemon counts {}", code(arm.arm.name), counts);
  }
  const CpuTime& time = hand_off.futex->time;
  return fmt::format(
      "{}: futex work costs {} per operation ({} of all samples) in {} thread roles ({}); the "
      "daemon counts {}",
      code(arm.arm.name), format_duration(time.cost_ns.value),
      format_printed_share(time.printed_share), hand_off.futex->roles.size(),
      join_words(code(hand_off.futex->roles)), counts);
}

std::string explain_futex(const ArmSummary& arm) {
  const auto hand_off = hand_off_of(arm);
  if (!hand_off) return "";
  std::string text = hand_off_figures(arm, *hand_off) +
                     ": operations are passed from thread to thread, and each step wakes the next "
                     "thread.";
  const std::string threads = axis_of(arm, "threads");
  if (threads == "1") {
    text +=
        " There is one session thread (`threads=1`), and it waits for each request before it "
        "reads the next, so at most one write is in flight and no two writes can want the same "
        "lock: the futex time is the price of the hand-off, not of contention.";
  } else if (!threads.empty()) {
    text += fmt::format(
        " With {} several writes are in flight, so locks can also contend: their part is the "
        "futex time beyond what the counted wake-ups explain.",
        code("threads=" + threads));
  }
  return text;
}

/// The second arm's, without saying again what was said of the first.
std::string explain_futex_after(const ArmSummary& before, const ArmSummary& after) {
  const auto hand_off = hand_off_of(after);
  if (!hand_off) return "";
  if (!hand_off_of(before) || axis_of(before, "threads") != axis_of(after, "threads")) {
    return explain_futex(after);
  }
  return hand_off_figures(after, *hand_off) + ": the same hand-off.";
}

std::string explain_axes(const ArmSummary& before, const ArmSummary& after) {
  const std::vector<NamedValue> axes = differing_axes(before, after);
  if (axes.empty()) {
    return before.arm.axes.empty()
               ? ""
               : "Both arms have the same axes and options: what differs between them is chance.";
  }
  std::vector<std::string> words;
  for (const NamedValue& axis : axes)
    words.push_back(fmt::format("{} ({})", code(axis.name), code(axis.value)));
  std::string text = fmt::format("The arms differ in {}.", join_words(words));
  const auto first = hand_off_of(before), second = hand_off_of(after);
  if (are_data_structures(axes) && axis_of(before, "threads") == "1" && first && second) {
    text +=
        " That is a choice of data structures, which the hand-off between threads does not pass "
        "through, and with one write in flight their locks are free: no large difference is to be "
        "expected here.";
    if (first->futex != nullptr && second->futex != nullptr) {
      text += fmt::format(" Futex work costs {} per operation before and {} after.",
                          format_duration(first->futex->time.cost_ns.value),
                          format_duration(second->futex->time.cost_ns.value));
    }
    text += " To see the locks contend, compare with `threads=4` under placement `free`.";
  }
  return text;
}

std::string explain_counts(const Comparison& comparison) {
  std::vector<std::string> words;
  for (const MetricComparison& metric : comparison.metrics) {
    const bool is_count = metric.unit.starts_with("per ");
    if (!is_count ||
        (metric.verdict != Verdict::kImproved && metric.verdict != Verdict::kRegressed)) {
      continue;
    }
    words.push_back(fmt::format("{} {} -> {} {}", metric.title, format_number(metric.before),
                                format_number(metric.after), metric.unit));
  }
  return words.empty() ? "" : fmt::format("Counted: {}.", join_words(words));
}

bool is_real(const CategoryChange& change) {
  return change.verdict != CellVerdict::kNotSignificant &&
         change.verdict != CellVerdict::kRenormalised && change.verdict != CellVerdict::kShareMoved;
}

std::string explain_costs(const ArmSummary& before, const ArmSummary& after,
                          const Comparison& comparison) {
  if (!before.profile || !after.profile) return "";
  if (before.operations == 0 || after.operations == 0) return "";
  const auto sampled_cost = [](const ProfileTables& tables) {
    double sum = 0;
    for (const RoleTable& role : tables.roles) sum += role.time.cost_ns.value;
    return sum;
  };
  std::vector<const CategoryChange*> largest;
  for (const CategoryChange& change : comparison.changes) {
    if (!change.role.empty() && is_real(change)) largest.push_back(&change);
  }
  if (largest.empty()) return "";
  std::sort(largest.begin(), largest.end(), [](const auto* a, const auto* b) {
    const double size_a = std::abs(a->cost_difference_ns.value);
    const double size_b = std::abs(b->cost_difference_ns.value);
    return std::tie(size_b, a->role, a->id) < std::tie(size_a, b->role, b->id);
  });
  if (largest.size() > 5) largest.resize(5);
  std::vector<std::string> words;
  for (const CategoryChange* change : largest) {
    words.push_back(fmt::format("{} in {} ({})", change->title, code(change->role),
                                format_duration(change->cost_difference_ns.value)));
  }
  return fmt::format(
      "Sampled CPU time per operation goes from {} to {}. The rows that changed most in cost: {}.",
      format_duration(sampled_cost(*before.profile)), format_duration(sampled_cost(*after.profile)),
      join_words(words));
}

std::string explain_renormalised(const Comparison& comparison) {
  std::vector<std::string> words;
  for (const CategoryChange& change : comparison.changes) {
    if (change.role.empty() || change.verdict != CellVerdict::kRenormalised) continue;
    if (words.size() == 5) break;
    words.push_back(fmt::format("{} in {} ({})", change.title, code(change.role),
                                format_signed(100 * change.share_difference.value, 2) + " pp"));
  }
  if (words.empty()) return "";
  return fmt::format(
      "Renormalised only: the share of {} moved because the whole changed; what an operation "
      "spends there did not change significantly.",
      join_words(words));
}

std::vector<std::string> without_empty(std::vector<std::string> paragraphs) {
  std::erase(paragraphs, "");
  return paragraphs;
}

}  // namespace

std::vector<std::string> explain_arm(const ArmSummary& arm) {
  return without_empty({explain_futex(arm)});
}

std::vector<std::string> explain_comparison(const ArmSummary& before, const ArmSummary& after,
                                            const Comparison& comparison) {
  return without_empty({explain_axes(before, after), explain_futex(before),
                        explain_futex_after(before, after), explain_counts(comparison),
                        explain_costs(before, after, comparison),
                        explain_renormalised(comparison)});
}

}  // namespace vfsprof::reports
