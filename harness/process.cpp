#include "harness/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "harness/error.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

// The self-pipe: the handler writes the signal's number, waits poll the other end. Never closed, as
// a handler may run until the very end.
int interrupt_pipe[2] = {-1, -1};

extern "C" void note_interrupt(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  // A full pipe already holds more signals than anybody needs.
  [[maybe_unused]] const ssize_t written = ::write(interrupt_pipe[1], &byte, 1);
  errno = saved;
}

[[noreturn]] void throw_environment(const std::string& what, int error_number) {
  throw EnvironmentError(fmt::format("{}: {}", what, vfsprof::describe(Errno{error_number})));
}

/// Blocks every signal for the calling thread, and gives back what was before.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

/// What the child needs between fork and exec, prepared before: no allocation is allowed there.
struct ChildPlan {
  std::vector<char*> arguments;
  std::vector<ChildFd> fds;  ///< in order of `theirs`
  std::vector<int> moved;    ///< room for one number per descriptor
  int first_free = 3;        ///< above every number that is a target
  int report = -1;           ///< where the child writes errno if it cannot start
  int go = -1;               ///< where it waits for a byte, if it is held
  pid_t parent = -1;
};

ChildPlan plan_child(const ChildOptions& options, int report, int go) {
  ChildPlan plan;
  for (const std::string& argument : options.command) {
    plan.arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  plan.arguments.push_back(nullptr);
  plan.fds = options.fds;
  std::ranges::sort(plan.fds, {}, &ChildFd::theirs);
  plan.moved.resize(plan.fds.size());
  for (const ChildFd& fd : plan.fds) plan.first_free = std::max(plan.first_free, fd.theirs + 1);
  plan.report = report;
  plan.go = go;
  plan.parent = ::getpid();
  return plan;
}

/// Gives the descriptors their numbers and marks all others to be closed by exec.
bool arrange_descriptors(ChildPlan& plan) {
  // First out of the way of every target, as one descriptor's number may be another's target.
  const int report = ::fcntl(plan.report, F_DUPFD_CLOEXEC, plan.first_free);
  if (report < 0) return false;
  plan.report = report;
  if (plan.go >= 0) plan.go = ::fcntl(plan.go, F_DUPFD_CLOEXEC, plan.first_free);
  for (std::size_t i = 0; i < plan.fds.size(); ++i) {
    plan.moved[i] = ::fcntl(plan.fds[i].ours, F_DUPFD_CLOEXEC, plan.first_free);
    if (plan.moved[i] < 0) return false;
  }
  unsigned next = 3;
  for (std::size_t i = 0; i < plan.fds.size(); ++i) {
    if (::dup2(plan.moved[i], plan.fds[i].theirs) < 0) return false;
    const auto theirs = static_cast<unsigned>(plan.fds[i].theirs);
    if (theirs > next && ::close_range(next, theirs - 1, CLOSE_RANGE_CLOEXEC) != 0) return false;
    next = std::max(next, theirs + 1);
  }
  return ::close_range(next, UINT_MAX, CLOSE_RANGE_CLOEXEC) == 0;
}

[[noreturn]] void run_child(ChildPlan& plan, const std::function<void()>& before_exec) {
  const auto give_up = [&] {
    const int error_number = errno;
    [[maybe_unused]] const ssize_t n = ::write(plan.report, &error_number, sizeof error_number);
    ::_exit(127);
  };
  // A session of its own also is a group of its own to the scheduler (autogroup): in ours, a
  // wake-up of a thread of ours on any CPU changes how the child's threads preempt each other.
  if (::setsid() < 0) give_up();
  // SIGTERM, not SIGKILL: a file system daemon must get the chance to unmount.
  if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) give_up();
  // A parent that ended before the line above can send nothing any more.
  if (::getppid() != plan.parent) ::_exit(127);
  // Our handlers would write into the parent's pipe; all signals are still blocked here.
  for (const int number : {SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (!arrange_descriptors(plan)) give_up();
  if (before_exec) before_exec();
  if (plan.go >= 0) {
    eventfd_t value = 0;
    while (::eventfd_read(plan.go, &value) != 0 && errno == EINTR) {
    }
  }
  ::execv(plan.arguments[0], plan.arguments.data());
  give_up();
  ::_exit(127);
}

std::array<UniqueFd, 2> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_environment("cannot make a pipe", errno);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// Polls until `pidfd` reports the end, or the time is over; true if the process ended. Signals do
/// not cut it short.
bool ended_within(int pidfd, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{pidfd, POLLIN, 0};
    const int n = ::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (n > 0) return true;
    if (n == 0 && left.count() <= 0) return false;
  }
}

}  // namespace

