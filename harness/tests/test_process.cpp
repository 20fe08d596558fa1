#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/process.h"

namespace vfsprof::harness {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == 0) {
      in.reset(ends[0]);
      out.reset(ends[1]);
    }
  }
  UniqueFd in;
  UniqueFd out;
};

ChildOptions shell(const std::string& script, std::vector<ChildFd> fds = {}) {
  return {.command = {"/bin/sh", "-c", script}, .fds = std::move(fds), .before_exec = {}};
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> chunk;
  for (ssize_t n; (n = ::read(fd, chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
  return text;
}

TEST(ChildProcess, ReportsItsExitCode) {
  ChildProcess child(shell("exit 3"));
  const ExitStatus status = child.wait();
  EXPECT_EQ(status.code, 3);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(describe(status), "exited with code 3");
}

TEST(ChildProcess, WhoIsHeldRunsNothingBeforeItIsReleased) {
  Pipe pipe;
  ChildOptions options = shell("echo ran >&3", {{.ours = pipe.out.get(), .theirs = 3}});
  options.held = true;
  ChildProcess child(options);
  pollfd entry{pipe.in.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 50), 0);
  EXPECT_FALSE(child.poll());
  child.release();
  EXPECT_TRUE(child.wait().ok());
  pipe.out.reset();
  EXPECT_EQ(read_all(pipe.in.get()), "ran\n");
}

TEST(ChildProcess, WhoIsHeldAndCannotStartSaysSoWhenReleased) {
  ChildProcess child({.command = {"/nonexistent"}, .fds = {}, .before_exec = {}, .held = true});
  EXPECT_THROW(child.release(), EnvironmentError);
  EXPECT_EQ(child.poll()->code, 127);
}

TEST(ChildProcess, WhoIsHeldEndsWithItsOwner) {
  ChildOptions options = shell("exit 0");
  options.held = true;
  const ChildProcess child(options);
}

TEST(ChildProcess, ReportsTheSignalThatEndedIt) {
  ChildProcess child(shell("kill -9 $$"));
  const ExitStatus status = child.wait();
  EXPECT_EQ(status.signal, SIGKILL);
  EXPECT_EQ(describe(status), "was ended by signal 9 (Killed)");
  EXPECT_EQ(child.poll()->signal, SIGKILL);
}

TEST(ChildProcess, CannotStartWhatIsNotThere) {
  try {
    ChildProcess child({.command = {"/nonexistent/program"}, .fds = {}, .before_exec = {}});
    FAIL() << "it started";
  } catch (const EnvironmentError& error) {
    EXPECT_STREQ(error.what(), "cannot start /nonexistent/program: No such file or directory");
  }
}

TEST(ChildProcess, GetsTheListedDescriptorsAndNoOthers) {
  Pipe out;
  UniqueFd leaked(::fcntl(out.out.get(), F_DUPFD, 50));  // without O_CLOEXEC
  ASSERT_GE(leaked.get(), 50);
  ChildProcess child(
      shell("echo to seven >&7; ls /proc/$$/fd", {{out.out.get(), 7}, {out.out.get(), 1}}));
  out.out.reset();
  EXPECT_TRUE(child.wait().ok());
  leaked.reset();
  EXPECT_EQ(read_all(out.in.get()), "to seven\n0\n1\n2\n7\n");
}

TEST(ChildProcess, ExchangesDescriptorsWhoseNumbersCross) {
  Pipe first;
  Pipe second;
  const int a = first.out.get();
  const int b = second.out.get();
  ChildProcess child(shell("printf a >&" + std::to_string(b) + "; printf b >&" + std::to_string(a),
                           {{a, b}, {b, a}}));
  first.out.reset();
  second.out.reset();
  EXPECT_TRUE(child.wait().ok());
  EXPECT_EQ(read_all(first.in.get()), "a");
  EXPECT_EQ(read_all(second.in.get()), "b");
}

TEST(ChildProcess, IsInASessionAndProcessGroupOfItsOwn) {
  ChildProcess child(shell("sleep 60"));
  EXPECT_EQ(::getpgid(child.pid()), child.pid());
  EXPECT_EQ(::getsid(child.pid()), child.pid());
}

TEST(ChildProcess, RunsTheHookInTheChild) {
  Pipe out;
  ChildProcess child({.command = {"/bin/sh", "-c", "umask"},
                      .fds = {{out.out.get(), 1}},
                      .before_exec = [] { ::umask(0123); }});
  out.out.reset();
  EXPECT_EQ(read_all(out.in.get()), "0123\n");
  EXPECT_TRUE(child.wait().ok());
}

TEST(ChildProcess, StartsWithNoSignalBlockedOrHandled) {
  catch_interrupts();
  Pipe out;
  ChildProcess child(shell("exec cat /proc/self/status", {{out.out.get(), 1}}));
  out.out.reset();
  EXPECT_TRUE(child.wait().ok());
  const std::string masks = read_all(out.in.get());
  EXPECT_NE(masks.find("SigBlk:\t0000000000000000"), std::string::npos) << masks;
  EXPECT_NE(masks.find("SigCgt:\t0000000000000000"), std::string::npos) << masks;
}

TEST(ChildProcess, DestructorEndsItAndItsOwnChildren) {
  Pipe out;
  UniqueFd grandchild;
  {
    ChildProcess child(shell("sleep 60 & echo $!; wait", {{out.out.get(), 1}}));
    ASSERT_TRUE(wait_readable(out.in.get(), child.pidfd()));
    std::array<char, 32> text{};
    ASSERT_GT(::read(out.in.get(), text.data(), text.size() - 1), 0);
    grandchild.reset(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(text.data()), 0)));
    ASSERT_TRUE(grandchild);
  }
  EXPECT_TRUE(wait_readable(grandchild.get(), -1));
}

