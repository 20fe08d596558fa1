#include "reports/import/import_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <tuple>
#include <unordered_map>

#include "reports/import/bursts.h"
#include "reports/model/format_error.h"

namespace vfsprof::reports {
namespace {

constexpr std::uint64_t kSliceNs = 100'000'000;
constexpr std::uint64_t kMostSlices = 10'000;
constexpr std::size_t kMostRounds = 200;  // more bursts are put together, for the time it takes
constexpr std::uint64_t kMostElapsedNs = std::uint64_t{1} << 54;  // half a year
constexpr std::uint64_t kLongestWeightNs = 1'000'000'000;
constexpr std::uint64_t kUnknownWeightNs = 1'000'000;

/// Events whose samples stand for CPU time, the usual ones first.
constexpr std::array<std::string_view, 6> kTimeEvents{
    "cycles", "cpu-clock", "task-clock", "cpu-cycles", "cpu_core/cycles/", "cpu_atom/cycles/"};

std::string_view without_modifiers(std::string_view event) {
  return event.substr(0, event.find(':'));
}

bool is_clock(std::string_view event) {
  const std::string_view name = without_modifiers(event);
  return name == "cpu-clock" || name == "task-clock";
}

std::uint32_t main_event(const Recording& recording, const std::string& wanted) {
  std::string names;
  std::optional<std::uint32_t> best;
  const auto rank = [&](std::uint32_t index) {
    const RecordedEvent& event = recording.events[index];
    const bool is_time =
        std::ranges::find(kTimeEvents, without_modifiers(event.name)) != kTimeEvents.end();
    return std::pair(is_time, event.samples);
  };
  for (std::uint32_t i = 0; i < recording.events.size(); ++i) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", recording.events[i].name);
    if (!wanted.empty() && recording.events[i].name == wanted) return i;
    if (!best || rank(i) > rank(*best)) best = i;
  }
  if (wanted.empty() && best) return *best;
  throw FormatError(fmt::format("{}: no samples of event '{}'; it has samples of: {}",
                                recording.name, wanted, names));
}

bool is_idle(const RecordedThread& thread) {
  return thread.tid <= 0 && thread.name.starts_with("swapper");
}

/// The samples of one recording that count, sorted by time, and what they stand for.
struct Selection {
  std::vector<RecordedSample> samples;
  std::uint32_t event = 0;
  std::uint64_t idle = 0;  ///< samples of the idle task, left out
  std::uint64_t weight_ns = 0;
  std::string weight_source;  ///< empty: not known
};

/// Between samples of the thread that has most of them: it runs on.
std::uint64_t busiest_thread_gap(const std::vector<RecordedSample>& sorted) {
  std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> times;
  for (const RecordedSample& sample : sorted) times[sample.thread].push_back(sample.time_ns);
  const auto most =
      std::ranges::max_element(times, {}, [](const auto& thread) { return thread.second.size(); });
  return most == times.end() ? 0 : median_gap(most->second);
}

void find_weight(const Recording& recording, Selection& selection) {
  const RecordedEvent& event = recording.events[selection.event];
  if (is_clock(event.name) && event.periods > 0 && event.period_sum > 0) {
    selection.weight_ns = event.period_sum / event.periods;
    selection.weight_source = "the printed period";
  } else if (recording.frequency_hz > 0) {
    selection.weight_ns = 1'000'000'000 / recording.frequency_hz;
    selection.weight_source = "the frequency in its header";
  } else if (const std::uint64_t gap = busiest_thread_gap(selection.samples); gap > 0) {
    selection.weight_ns = gap;
    selection.weight_source = "the median time between samples of its busiest thread";
  }
  if (selection.weight_ns == 0) selection.weight_ns = kUnknownWeightNs;
  selection.weight_ns = std::min(selection.weight_ns, kLongestWeightNs);
}

Selection select_samples(const Recording& recording, const std::string& event) {
  Selection selection;
  selection.event = main_event(recording, event);
  std::vector<RecordedSample> idle;
  for (const RecordedSample& sample : recording.samples) {
    if (sample.event != selection.event) continue;
    (is_idle(recording.threads[sample.thread]) ? idle : selection.samples).push_back(sample);
  }
  if (selection.samples.empty()) {
    selection.samples = std::move(idle);
  } else {
    selection.idle = idle.size();
  }
  // Buffers of several CPUs are printed merged, but not every perf sorts them to the end.
  std::ranges::stable_sort(selection.samples, {}, &RecordedSample::time_ns);
  find_weight(recording, selection);
  return selection;
}

/// The profile of one round, with the threads, frames and stacks that occur in it alone.
class RoundBuilder {
 public:
  RoundBuilder(const Recording& recording, const ImportOptions& options, Round& round)
      : recording_(recording), options_(options), round_(round), profile_(*round.profile) {}