std::string describe(const ExitStatus& status) {
  if (status.signal == 0) return fmt::format("exited with code {}", status.code);
  const char* name = ::sigdescr_np(status.signal);
  return fmt::format("was ended by signal {} ({})", status.signal,
                     name == nullptr ? "unknown" : name);
}

ChildProcess::ChildProcess(const ChildOptions& options) : program_(options.command.at(0)) {
  // Where whoever started us ignores SIGCHLD, the kernel would reap the child and keep no status.
  ::signal(SIGCHLD, SIG_DFL);
  auto [report_in, report_out] = make_pipe();
  report_ = std::move(report_in);
  if (options.held) {
    go_.reset(::eventfd(0, EFD_CLOEXEC));
    if (!go_) throw_environment("cannot make an eventfd", errno);
  }
  ChildPlan plan = plan_child(options, report_out.get(), go_.get());
  {
    const SignalsBlocked blocked;
    pid_ = ::fork();
    if (pid_ == 0) run_child(plan, options.before_exec);
  }
  if (pid_ < 0) throw_environment(fmt::format("cannot start {}", program_), errno);
  report_out.reset();
  // The number cannot be somebody else's: the child stays a zombie until we reap it.
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd_) {
    const int error_number = errno;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    throw_environment(fmt::format("cannot start {}", program_), error_number);
  }
  if (!options.held) wait_for_start();
}

void ChildProcess::release() {
  ::eventfd_write(go_.get(), 1);
  wait_for_start();
}

void ChildProcess::wait_for_start() {
  int child_error = 0;
  ssize_t n;
  do {
    n = ::read(report_.get(), &child_error, sizeof child_error);
  } while (n < 0 && errno == EINTR);
  report_.reset();
  go_.reset();
  if (n == 0) return;
  ::waitpid(pid_, nullptr, 0);
  status_ = ExitStatus{.code = 127, .signal = 0};
  throw_environment(fmt::format("cannot start {}", program_), child_error);
}

ChildProcess::~ChildProcess() {
  if (poll()) return;
  ::kill(-pid_, SIGTERM);
  if (!ended_within(pidfd_.get(), kGrace)) {
    ::kill(-pid_, SIGKILL);
    // A process inside a file system that hangs cannot even be killed before that is unmounted,
    // which may be for our caller to do next.
    if (!ended_within(pidfd_.get(), kKillGrace)) return;
  }
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<ExitStatus> ChildProcess::poll() {
  if (status_) return status_;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) {
    return std::nullopt;
  }
  const bool exited = info.si_code == CLD_EXITED;
  status_ = ExitStatus{.code = exited ? info.si_status : 0, .signal = exited ? 0 : info.si_status};
  return status_;
}

ExitStatus ChildProcess::wait() {
  while (!poll()) wait_readable(pidfd_.get(), -1);
  return *status_;
}

void ChildProcess::signal(int number) {
  if (!poll()) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

bool wait_readable(int fd, int pidfd) {
  while (true) {
    std::array<pollfd, 3> entries{
        {{fd, POLLIN, 0}, {pidfd, POLLIN, 0}, {interrupt_fd(), POLLIN, 0}}};
    const int n = ::poll(entries.data(), entries.size(), -1);
    if (n < 0 && errno != EINTR) throw_environment("cannot wait for a child process", errno);
    check_interrupted();
    if (n <= 0) continue;
    if (entries[0].revents != 0) return true;
    if (entries[1].revents != 0) return false;
  }
}

std::filesystem::path find_program(const std::string& name) {
  if (name.contains('/')) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  const char* const variable = std::getenv("PATH");
  const std::string folders = variable != nullptr ? variable : "/usr/bin:/bin";
  for (std::size_t at = 0; at <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', at), folders.size());
    const std::filesystem::path path = std::filesystem::path(folders.substr(at, end - at)) / name;
    if (::access(path.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(path)) return path;
    at = end + 1;
  }
  return {};
}

std::filesystem::path program_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

void catch_interrupts() {
  if (interrupt_pipe[0] >= 0) return;
  if (::pipe2(interrupt_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw_environment("cannot make a pipe", errno);
  }
  struct sigaction action{};
  action.sa_handler = note_interrupt;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
}

void check_interrupted() {
  unsigned char number = 0;
  if (interrupt_pipe[0] >= 0 && ::read(interrupt_pipe[0], &number, 1) == 1) {
    throw Interrupted(number);
  }
}

int interrupt_fd() { return interrupt_pipe[0]; }

}  // namespace vfsprof::harness
