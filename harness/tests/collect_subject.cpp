// A process for the collectors' tests to observe. Does what its first argument says once a byte
// arrives on stdin, and lives until stdin ends.
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace {

std::atomic<bool> stopping = false;
std::atomic<std::uint64_t> sink = 0;

std::int64_t nanoseconds(const timeval& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000;
}

/// CPU time of this process by getrusage(2): the reference that collectors are compared with.
std::int64_t rusage_ns() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
}

void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }

/// Blocks until a byte comes (true) or stdin ends (false).
bool wait_for_word() {
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) == 1;
}

}  // namespace

// C linkage: a name that tests can look for.
extern "C" [[gnu::noinline]] void collect_subject_spin() {
  std::uint64_t value = 1;
  while (!stopping.load(std::memory_order_relaxed)) {
    for (int i = 0; i < 1000; ++i) value = value * 6364136223846793005u + 1442695040888963407u;
    sink.store(value, std::memory_order_relaxed);
  }
}

extern "C" [[gnu::noinline]] void collect_subject_read_zeros() {
  static char buffer[1 << 16];
  const int zeros = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  while (!stopping) {
    if (::read(zeros, buffer, sizeof buffer) <= 0) std::abort();
  }
  ::close(zeros);
}

/// Wakes and sleeps at every step, as a hand-off between threads does.
static void play_ping_pong() {
  int there[2];
  int back[2];
  if (::pipe(there) != 0 || ::pipe(back) != 0) std::abort();
  std::thread partner([&] {
    name_this_thread("late-worker-8");
    char byte = 0;
    while (::read(there[0], &byte, 1) == 1 && byte != 'e') {
      if (::write(back[1], &byte, 1) != 1) std::abort();
    }
  });
  char byte = 'x';
  while (!stopping) {
    if (::write(there[1], &byte, 1) != 1 || ::read(back[0], &byte, 1) != 1) std::abort();
  }
  if (::write(there[1], "e", 1) != 1) std::abort();
  partner.join();
}

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  name_this_thread("subject-main");
  std::puts("ready");
  std::fflush(stdout);
  if (!wait_for_word()) return 0;
  const std::int64_t before_ns = rusage_ns();
  std::thread worker([mode] {
    name_this_thread("late-worker-7");
    if (mode == "spin" || mode == "crash") collect_subject_spin();
    if (mode == "read_zeros") collect_subject_read_zeros();
    if (mode == "ping_pong") play_ping_pong();
  });
  // "crash": ends without a word, its thread still running.
  if (!wait_for_word() || mode == "crash") ::_exit(mode == "crash" ? 1 : 0);
  stopping = true;
  worker.join();
  std::printf("%lld\n", static_cast<long long>(rusage_ns() - before_ns));
  std::fflush(stdout);
  wait_for_word();
  return 0;
}
