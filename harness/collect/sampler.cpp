#include "harness/collect/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/collect/drain.h"
#include "harness/collect/perf_event.h"
#include "harness/collect/proc.h"
#include "harness/collect/round_threads.h"
#include "harness/symbols/stack_resolver.h"
#include "harness/symbols/symbol_table.h"
#include "harness/symbols/user_symbols.h"
#include "vfs/base/check.h"

namespace vfsprof::harness {
namespace {

class Sampler : public Collector {
 public:
  explicit Sampler(const CollectorOptions& options) : options_(options) {
    VFSPROF_CHECK(options.frequency_hz > 0);
  }

  void attach(const Observed& observed) override {
    pid_ = observed.pid;
    follow_children_ = observed.follow_children;
    choice_ = choose_sampling_event(options_, pid_);
    if (choice_.event) drain_ = std::make_unique<SampleDrain>(*choice_.event, observed);
  }

  void start() override {
    read_maps();
    if (drain_) drain_->begin();
  }

  void stop() override {
    if (drain_) drain_->finish();
    read_maps();
    if (!drain_) return;
    const Sampled& sampled = drain_->sampled();
    options_.stack_copy->learn(sampled.whole + sampled.cut_short, sampled.copy_ended);
  }

  void collect(reports::Round& round) override;
  reports::Capability capability() const override;

 private:
  /// Names the samples of one process, whose mappings are `maps`.
  void add_process(pid_t pid, const std::string& maps, const SymbolTable& kernel,
                   reports::Round& round, reports::Profile& profile) const;

  /// Keeps the last mappings that could be read: those of a process that has crashed are gone.
  void read_maps() {
    if (auto maps = read_text(fmt::format("/proc/{}/maps", pid_)); maps && !maps->empty()) {
      maps_ = std::move(*maps);
    }
  }