  void add(const RecordedSample& sample, std::uint32_t slice) {
    const auto [stack, is_new] =
        stacks_.try_emplace(sample.stack, static_cast<std::uint32_t>(profile_.stacks.size()));
    if (is_new) add_stack(sample.stack);
    profile_.samples.push_back(
        {.thread = thread_of(sample.thread), .stack = stack->second, .slice = slice, .count = 1});
  }

  /// Merges samples of one thread, stack and slice.
  void finish() {
    const auto key = [](const SampleCount& sample) {
      return std::tie(sample.slice, sample.thread, sample.stack);
    };
    std::vector<SampleCount>& samples = profile_.samples;
    std::ranges::sort(samples, [&](const auto& a, const auto& b) { return key(a) < key(b); });
    std::size_t kept = 0;
    for (const SampleCount& sample : samples) {
      if (kept > 0 && key(samples[kept - 1]) == key(sample)) {
        samples[kept - 1].count += sample.count;
      } else {
        samples[kept++] = sample;
      }
    }
    samples.resize(kept);
    samples.shrink_to_fit();
  }

 private:
  void add_stack(std::uint32_t index) {
    std::vector<std::uint32_t>& stack = profile_.stacks.emplace_back();
    for (const std::uint32_t frame : recording_.stacks[index]) {
      const auto [own, is_new] =
          frames_.try_emplace(frame, static_cast<std::uint32_t>(profile_.frames.size()));
      if (is_new) profile_.frames.push_back(recording_.frames[frame]);
      stack.push_back(own->second);
    }
  }

  std::uint32_t thread_of(std::uint32_t index) {
    const auto [own, is_new] =
        threads_.try_emplace(index, static_cast<std::uint32_t>(round_.threads.size()));
    if (is_new) {
      const RecordedThread& thread = recording_.threads[index];
      const std::string name = !thread.name.empty() ? thread.name
                               : thread.tid >= 0    ? fmt::format("thread {}", thread.tid)
                                                    : "(threads not named)";
      const std::string full = options_.full_name ? options_.full_name(name) : name;
      round_.threads.push_back(
          {.tid = thread.tid,
           .name = name,
           .full_name = full,
           .role = thread.name.empty() || !options_.role ? full : options_.role(full)});
    }
    return own->second;
  }

