#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// How a child process ended.
struct ExitStatus {
  int code = 0;    ///< exit code, if it exited
  int signal = 0;  ///< the signal that ended it, or 0
  bool ok() const { return code == 0 && signal == 0; }
};

/// "exited with code 3", "was ended by signal 9 (Killed)".
std::string describe(const ExitStatus& status);

/// A descriptor that the child gets under a number of its own.
struct ChildFd {
  int ours = -1;  ///< stays open here
  int theirs = -1;
};

struct ChildOptions {
  std::vector<std::string> command;   ///< command[0]: path of the program
  std::vector<ChildFd> fds;           ///< everything else but 0, 1 and 2 is closed
  std::function<void()> before_exec;  ///< runs in the child; only async-signal-safe work
  bool held = false;  ///< waits before its program's first instruction, until `release`
};

/// A child process in a session of its own (Ctrl-C reaches only us; to the scheduler it is apart
/// from us), which gets SIGTERM when we die. The destructor ends it and what it started in its
/// group: SIGTERM, after `kGrace` SIGKILL, and reaps it; after another `kKillGrace` it leaves it to
/// the kernel. Threads: one caller. The kernel sends the SIGTERM when the constructing *thread*
/// ends, so that thread must outlive the child.
class ChildProcess {
 public:
  static constexpr std::chrono::seconds kGrace{20};
  static constexpr std::chrono::seconds kKillGrace{2};

  /// Errors: EnvironmentError if the program cannot be started.
  explicit ChildProcess(const ChildOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Lets a held child run its program. Errors: EnvironmentError if that cannot be started.
  void release();

  pid_t pid() const { return pid_; }
  /// A descriptor that polls readable once the process has ended.
  int pidfd() const { return pidfd_.get(); }
  /// The status if it has ended.
  std::optional<ExitStatus> poll();
  /// Waits for it to end. Throws Interrupted when a signal arrives meanwhile.
  ExitStatus wait();
  /// Does nothing once it has ended.
  void signal(int number);

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  void wait_for_start();

  std::string program_;
  UniqueFd report_;  ///< where the child says why it cannot start; at its end once it has
  UniqueFd go_;      ///< what a held child waits for
  std::optional<ExitStatus> status_;
};

/// Waits until `fd` is readable (or at its end), or `pidfd` (may be -1) says that its process
/// ended; true if `fd` is. Throws Interrupted when SIGINT or SIGTERM arrives.
bool wait_readable(int fd, int pidfd);

/// The program in PATH, or an empty path. A name with a slash is a path already.
std::filesystem::path find_program(const std::string& name);

/// The folder of the running program: where its sister programs are.
std::filesystem::path program_directory();

/// From here on SIGINT and SIGTERM are noted, and surface as Interrupted at the next wait or
/// `check_interrupted`, once each: what runs on the way up can wait again.
void catch_interrupts();
/// Throws Interrupted if a signal was noted.
void check_interrupted();
/// A descriptor that is readable once a signal was noted; -1 before `catch_interrupts`.
int interrupt_fd();

}  // namespace vfsprof::harness
