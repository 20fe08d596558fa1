#include "harness/scenario/client_crew.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "harness/error.h"
#include "harness/inproc/in_process_tree.h"
#include "harness/scenario/budget.h"
#include "harness/scenario/generator_cost.h"
#include "harness/scenario/hash.h"
#include "harness/scenario/operation_list.h"
#include "vfs/base/check.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

using std::chrono::milliseconds;

std::uint64_t process_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

/// Refuses what the disk has no room for, before anything is written.
void check_space(const Assignment& assignment) {
  const Footprint footprint = measure_footprint(assignment.scenario, assignment.seed);
  struct statvfs status{};
  // A file system that does not say how large it is cannot be asked.
  if (::fstatvfs(kDirectoryFd, &status) != 0 || status.f_blocks == 0) return;
  const std::uint64_t free_bytes = std::uint64_t{status.f_bavail} * status.f_frsize;
  if (footprint.peak_bytes <= free_bytes) return;
  throw EnvironmentError(
      fmt::format("scenario '{}' holds up to {} bytes, and {} are free: choose another place "
                  "(--work-dir, --target), or scale it down (--scale)",
                  assignment.scenario.name, footprint.peak_bytes, free_bytes));
}

bool makes_links(const Scenario& scenario) {
  const auto lists_links = [](const Job& job) {
    if (!job.operations) return false;
    const auto is_link = [](const Operation& operation) {
      return operation.kind == OperationKind::kSymlink;
    };
    return std::ranges::any_of(job.operations->setup, is_link) ||
           std::ranges::any_of(job.operations->operations, is_link);
  };
  return std::ranges::any_of(scenario.filesets,
                             [](const FileSet& set) { return set.type == EntryType::kSymlink; }) ||
         std::ranges::any_of(scenario.jobs, lists_links);
}

/// Whether there is nothing in the clients' directory; false where nobody can tell.
bool directory_is_empty() {
  const int fd = ::openat(kDirectoryFd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd), ::closedir);
  if (!directory) return false;
  while (const dirent* const entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

/// Whether symbolic links may be in the way, of the scenario's own or of somebody else. What the
/// object store holds is files and directories.
bool must_guard(const Assignment& assignment) {
  return makes_links(assignment.scenario) || (!assignment.store_is_filled && !directory_is_empty());
}

/// What this client is to keep.
WatchedOperations watched(const WatchedOperations& watch, unsigned client) {
  return watch.client == client ? watch : WatchedOperations{};
}

/// Slices of all clients together that a round holds at most.
constexpr std::size_t kMostSlicesOfAll = 8192;

}  // namespace

Crew::Crew(const Assignment& assignment)
    : assignment_(assignment),
      scenario_(assignment.scenario),
      plans_(plan_clients(assignment.scenario, assignment.seed)) {
  check_space(assignment);
  control_.set_budget(scenario_.disk_budget);
  join_all(plans_, control_);
  if (scenario_.lockstep) {
    std::vector<unsigned> phases;
    for (const ClientPlan& plan : plans_) phases.push_back(plan.job->phase);
    control_.use_lockstep(std::move(phases), assignment.seed, [this] { settle(); });
  }
  if (assignment.in_process) {
    in_process_ = std::make_unique<InProcessFileSystem>(*assignment.in_process);
  }
  if (scenario_.recording) turns_ = std::make_unique<ReplayTurns>(plans_, control_);
  const bool guarded = !in_process_ && must_guard(assignment);
  for (const ClientPlan& plan : plans_) {
    workers_.push_back(
        make_client_worker(in_process_ ? FilesKind::kInProcess : FilesKind::kSystemCalls,
                           {.plan = plan,
                            .directory = kDirectoryFd,
                            .in_process = in_process_.get(),
                            .control = control_,
                            .turns = turns_.get(),
                            .store_is_filled = assignment.store_is_filled,
                            .keeps_contents = assignment.keeps_contents,
                            .guarded = guarded,
                            .shares_cpu = assignment.shares_cpu,
                            .watch = watched(assignment.watch, plan.client)}));
  }
}

Crew::~Crew() {
  announce(kLeave);
  for (std::thread& thread : threads_) thread.join();
}

