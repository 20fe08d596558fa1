#include "harness/experiment/profile.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>

#include "harness/collect/capabilities.h"
#include "harness/collect/collector_set.h"
#include "harness/collect/environment.h"
#include "harness/collect/proc.h"
#include "harness/collect/process_tree.h"
#include "harness/error.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostPending = 48;

/// Those that have a collector; the observers first.
std::vector<reports::RoundKind> kinds_of_stretches(const CollectorOptions& options) {
  using enum reports::RoundKind;
  std::vector<reports::RoundKind> kinds;
  for (const reports::RoundKind kind : {kProfiling, kTracing}) {
    if (has_collector_for(kind)) kinds.push_back(kind);
  }
  if (!options.events.empty()) kinds.push_back(kCounting);
  kinds.push_back(kTiming);
  return kinds;
}

/// The arguments of a process, as one line.
std::string command_line_of(pid_t pid) {
  std::string text = read_text(fmt::format("/proc/{}/cmdline", pid)).value_or("");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::ranges::replace(text, '\0', ' ');
  return text.empty() ? kernel_thread_name(pid, pid) : text;
}

/// Says why this process cannot be observed, as far as that can be known before.
void check_process(pid_t pid) {
  const auto process = read_process_state(pid);
  if (!process) {
    throw BadInput(
        fmt::format("--pid {}: there is no such process; pgrep -a NAME lists them", pid));
  }
  if (process->kernel_thread) {
    throw BadInput(
        fmt::format("--pid {}: {} is a thread of the kernel, which has no program to observe; name "
                    "a process of user space",
                    pid, kernel_thread_name(pid, pid)));
  }
  if (process->state == 'Z' || process->state == 'X') {
    throw BadInput(fmt::format("--pid {}: the process has ended and waits for its parent", pid));
  }
  const std::string status = read_text(fmt::format("/proc/{}/status", pid)).value_or("");
  const std::string group(field_of(status, "Tgid"));
  if (group != std::to_string(pid)) {
    throw BadInput(
        fmt::format("--pid {}: that is a thread of process {}: name the process", pid, group));
  }
  if (pid == ::getpid()) throw BadInput(fmt::format("--pid {}: that is vfsprof itself", pid));
  // The kernel asks for the same right as ptrace does, which every collector needs.
  const UniqueFd maps(::open(fmt::format("/proc/{}/maps", pid).c_str(), O_RDONLY | O_CLOEXEC));
  if (!maps && (errno == EACCES || errno == EPERM)) {
    throw EnvironmentError(fmt::format(
        "--pid {}: not permitted to observe {}: it runs as user {}, or has rights that this user "
        "lacks; run as root (sudo vfsprof profile ...), or as that user, or with the capabilities "
        "CAP_PERFMON and CAP_SYS_PTRACE",
        pid, kernel_thread_name(pid, pid),
        field_of(status, "Uid").substr(0, field_of(status, "Uid").find('\t'))));
  }
}

/// The observed program: somebody else's process, or a command of ours.
class Subject {
 public:
  explicit Subject(const ProfileOptions& options) {
    if (options.pid != 0) {
      check_process(options.pid);
      pid_ = options.pid;
      name_ = kernel_thread_name(pid_, pid_);
      command_line_ = command_line_of(pid_);
      own_pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
      pidfd_ = own_pidfd_.get();
      if (pidfd_ < 0) {
        throw BadInput(fmt::format("--pid {}: {}", pid_, describe(Errno{errno})));
      }
      return;
    }
    start(options);
  }

  void release() {
    if (child_) child_->release();
  }

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_; }
  const std::string& name() const { return name_; }
  const std::string& command_line() const { return command_line_; }

  /// The status of a command that ended by itself; one that still runs is ended.
  std::optional<ExitStatus> finish() {
    if (!child_) return std::nullopt;
    const std::optional<ExitStatus> status = child_->poll();
    child_.reset();
    return status;
  }

 private:
  void start(const ProfileOptions& options) {
    const fs::path program = find_program(options.command.front());
    if (program.empty()) {
      throw BadInput(fmt::format(
          "{}: no such program in PATH, or it may not be executed; what stands behind -- is the "
          "program and its arguments, no shell command (for that: -- sh -c '...')",
          options.command.front()));
    }
    ChildOptions child{.command = options.command, .fds = {}, .before_exec = {}, .held = true};
    child.command.front() = program.string();
    if (options.output_to_stderr) child.fds.push_back({.ours = 2, .theirs = 1});
    child_ = std::make_unique<ChildProcess>(child);
    pid_ = child_->pid();
    pidfd_ = child_->pidfd();
    name_ = program.filename().string();
    command_line_ = fmt::format("{}", fmt::join(options.command, " "));
  }

  std::unique_ptr<ChildProcess> child_;
  UniqueFd own_pidfd_;
  int pidfd_ = -1;
  pid_t pid_ = 0;
  std::string name_;
  std::string command_line_;
};