  const Recording& recording_;
  const ImportOptions& options_;
  Round& round_;
  Profile& profile_;
  std::unordered_map<std::uint32_t, std::uint32_t> stacks_;
  std::unordered_map<std::uint32_t, std::uint32_t> frames_;
  std::unordered_map<std::uint32_t, std::uint32_t> threads_;
};

Round make_round(const Recording& recording, const Selection& selection,
                 const ImportOptions& options, const Burst& burst,
                 std::span<const RecordedSample> samples) {
  Round round;
  round.kind = RoundKind::kProfiling;
  round.counts_operations = false;
  // The last sample stands for time as well.
  if (recording.has_times) {
    round.elapsed_ns = std::min(burst.active_ns, kMostElapsedNs) + selection.weight_ns;
  }
  Profile& profile = round.profile.emplace();
  const std::string& event = recording.events[selection.event].name;
  profile.event = event.empty() ? "an event that was not printed" : event;
  profile.requested_event = profile.event;
  if (!selection.weight_source.empty()) {
    profile.frequency_hz =
        static_cast<std::uint32_t>(std::llround(1e9 / static_cast<double>(selection.weight_ns)));
  }
  profile.weight_ns = selection.weight_ns;
  const std::uint64_t span_ns = burst.last_ns - burst.first_ns;
  profile.slice_ns = std::max(kSliceNs, span_ns / kMostSlices + 1);
  RoundBuilder builder(recording, options, round);
  for (const RecordedSample& sample : samples) {
    // Samples that joined the burst lie outside of it.
    const std::uint64_t time = std::clamp(sample.time_ns, burst.first_ns, burst.last_ns);
    builder.add(sample, static_cast<std::uint32_t>((time - burst.first_ns) / profile.slice_ns));
  }
  builder.finish();
  return round;
}

class ResultBuilder {
 public:
  explicit ResultBuilder(const ImportOptions& options) : options_(options) {
    result_.command = "import";
    result_.scenario.name = "recording";
    result_.scenario.summary = "imported text of perf script";
    result_.target = "recording";
  }

  void add(const Recording& recording) {
    const Selection selection = select_samples(recording, options_.event);
    std::vector<std::uint64_t> times;
    for (const RecordedSample& sample : selection.samples) times.push_back(sample.time_ns);
    BurstCut cut;
    if (recording.has_times) cut = find_bursts(times);
    if (cut.bursts.empty()) cut.bursts.push_back({.samples = times.size()});
    const std::vector<Burst> bursts =
        cut.bursts.size() > kMostRounds ? merge_bursts(cut.bursts, kMostRounds) : cut.bursts;
    const auto arm = static_cast<std::uint32_t>(result_.arms.size());
    std::span<const RecordedSample> rest(selection.samples);
    for (std::size_t i = 0; i < bursts.size(); ++i) {
      Round& round = result_.rounds.emplace_back(
          make_round(recording, selection, options_, bursts[i], rest.first(bursts[i].samples)));
      round.arm = arm;
      round.block = static_cast<std::uint32_t>(i);
      rest = rest.subspan(bursts[i].samples);
      if (i > 0) continue;
      round.profile->lost = recording.lost;
      round.profile->throttled = recording.throttled;
    }
    add_arm(recording);
    note_rounds(recording, cut, bursts.size());
    note_what_is_left_out(recording, selection);
    note_source(recording, selection);
  }

  RunResult finish() {
    note("operation count", CapabilityState::kUnavailable,
         "a recording of perf counts no operations: cost per operation, throughput and latency are "
         "unavailable, and no verdict rests on cost",
         "vfsprof run, vfsprof compare");
    note(
        "scheduler statistics", CapabilityState::kUnavailable,
        "a recording of perf holds no account of CPU time, waiting and context switches per thread",
        "vfsprof run, vfsprof compare");
    return std::move(result_);
  }

 private:
  void note(const std::string& name, CapabilityState state, const std::string& detail,
            const std::string& remedy = "") {
    result_.capabilities.push_back({name, state, detail, remedy});
  }

  void add_arm(const Recording& recording) {
    if (result_.arms.empty()) {
      result_.environment = recording.environment;
      result_.started = recording.started;
    } else if (recording.environment.kernel != result_.environment.kernel ||
               recording.environment.cpu_model != result_.environment.cpu_model) {
      result_.warnings.push_back(fmt::format(
          "{} and {} name different machines or kernels: what differs may come from there",
          result_.arms.front().name, recording.name));
    }
    std::string name = recording.name;
    const auto is_taken = [&](const Arm& arm) { return arm.name == name; };
    for (int i = 2; std::ranges::any_of(result_.arms, is_taken); ++i) {
      name = fmt::format("{} ({})", recording.name, i);
    }
    result_.arms.push_back({.name = name, .canonical = {}, .axes = {}});
  }

