#pragma once

// For the programs whose futex calls are known: they say "ready", begin at a byte on stdin, print
// one line of JSON on what they did, and live until stdin ends.

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace vfsprof::harness {

using FutexWordValue = std::atomic<std::uint32_t>;
static_assert(sizeof(FutexWordValue) == sizeof(std::uint32_t));

inline long futex(FutexWordValue& word, int operation, std::uint32_t value,
                  const timespec* limit = nullptr, FutexWordValue* second = nullptr,
                  std::uint32_t third = 0) {
  return ::syscall(SYS_futex, &word, operation, value, limit, second, third);
}

inline void name_this_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.c_str());
}

/// Blocks until a byte comes (true) or stdin ends (false).
inline bool wait_for_word() {
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) == 1;
}

inline void say(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::abort();
}

inline std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

/// Sleeps without a futex.
inline void sleep_us(long microseconds) {
  const timespec time{0, microseconds * 1000};
  ::nanosleep(&time, nullptr);
}

/// Waits, without a futex, until a thread of this process is blocked in system call `number`.
inline void wait_until_in_call(pid_t tid, long number) {
  const std::string path = "/proc/self/task/" + std::to_string(tid) + "/syscall";
  const std::string wanted = std::to_string(number) + " ";
  while (true) {
    char text[64] = {};
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      std::perror(path.c_str());
      std::abort();
    }
    const bool got = ::read(fd, text, sizeof text - 1) > 0;
    ::close(fd);
    if (got && std::string_view(text).starts_with(wanted)) return;
    sleep_us(20);
  }
}

}  // namespace vfsprof::harness