void Crew::start() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::thread& thread = threads_.emplace_back([this, i] { run_client(i); });
    ::pthread_setname_np(thread.native_handle(), fmt::format("client-{}", i).c_str());
  }
}

void Crew::announce(int phase) {
  phase_.store(phase, std::memory_order_release);
  phase_.notify_all();
}

void Crew::run_client(std::size_t client) {
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // a client that keeps a pace wakes up when it says
  for (int phase = 1;; ++phase) {
    phase_.wait(phase - 1, std::memory_order_acquire);
    if (phase_.load(std::memory_order_acquire) == kLeave) return;
    try {
      if (scenario_.lockstep && phase != kMeasured) {
        do_phase_in_line(client, phase);
      } else {
        do_phase(client, phase);
      }
    } catch (const std::exception& error) {
      control_.fail(fmt::format("a client ended: {}", error.what()));
    }
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) ::eventfd_write(done_.get(), 1);
  }
}

void Crew::make_directories() {
  for (const std::string& name : initial_directories(scenario_, assignment_.store_is_filled)) {
    if (control_.stopping()) return;
    Errno error;
    if (in_process_) {
      if (const auto made = in_process_->make_directory(name, 0755); !made) error = made.error();
    } else if (::mkdirat(kDirectoryFd, name.c_str(), 0755) != 0) {
      error = Errno{errno};
    }
    if (error.value == 0) continue;
    control_.fail(fmt::format("mkdir of {} failed: {}", name, describe(error)));
  }
  control_.settle();
}

/// One client after the other: the same files get the same inodes in every run.
void Crew::do_phase_in_line(std::size_t client, int phase) {
  for (std::size_t due = in_line_.load(); due != client; due = in_line_.load()) in_line_.wait(due);
  try {
    do_phase(client, phase);
  } catch (const std::exception& error) {
    control_.fail(fmt::format("a client ended: {}", error.what()));
  }
  in_line_.store((client + 1) % workers_.size());
  in_line_.notify_all();
}

/// Waits until the file system has nothing left to do; in process each request does.
void Crew::settle() {
  if (!assignment_.settles) return;
  char byte = 0;
  if (::send(kSettleFd, &byte, 1, MSG_NOSIGNAL) != 1 || ::recv(kSettleFd, &byte, 1, 0) != 1) {
    control_.fail("the file system's process answers no more");
  }
}

void Crew::do_phase(std::size_t client, int phase) {
  ClientWorker& worker = *workers_[client];
  if (phase == kMakeDirectories && client == 0) {
    calibrate();
    make_directories();
  }
  if (phase == kCreateFiles) worker.create_files();
  if (phase == kSetUp) worker.run_setup();
  if (phase == kMeasured) {
    const bool paced = keeps_pace(*plans_[client].job) && !control_.in_lockstep();
    const IssuePriorityScope priority(paced ? assignment_.issue_priority : IssuePriority::kNormal);
    if (priority.error() != 0) priority_error_.store(priority.error());
    worker.run_measured();
  }
  if (phase == kClose) worker.close_files();
}

bool Crew::run_phase() {
  // A file system that hangs keeps its clients in system calls, beyond the reach of the stop flag.
  constexpr milliseconds kStopGrace{5000};
  running_.store(workers_.size(),
                 std::memory_order_relaxed);  // the release store in announce publishes it
  const std::uint64_t cpu_before_ns = process_cpu_ns();
  const int phase = phase_.load(std::memory_order_relaxed) + 1;  // only this thread stores
  if (phase == kMeasured) control_.set_origin(now_ns());
  announce(phase);
  if (wait_for_end(std::chrono::ceil<milliseconds>(scenario_.runtime_cap)) == Wait::kTimeout) {
    control_.fail(
        fmt::format("the runtime_cap of {} ms was over before the clients were done",
                    std::chrono::duration_cast<milliseconds>(scenario_.runtime_cap).count()));
    if (wait_for_end(kStopGrace) == Wait::kTimeout) return false;
  }
  cpu_ns_ = process_cpu_ns() - cpu_before_ns;
  if (const std::string differences = turns_ ? turns_->differences() : ""; !differences.empty()) {
    control_.fail(differences);
  }
  return true;
}