  void note_rounds(const Recording& recording, const BurstCut& cut, std::size_t rounds) {
    if (!recording.has_times) {
      note(fmt::format("intervals of {}", recording.name), CapabilityState::kUnavailable,
           "no time was printed: the recording is one round, and how much its figures vary cannot "
           "be seen",
           "perf script -F +time");
      return;
    }
    const std::string rule = fmt::format(
        "a gap of more than {} ms ({} median gaps between samples, {} ms at least) ends a burst",
        cut.threshold_ns / 1'000'000, kIdleGaps, kShortestIdleNs / 1'000'000);
    if (rounds < cut.bursts.size()) {
      note(fmt::format("rounds of {}", recording.name), CapabilityState::kDegraded,
           fmt::format("{} bursts of activity were put together as {} rounds: {}",
                       cut.bursts.size(), rounds, rule));
    } else if (rounds == 1) {
      note(fmt::format("rounds of {}", recording.name), CapabilityState::kDegraded,
           fmt::format("one burst of activity: {}; intervals do not cover how much rounds differ",
                       rule),
           "record the workload several times, half a second apart");
    } else {
      note(fmt::format("rounds of {}", recording.name), CapabilityState::kAvailable, rule);
    }
  }

  void note_what_is_left_out(const Recording& recording, const Selection& selection) {
    if (const MalformedLines& bad = recording.malformed; bad.count > 0) {
      note(fmt::format("lines of {}", recording.name), CapabilityState::kDegraded,
           fmt::format("{} of {} lines are malformed and were left out, with their samples; the "
                       "first is line {}: {}",
                       bad.count, recording.lines, bad.first_line, bad.first_text));
    }
    const std::size_t counted = selection.samples.size() + selection.idle;
    if (counted < recording.samples.size()) {
      note(fmt::format("other events of {}", recording.name), CapabilityState::kDegraded,
           fmt::format("{} samples of other events than {} were left out: samples of two events "
                       "cannot be added",
                       recording.samples.size() - counted, recording.events[selection.event].name),
           "vfsprof import --event NAME");
    }
    if (selection.idle > 0) {
      note(fmt::format("idle task of {}", recording.name), CapabilityState::kDegraded,
           fmt::format("{} samples of the idle task (swapper) were left out", selection.idle));
    }
  }

  void note_source(const Recording& recording, const Selection& selection) {
    if (selection.weight_source.empty()) {
      note(fmt::format("CPU time of {}", recording.name), CapabilityState::kUnavailable,
           "neither times, periods nor a frequency were printed: shares are of samples, and how "
           "much CPU time they stand for is unknown",
           "perf script --header -F +time,+period");
    } else if (!is_clock(recording.events[selection.event].name)) {
      note(fmt::format("CPU time of {}", recording.name), CapabilityState::kDegraded,
           fmt::format("a sample counts for {} ns whatever its period, by {}", selection.weight_ns,
                       selection.weight_source));
    }
    const bool has_kernel = std::ranges::any_of(
        recording.frames, [](const Frame& frame) { return frame.kind == FrameKind::kKernel; });
    if (!has_kernel) {
      note(fmt::format("kernel frames of {}", recording.name), CapabilityState::kUnavailable,
           "no frame lies in the kernel: only user code was sampled, and shares are of its samples",
           "sudo sysctl kernel.perf_event_paranoid=1");
    }
    if (!recording.has_threads) {
      note(fmt::format("threads of {}", recording.name), CapabilityState::kUnavailable,
           "no thread was printed: all samples stand under one name", "perf script -F +comm,+tid");
    }
  }

  const ImportOptions& options_;
  RunResult result_;
};

}  // namespace

RunResult make_import_result(const std::vector<Recording>& recordings,
                             const ImportOptions& options) {
  ResultBuilder builder(options);
  for (const Recording& recording : recordings) builder.add(recording);
  return builder.finish();
}

}  // namespace vfsprof::reports