  CollectorOptions options_;
  pid_t pid_ = 0;
  bool follow_children_ = false;
  EventChoice choice_;
  std::unique_ptr<SampleDrain> drain_;
  std::string maps_;
  bool kernel_symbols_ = true;
};

std::string to_string(UnwindMethod method) {
  for (const auto& [name, value] : kUnwindMethods) {
    if (value == method) return std::string(name);
  }
  return "";
}

/// Read once: a round needs them, and reading takes longer than all that is sampled in a second.
const SymbolTable& symbols_of_kernel() {
  static const SymbolTable symbols = kernel_symbols(read_text("/proc/kallsyms").value_or(""));
  return symbols;
}

std::string describe_unwinding(const SamplingEvent& event) {
  if (event.unwind == UnwindMethod::kFramePointers) return "frame pointers";
  return fmt::format("unwind tables from copies of {} KiB, later more where stacks are longer{}",
                     event.attributes.sample_stack_user / 1024,
                     event.unwind == UnwindMethod::kAuto ? ", then frame pointers" : "");
}

void Sampler::collect(reports::Round& round) {
  if (!drain_) return;
  const Sampled& sampled = drain_->sampled();
  round.collector_cpu_ns += sampled.cpu_ns;
  reports::Profile profile;
  profile.event = choice_.event->name;
  profile.requested_event = options_.event;
  profile.frequency_hz = options_.frequency_hz;
  profile.weight_ns = 1'000'000'000u / options_.frequency_hz;
  profile.slice_ns = SampleDrain::kSliceNs;
  profile.kernel_frames = choice_.event->kernel_frames;
  profile.lost = sampled.lost;
  profile.throttled = sampled.throttled;
  static const SymbolTable no_symbols;
  const SymbolTable& kernel = profile.kernel_frames ? symbols_of_kernel() : no_symbols;
  kernel_symbols_ = !kernel.empty();
  profile.unwind = to_string(choice_.event->unwind);
  profile.whole_stacks = sampled.whole;
  profile.cut_short_stacks = sampled.cut_short;
  for (const auto& [pid, samples] : sampled.samples) {
    // The root's were read at both ends; records and looks give the others'.
    const std::string& seen = sampled.maps.at(pid);
    add_process(pid, seen.empty() || (pid == pid_ && !follow_children_) ? maps_ : seen, kernel,
                round, profile);
  }
  round.profile = std::move(profile);
}

void Sampler::add_process(pid_t pid, const std::string& maps, const SymbolTable& kernel,
                          reports::Round& round, reports::Profile& profile) const {
  const Sampled& sampled = drain_->sampled();
  const SampleStore& samples = sampled.samples.at(pid);
  const std::size_t others = profile.samples.size();
  UserSymbols user(maps, pid);
  StackResolver resolver(kernel, user, profile);
  std::vector<StackResolver::Path> paths;  // of the store's nodes
  for (const auto& [caller, address] : samples.nodes()) {
    const auto outer = caller == SampleStore::kRoot ? StackResolver::kEmpty : paths[caller];
    paths.push_back(resolver.called_from(outer, address));
  }
  std::map<pid_t, std::uint32_t> threads;
  const auto thread_of = [&](pid_t tid) {
    const auto [found, added] = threads.try_emplace(tid);
    if (!added) return found->second;
    const auto name = sampled.thread_names.find(tid);
    return found->second = thread_index(
               round, tid, name == sampled.thread_names.end() ? std::string() : name->second);
  };
  std::vector<reports::SampleCount> counts;
  for (const auto& [key, count] : samples.counts()) {
    const auto path = key.node == SampleStore::kRoot ? StackResolver::kEmpty : paths[key.node];
    counts.push_back({thread_of(key.tid), resolver.stack_of(path), key.slice, count});
  }
  // Several call paths can be one stack: they differ in addresses within the same functions.
  const auto place = [](const reports::SampleCount& sample) {
    return std::tuple(sample.thread, sample.stack, sample.slice);
  };
  std::ranges::sort(counts, {}, place);
  for (const reports::SampleCount& sample : counts) {
    const bool same =
        profile.samples.size() > others && place(profile.samples.back()) == place(sample);
    if (same) {
      profile.samples.back().count += sample.count;
    } else {
      profile.samples.push_back(sample);
    }
  }
}

reports::Capability Sampler::capability() const {
  using enum reports::CapabilityState;
  reports::Capability result;
  result.name = "sampler";
  if (!choice_.event) {
    result.state = kUnavailable;
    result.detail = choice_.detail.empty() ? "not attached" : choice_.detail;
    result.remedy = choice_.remedy;
    return result;
  }
  const SamplingEvent& event = *choice_.event;
  const bool on_cpus = event.scope == EventScope::kCpus;
  result.detail =
      fmt::format("{} at {} Hz on each {}, stacks by {}", event.name, options_.frequency_hz,
                  on_cpus ? "CPU" : "thread", describe_unwinding(event));
  const auto degrade = [&](const std::string& detail, const std::string& remedy) {
    result.state = kDegraded;
    result.detail += "; " + detail;
    if (!remedy.empty()) result.remedy += (result.remedy.empty() ? "" : "; ") + remedy;
  };
  if (event.name != options_.event) {
    degrade(fmt::format("{} was asked for, but this machine has no such counter; cpu-clock samples "
                        "skid to where interrupts are enabled again",
                        options_.event),
            "run where hardware counters are passed through");
  }
  if (!on_cpus) {
    degrade("events on threads slow down each context switch and are blind while it lasts",
            event.kernel_frames ? "sysctl kernel.perf_event_paranoid=0, or run as root" : "");
  }
  if (!event.unwind_refusal.empty()) {
    degrade("stacks are walked by frame pointers and lose callers in code without them: " +
                event.unwind_refusal,
            "");
  }
  if (!event.kernel_frames) {
    degrade("no samples inside the kernel: refused to this user",
            "sysctl kernel.perf_event_paranoid=1 (0 also allows events on CPUs)");
  } else if (!kernel_symbols_) {
    degrade("kernel frames have no names: kernel.kptr_restrict hides their addresses",
            "sysctl kernel.kptr_restrict=0 kernel.perf_event_paranoid=1");
  }
  const Sampled& sampled = drain_->sampled();
  if (sampled.refused > 0) {
    degrade(fmt::format("{} of the {} not sampled: {}", sampled.refused,
                        on_cpus ? "CPUs" : "threads", describe(sampled.refusal)),
            "raise the limits: ulimit -l unlimited, ulimit -n 4096, "
            "sysctl kernel.perf_event_mlock_kb=4096");
  }
  if (sampled.lost > 0) degrade(fmt::format("{} samples lost", sampled.lost), "sample less often");
  if (sampled.throttled > 0) {
    degrade(fmt::format("throttled {} times by the kernel", sampled.throttled),
            "sysctl kernel.perf_cpu_time_max_percent=0");
  }
  if (sampled.malformed > 0) {
    degrade(fmt::format("{} records could not be read", sampled.malformed), "");
  }
  return result;
}

}  // namespace

std::unique_ptr<Collector> make_sampler(const CollectorOptions& options) {
  return std::make_unique<Sampler>(options);
}

}  // namespace vfsprof::harness
