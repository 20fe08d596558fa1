#pragma once

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "harness/collect/proc.h"
#include "vfs/base/check.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// A program as a child process that tests observe: collect_subject, or another that talks like it.
class Subject {
 public:
  /// Returns once the child says that it is ready.
  explicit Subject(const char* mode, const char* program = VFSPROF_COLLECT_SUBJECT) {
    int input[2];
    int output[2];
    VFSPROF_CHECK(::pipe(input) == 0 && ::pipe(output) == 0);
    pid_ = ::fork();
    VFSPROF_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(input[0], STDIN_FILENO);
      ::dup2(output[1], STDOUT_FILENO);
      for (const int fd : {input[0], input[1], output[0], output[1]}) ::close(fd);
      ::execl(program, program, mode, nullptr);
      ::_exit(127);
    }
    ::close(input[0]);
    ::close(output[1]);
    input_.reset(input[1]);
    output_.reset(output[0]);
    VFSPROF_CHECK(read_line() == "ready");
  }
  ~Subject() {
    input_.reset();
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  pid_t pid() const { return pid_; }
  /// The first word starts the load, the second ends it.
  void say() { VFSPROF_CHECK(::write(input_.get(), "x", 1) == 1); }
  /// The child's next line of output; empty at its end.
  std::string read_line() {
    std::string line;
    for (char byte = 0; ::read(output_.get(), &byte, 1) == 1 && byte != '\n';) line += byte;
    return line;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd input_;
  UniqueFd output_;
};

/// Returns once the threads of a process have had so much CPU time since they began: on a busy
/// machine that takes longer.
inline void let_use_cpu(pid_t pid, std::uint64_t milliseconds) {
  for (std::uint64_t used_ns = 0; used_ns < milliseconds * 1'000'000; ::usleep(1000)) {
    used_ns = 0;
    for (const pid_t tid : list_threads(pid)) {
      const auto text = read_text(fmt::format("/proc/{}/task/{}/schedstat", pid, tid));
      used_ns += parse_schedstat(text.value_or("")).value_or(SchedulerStatistics{}).cpu_ns;
    }
  }
}

}  // namespace vfsprof::harness