Crew::Wait Crew::wait_for_end(milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entries[] = {{done_.get(), POLLIN, 0}, {STDIN_FILENO, 0, 0}};
    const int n = ::poll(entries, 2, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (n == 0 && left.count() <= 0) return Wait::kTimeout;
    if (n <= 0) continue;
    // Whoever started us is gone: nobody wants the result.
    if (entries[1].revents != 0) ::_exit(1);
    eventfd_t value = 0;
    ::eventfd_read(done_.get(), &value);
    VFSPROF_CHECK(running_.load(std::memory_order_acquire) == 0);
    return Wait::kDone;
  }
}

std::string Crew::hash_tree(std::vector<TreeEntry>& entries) {
  return harness::hash_tree(*in_process_, entries);
}

std::string Crew::write_back() {
  if (!in_process_) return "";
  const Result<void> written = in_process_->write_back();
  if (written) return "";
  return fmt::format("what was still dirty could not be written back: {}",
                     describe(written.error()));
}

/// What making an operation costs here, found on the first client of each job before anything is
/// measured: so few operations that it takes some milliseconds.
void Crew::calibrate() {
  constexpr std::uint64_t kOperations = 5000;
  for (const ClientPlan& plan : plans_) {
    if (generator_.contains(plan.job)) continue;
    generator_[plan.job] = measure_generator(plan, kOperations);
  }
}

void Crew::add_clients(ClientResult& result) const {
  reports::ClientRound& round = result.clients;
  round.slice_ns = TimeSlices::kShortestNs;
  for (const auto& worker : workers_) {
    round.slice_ns = std::max(round.slice_ns, worker->record().slices.slice_ns());
  }
  while (result.elapsed_ns / round.slice_ns * workers_.size() > kMostSlicesOfAll) {
    round.slice_ns *= 2;
  }
  double generator_ns = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const ClientRecord& record = workers_[i]->record();
    round.clients.push_back({.job = plans_[i].job->name,
                             .operations = record.operations(),
                             .paced_operations = record.paced_operations,
                             .elapsed_ns = record.ended_ns - record.started_ns,
                             .slices = {},
                             .late_slices_ns = {}});
    TimeSlices slices = record.slices;
    slices.widen_to(round.slice_ns);
    for (const TimeSlices::Slice& slice : slices.slices()) {
      round.clients.back().slices.push_back(slice.operations);
      if (record.paced_operations > 0) round.clients.back().late_slices_ns.push_back(slice.late_ns);
    }
    round.late_ns.merge(record.late_ns);
    generator_ns +=
        generator_.at(plans_[i].job).ns_per_operation * static_cast<double>(record.operations());
    result.traces.push_back({.operations = record.operations(),
                             .interval = record.results.interval(),
                             .checkpoints = record.results.checkpoints(),
                             .hash = record.results.hash()});
    result.kept.insert(result.kept.end(), record.kept.begin(), record.kept.end());
  }
  round.generator_cpu_ns = static_cast<std::uint64_t>(generator_ns);
  for (const auto& [job, cost] : generator_) round.calibration_operations += cost.operations;
}

ClientResult Crew::result() const {
  ClientResult result;
  result.cpu_ns = cpu_ns_;
  result.failure = failure();
  result.issue_priority_error = priority_error_.load();
  ContentHash hash;
  std::uint64_t started_ns = UINT64_MAX;
  std::uint64_t ended_ns = 0;
  for (const auto& worker : workers_) {
    started_ns = std::min(started_ns, worker->record().started_ns);
    ended_ns = std::max(ended_ns, worker->record().ended_ns);
    hash.add_value(worker->record().results.hash());
  }
  result.elapsed_ns = ended_ns - started_ns;
  add_clients(result);
  result.results_hash = hash.hex();
  for (std::size_t kind = 0; kind < kOperationNames.size(); ++kind) {
    reports::OperationStats stats{
        .kind = std::string(kOperationNames[kind]), .service_time_ns = {}, .response_time_ns = {}};
    for (const auto& worker : workers_) {
      const KindStats& part = worker->record().kinds[kind];
      stats.count += part.count;
      stats.errors += part.errors;
      stats.bytes += part.bytes;
      stats.service_time_ns.merge(part.service_time_ns);
      stats.response_time_ns.merge(part.response_time_ns);
    }
    if (stats.count > 0) result.operations.push_back(std::move(stats));
  }
  return result;
}

}  // namespace vfsprof::harness