TEST(ChildProcess, DiesWithItsParent) {
  Pipe out;
  const pid_t parent = ::fork();
  if (parent == 0) {
    ChildProcess child(shell("exec sleep 60"));
    const pid_t pid = child.pid();
    [[maybe_unused]] const ssize_t n = ::write(out.out.get(), &pid, sizeof pid);
    ::pause();
    ::_exit(0);
  }
  out.out.reset();
  pid_t grandchild = 0;
  ASSERT_EQ(::read(out.in.get(), &grandchild, sizeof grandchild), ssize_t{sizeof grandchild});
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, grandchild, 0)));
  ASSERT_TRUE(pidfd);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(wait_readable(pidfd.get(), -1));
}

TEST(WaitReadable, TellsDataFromTheEndOfTheProcess) {
  Pipe pipe;
  ChildProcess child(shell("exit 0"));
  EXPECT_FALSE(wait_readable(pipe.in.get(), child.pidfd()));
  ASSERT_EQ(::write(pipe.out.get(), "x", 1), 1);
  EXPECT_TRUE(wait_readable(pipe.in.get(), child.pidfd()));
}

TEST(Interrupts, SurfaceOnceAtTheNextWait) {
  catch_interrupts();
  ChildProcess child(shell("sleep 60"));
  EXPECT_NO_THROW(check_interrupted());
  ::raise(SIGTERM);
  try {
    child.wait();
    FAIL() << "the wait ended";
  } catch (const Interrupted& interrupted) {
    EXPECT_EQ(interrupted.signal_number(), SIGTERM);
  }
  EXPECT_NO_THROW(check_interrupted());
}

TEST(Interrupts, EndAWaitThatHasBegun) {
  catch_interrupts();
  Pipe never;
  ChildProcess child(shell("kill -INT " + std::to_string(::getpid())));
  EXPECT_THROW(wait_readable(never.in.get(), -1), Interrupted);
}

TEST(ProgramDirectory, HoldsTheRunningProgram) {
  EXPECT_TRUE(std::filesystem::exists(program_directory() / "test_process"));
}

}  // namespace
}  // namespace vfsprof::harness
