#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

#include "harness/scenario/client.h"
#include "harness/scenario/client_protocol.h"
#include "harness/scenario/client_worker.h"
#include "harness/scenario/hash.h"
#include "vfs/base/check.h"

namespace vfsprof::harness {
namespace {

using std::chrono::milliseconds;

std::uint64_t process_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

/// All clients of the process, which go through their phases together.
///
/// Threads: the main thread starts each phase and waits for its end; each client has a thread.
/// Memory order: a phase starts with a release store to `phase_`, and ends with the last decrement
/// of `running_` (acquire-release), so each side sees what the other did before.
class Crew {
 public:
  explicit Crew(const Assignment& assignment);
  /// No phase may be running.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Starts the threads, which then wait for their first phase.
  void start();
  /// Lets the clients do their next phase: set-up, the measured phase, closing. Returns false if
  /// clients hang in a system call even after the cap has fired; then only `failure` may be asked,
  /// and the process must end.
  bool run_phase();
  std::string failure() const { return control_.failure(); }
  ClientResult result() const;

 private:
  enum class Wait { kDone, kTimeout };
  static constexpr int kLeave = -1;

  void run_client(ClientWorker& worker);
  void do_phase(ClientWorker& worker, int phase);
  void announce(int phase);
  Wait wait_for_end(milliseconds limit);

  std::chrono::nanoseconds cap_;
  UniqueFd done_{::eventfd(0, EFD_CLOEXEC)};  ///< readable once all clients ended the phase
  RunControl control_;
  std::vector<std::unique_ptr<ClientWorker>> workers_;
  std::atomic<int> phase_ = 0;  ///< number of the latest phase that was started, or kLeave
  std::atomic<std::size_t> running_ = 0;
  std::uint64_t cpu_ns_ = 0;  ///< of the latest phase
  std::vector<std::thread> threads_;
};

Crew::Crew(const Assignment& assignment) : cap_(assignment.scenario.runtime_cap) {
  unsigned client = 0;
  for (const Job& job : assignment.scenario.jobs) {
    for (unsigned i = 0; i < job.numjobs; ++i, ++client) {
      workers_.push_back(std::make_unique<ClientWorker>(ClientWorker::Options{
          .job = job,
          .identity = {.seed = assignment.seed, .client = client},
          .directory = kDirectoryFd,
          .control = control_,
      }));
    }
  }
}

Crew::~Crew() {
  announce(kLeave);
  for (std::thread& thread : threads_) thread.join();
}

void Crew::start() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::thread& thread = threads_.emplace_back([this, i] { run_client(*workers_[i]); });
    ::pthread_setname_np(thread.native_handle(), fmt::format("client-{}", i).c_str());
  }
}

void Crew::announce(int phase) {
  phase_.store(phase, std::memory_order_release);
  phase_.notify_all();
}

void Crew::run_client(ClientWorker& worker) {
  for (int phase = 1;; ++phase) {
    phase_.wait(phase - 1, std::memory_order_acquire);
    if (phase_.load(std::memory_order_acquire) == kLeave) return;
    try {
      do_phase(worker, phase);
    } catch (const std::exception& error) {
      control_.fail(fmt::format("a client ended: {}", error.what()));
    }
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) ::eventfd_write(done_.get(), 1);
  }
}

void Crew::do_phase(ClientWorker& worker, int phase) {
  if (phase == 1) worker.set_up();
  if (phase == 2) worker.run_measured();
  if (phase == 3) worker.close_files();
}

bool Crew::run_phase() {
  // A file system that hangs keeps its clients in system calls, beyond the reach of the stop flag.
  constexpr milliseconds kStopGrace{5000};
  running_.store(workers_.size(),
                 std::memory_order_relaxed);  // the release store in announce publishes it
  const std::uint64_t cpu_before_ns = process_cpu_ns();
  announce(phase_.load(std::memory_order_relaxed) + 1);  // only this thread stores
  if (wait_for_end(std::chrono::ceil<milliseconds>(cap_)) == Wait::kTimeout) {
    control_.fail(fmt::format("the runtime_cap of {} ms was over before the clients were done",
                              std::chrono::duration_cast<milliseconds>(cap_).count()));
    if (wait_for_end(kStopGrace) == Wait::kTimeout) return false;
  }
  cpu_ns_ = process_cpu_ns() - cpu_before_ns;
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

ClientResult Crew::result() const {
  ClientResult result;
  result.cpu_ns = cpu_ns_;
  result.failure = failure();
  ContentHash hash;
  std::uint64_t started_ns = UINT64_MAX;
  std::uint64_t ended_ns = 0;
  for (const auto& worker : workers_) {
    started_ns = std::min(started_ns, worker->record().started_ns);
    ended_ns = std::max(ended_ns, worker->record().ended_ns);
    hash.add_text(worker->record().results_hash);
  }
  result.elapsed_ns = ended_ns - started_ns;
  result.results_hash = hash.hex();
  for (std::size_t kind = 0; kind < kOperationNames.size(); ++kind) {
    reports::OperationStats stats{.kind = std::string(kOperationNames[kind]),
                                  .service_time_ns = {}};
    for (const auto& worker : workers_) {
      const KindStats& part = worker->record().kinds[kind];
      stats.count += part.count;
      stats.errors += part.errors;
      stats.bytes += part.bytes;
      stats.service_time_ns.merge(part.service_time_ns);
    }
    if (stats.count > 0) result.operations.push_back(std::move(stats));
  }
  return result;
}

ClientResult failed(const std::string& failure) {
  ClientResult result;
  result.failure = failure;
  return result;
}

std::optional<std::string> receive(LineChannel& channel) {
  while (!channel.at_end()) {
    if (auto line = channel.receive()) return line;
  }
  return std::nullopt;
}

void run_phase(Crew& crew, LineChannel& channel) {
  if (crew.run_phase()) return;
  // Clients that hang cannot be joined; the kernel ends them with the process.
  channel.send(encode(failed(crew.failure() + "; some hang in a system call")));
  ::_exit(0);
}

/// From set-up to the closing of files. After a failure the kernel closes them, when the process
/// ends.
void talk(LineChannel& channel, const Assignment& assignment) {
  Crew crew(assignment);
  crew.start();
  run_phase(crew, channel);
  const bool is_set_up = crew.failure().empty();
  channel.send(is_set_up ? std::string(kReadyMessage) : encode(failed(crew.failure())));
  if (!is_set_up || receive(channel) != kGoMessage) return;
  run_phase(crew, channel);
  channel.send(encode(crew.result()));
  if (!crew.failure().empty() || receive(channel) != kCloseMessage) return;
  run_phase(crew, channel);
  channel.send(crew.failure().empty() ? std::string(kClosedMessage)
                                      : encode(failed(crew.failure())));
}

}  // namespace

int client_main() {
  LineChannel channel(STDIN_FILENO, STDOUT_FILENO);
  const std::optional<std::string> line = receive(channel);
  if (!line) return 2;
  try {
    talk(channel, decode_assignment(*line));
    return 0;
  } catch (const std::exception& error) {
    channel.send(encode(failed(error.what())));
    return 1;
  }
}

}  // namespace vfsprof::harness