class Session {
 public:
  Session(const ProfileOptions& options, const ProgressListener& progress)
      : options_(options),
        progress_(progress),
        kinds_(kinds_of_stretches(options.collect)),
        subject_(options),
        tree_(subject_.pid(), options.follow_children) {
    reports::RunResult& result = outcome_.result;
    result.command = "profile";
    result.started = fmt::format(
        "{:%Y-%m-%dT%H:%M:%SZ}",
        fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
    result.environment = read_environment();
    result.scenario.name = "profile";
    result.scenario.summary = subject_.command_line();
    result.target =
        options.pid != 0 ? fmt::format("process {}", options.pid) : "a command, from its start";
    result.placement = "free";
    result.floors.absent = "the program is not ours, and its operations are not known";
    result.arms.push_back({.name = subject_.name(), .canonical = "", .axes = {}});
  }

  ProfileOutcome run() {
    started_ = Clock::now();
    bool goes_on = true;
    for (std::uint32_t index = 0; goes_on; ++index) {
      goes_on = observe(index);
      collect_due();
    }
    collect_all();
    std::vector<pid_t> living = tree_.look();
    living.erase(living.begin());
    outcome_.status = subject_.finish();
    if (options_.pid == 0) outcome_.left_running = still_running(living);
    reports::RunResult& result = outcome_.result;
    // Where nobody said when to stop, an interrupt is the way to.
    result.partial = outcome_.end == ProfileEnd::kInterrupted &&
                     (options_.duration.has_value() || options_.pid == 0);
    if (outcome_.status && !outcome_.status->ok()) {
      result.warnings.push_back(fmt::format("{} {}", subject_.name(), describe(*outcome_.status)));
    }
    return std::move(outcome_);
  }

 private:
  /// One stretch; false if it was the last.
  bool observe(std::uint32_t index) {
    const Nanoseconds elapsed = Clock::now() - started_;
    const Nanoseconds change = index == 0 ? Nanoseconds(0) : (elapsed - observed_) / index;
    const Stretch stretch = plan_stretch(index, kinds_, elapsed, options_.duration, change);
    show_progress(elapsed, stretch.kind);
    Pending& pending = pending_.emplace_back();
    pending.collectors = std::make_unique<CollectorSet>(
        Observed{.pid = subject_.pid(), .follow_children = options_.follow_children}, stretch.kind,
        options_.collect);
    pending.collectors->start();
    const auto begun = Clock::now();
    if (index == 0) {
      subject_.release();
      started_ = begun;
    }
    const bool goes_on = wait(begun + stretch.length, index);
    const Nanoseconds observed = Clock::now() - begun;
    observed_ += observed;
    pending.collectors->stop();
    pending.round.block = stretch.block;
    pending.round.kind = stretch.kind;
    pending.round.counts_operations = false;
    pending.round.elapsed_ns = static_cast<std::uint64_t>(observed.count());
    return goes_on;
  }

  /// A stretch whose findings are not yet put away.
  struct Pending {
    std::unique_ptr<CollectorSet> collectors;
    reports::Round round;
  };

  /// Putting findings away takes time in which nothing is observed, so it waits until the end: but
  /// the ledgers hold memory of the kernel, and what is kept grows.
  void collect_due() {
    if (pending_.back().round.kind == reports::RoundKind::kTracing) collect(pending_.back());
    if (pending_.size() >= kMostPending) collect_all();
  }

  void collect(Pending& pending) {
    if (pending.collectors == nullptr) return;
    std::vector<reports::Capability> capabilities;
    pending.collectors->collect(pending.round, capabilities);
    merge_capabilities(outcome_.result.capabilities, capabilities);
    pending.collectors.reset();
  }

  void collect_all() {
    for (Pending& pending : pending_) {
      collect(pending);
      outcome_.result.rounds.push_back(std::move(pending.round));
    }
    pending_.clear();
  }

  /// Until `limit`, or earlier if something ends the session; true if it goes on. However short the
  /// duration: each kind has one stretch.
  bool wait(Clock::time_point limit, std::uint32_t index) {
    const bool in_first_block = index + 1 < kinds_.size();
    const auto last = options_.duration && !in_first_block ? started_ + *options_.duration
                                                           : Clock::time_point::max();
    while (true) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(std::min(limit, last) - Clock::now());
      if (left.count() <= 0) break;
      std::array<pollfd, 2> entries{{{subject_.pidfd(), POLLIN, 0}, {interrupt_fd(), POLLIN, 0}}};
      if (::poll(entries.data(), entries.size(), static_cast<int>(left.count())) < 0) {
        if (errno != EINTR) {
          throw EnvironmentError(fmt::format("cannot wait: {}", describe(Errno{errno})));
        }
      }
      if (is_interrupted()) return false;
      if (entries[0].revents != 0) {
        outcome_.end = ProfileEnd::kProgramEnded;
        return false;
      }
    }
    return Clock::now() < last;
  }

  bool is_interrupted() {
    try {
      check_interrupted();
      return false;
    } catch (const Interrupted& interrupted) {
      outcome_.end = ProfileEnd::kInterrupted;
      outcome_.interrupted_by = interrupted.signal_number();
      return true;
    }
  }

  void show_progress(Nanoseconds elapsed, reports::RoundKind kind) {
    const auto tenths = [](Nanoseconds time) {
      return static_cast<std::size_t>(time / std::chrono::milliseconds(100));
    };
    if (!options_.duration) return;
    progress_({tenths(std::min(elapsed, *options_.duration)), tenths(*options_.duration),
               reports::to_string(kind)});
  }

  static std::vector<pid_t> still_running(const std::vector<pid_t>& pids) {
    std::vector<pid_t> result;
    for (const pid_t pid : pids) {
      const auto process = read_process_state(pid);
      if (process && process->state != 'Z') result.push_back(pid);
    }
    return result;
  }

  const ProfileOptions& options_;
  const ProgressListener& progress_;
  const std::vector<reports::RoundKind> kinds_;
  Subject subject_;
  ProcessTree tree_;
  Clock::time_point started_;
  Nanoseconds observed_{0};  ///< the sum of all stretches
  std::vector<Pending> pending_;
  ProfileOutcome outcome_;
};

}  // namespace

ProfileOutcome run_profile(const ProfileOptions& options, const ProgressListener& progress) {
  return Session(options, progress).run();
}

}  // namespace vfsprof::harness
