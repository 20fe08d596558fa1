#include "harness/collect/usage.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "harness/collect/proc.h"
#include "harness/collect/process_tree.h"

namespace vfsprof::harness {
namespace {

/// What is known of one thread since it began.
struct ThreadReading {
  std::string kernel_name;
  SchedulerStatistics scheduler;
  ContextSwitches switches;
};

/// What is known of one process since it began.
struct CpuReading {
  std::uint64_t own_ns = 0;       ///< ended threads included
  std::uint64_t children_ns = 0;  ///< of children that ended and were waited for
};

struct ProcessReading {
  std::map<pid_t, ThreadReading> threads;
  std::map<pid_t, CpuReading> processes;  ///< those that could be read
  bool alive = false;                     ///< false: ended, or only waiting to be reaped
  bool schedstat = true;                  ///< false: this kernel keeps no scheduler statistics
};

std::optional<std::uint64_t> process_cpu_ns(pid_t pid) {
  clockid_t clock;
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

void read_threads(pid_t pid, ProcessReading& reading) {
  for (const pid_t tid : list_threads(pid)) {
    const std::string folder = fmt::format("/proc/{}/task/{}/", pid, tid);
    const auto switches = parse_context_switches(read_text(folder + "status").value_or(""));
    if (!switches) continue;  // ended meanwhile
    const auto schedstat = read_text(folder + "schedstat");
    const auto scheduler = parse_schedstat(schedstat.value_or(""));
    if (!scheduler) reading.schedstat = false;
    reading.threads[tid] = {kernel_thread_name(pid, tid), scheduler.value_or(SchedulerStatistics{}),
                            *switches};
  }
}

/// `pids`: the observed process first.
ProcessReading read_processes(const std::vector<pid_t>& pids) {
  ProcessReading reading;
  for (const pid_t pid : pids) read_threads(pid, reading);
  const auto root = read_process_state(pids.front());
  reading.alive = root && root->state != 'Z' && root->state != 'X';
  // Last, so that the threads' times never add up to more than the process's.
  for (const pid_t pid : pids) {
    const auto cpu_ns = process_cpu_ns(pid);
    const auto state = read_process_state(pid);
    if (cpu_ns && state) reading.processes[pid] = {*cpu_ns, state->children_cpu_ns};
  }
  return reading;
}

std::uint64_t grown(std::uint64_t before, std::uint64_t after) {
  return after > before ? after - before : 0;
}

class UsageCollector : public Collector {
 public:
  void attach(const Observed& observed) override {
    pid_ = observed.pid;
    follow_children_ = observed.follow_children;
    tree_ = ProcessTree(pid_, follow_children_);
  }
  void start() override { before_ = read_processes(tree_.look()); }
  void stop() override { after_ = read_processes(tree_.look()); }

  void collect(reports::Round& round) override {
    // A thread that ended in between stays, with what was last seen of it: its state at the start.
    std::map<pid_t, ThreadReading> last = before_.threads;
    for (const auto& [tid, thread] : after_.threads) last[tid] = thread;
    for (const auto& [tid, thread] : last) round.threads.push_back(difference(tid, thread));
    for (const reports::Thread& thread : round.threads) threads_cpu_ns_ += thread.cpu_ns;
    if (before_.processes.contains(pid_) && after_.processes.contains(pid_)) {
      round.process_cpu_ns = processes_cpu_ns();
    }
    process_cpu_ns_ = round.process_cpu_ns;
  }

  reports::Capability capability() const override;

 private:
  reports::Thread difference(pid_t tid, const ThreadReading& last) const {
    const auto found = before_.threads.find(tid);
    const ThreadReading first = found == before_.threads.end() ? ThreadReading{} : found->second;
    const std::string full_name = full_thread_name(last.kernel_name);
    return {.tid = tid,
            .name = last.kernel_name,
            .full_name = full_name,
            .role = thread_role(full_name),
            .cpu_ns = grown(first.scheduler.cpu_ns, last.scheduler.cpu_ns),
            .runnable_ns = grown(first.scheduler.runnable_ns, last.scheduler.runnable_ns),
            .voluntary_switches = grown(first.switches.voluntary, last.switches.voluntary),
            .involuntary_switches = grown(first.switches.involuntary, last.switches.involuntary)};
  }

  /// CPU time of all processes in between. A child that has ended is in its parent's account, from
  /// its beginning on: what it had used before is taken off that. One that had lost its parent is
  /// in no account.
  std::uint64_t processes_cpu_ns() const {
    std::uint64_t own = 0, of_ended = 0, ended_before = 0;
    for (const auto& [pid, last] : after_.processes) {
      const auto found = before_.processes.find(pid);
      const CpuReading first = found == before_.processes.end() ? CpuReading{} : found->second;
      own += grown(first.own_ns, last.own_ns);
      if (follow_children_) of_ended += grown(first.children_ns, last.children_ns);
    }
    for (const auto& [pid, first] : before_.processes) {
      if (!after_.processes.contains(pid)) ended_before += first.own_ns + first.children_ns;
    }
    return own + grown(ended_before, of_ended);
  }

  pid_t pid_ = 0;
  bool follow_children_ = false;
  ProcessTree tree_;
  ProcessReading before_;
  ProcessReading after_;
  std::uint64_t threads_cpu_ns_ = 0;
  std::uint64_t process_cpu_ns_ = 0;
};

reports::Capability UsageCollector::capability() const {
  using enum reports::CapabilityState;
  reports::Capability result;
  result.name = "usage";
  result.detail =
      "CPU time, run-queue wait and context switches per thread (schedstat), CPU time of the "
      "process (its CPU clock)";
  const auto set = [&](reports::CapabilityState state, std::string detail, std::string remedy) {
    result.state = state;
    result.detail = std::move(detail);
    result.remedy = std::move(remedy);
  };
  // The kernel brings a running thread's schedstat up to date once a tick, at most 10 ms apart.
  constexpr std::uint64_t kTickNs = 10'000'000;
  const std::uint64_t slack_ns = process_cpu_ns_ / 100 + kTickNs * after_.threads.size();
  if (!before_.alive) {
    set(kUnavailable, fmt::format("process {} was gone before the measured phase began", pid_), "");
  } else if (!after_.alive) {
    set(kDegraded,
        fmt::format(
            "process {} ended within the measured phase: what its threads used is not known", pid_),
        "look for the reason in the process's own messages");
  } else if (!before_.schedstat || !after_.schedstat) {
    set(kDegraded,
        "no CPU time and run-queue wait per thread: the kernel keeps no scheduler statistics",
        "use a kernel with CONFIG_SCHED_INFO=y");
  } else if (process_cpu_ns_ > threads_cpu_ns_ + slack_ns) {
    set(kDegraded,
        fmt::format("{:.1f} ms of {:.1f} ms CPU time belong to threads that ended within the "
                    "measured phase and are in no thread's row",
                    static_cast<double>(process_cpu_ns_ - threads_cpu_ns_) / 1e6,
                    static_cast<double>(process_cpu_ns_) / 1e6),
        "");
  }
  return result;
}

}  // namespace

std::unique_ptr<Collector> make_usage_collector(const CollectorOptions&) {
  return std::make_unique<UsageCollector>();
}

}  // namespace vfsprof::harness
