// A process that waits and wakes in known ways, for the tests of the collector `waits`. Does what
// its first argument says once a byte arrives on stdin, says "done" and lives until stdin ends.
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Word = std::atomic<std::uint32_t>;
constexpr int kFutexWake2 = 454, kFutexWait2 = 455;
constexpr int kSize32 = 2, kPrivate2 = 128;

long futex(Word* word, int operation, std::uint32_t value, const void* timeout = nullptr,
           Word* other = nullptr, std::uint32_t value3 = 0) {
  return ::syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, timeout, other, value3);
}

timespec in(clockid_t clock, long nanoseconds) {
  timespec time{};
  ::clock_gettime(clock, &time);
  time.tv_nsec += nanoseconds;
  time.tv_sec += time.tv_nsec / 1'000'000'000;
  time.tv_nsec %= 1'000'000'000;
  return time;
}

void name_this_thread(const char* name) { ::pthread_setname_np(::pthread_self(), name); }
void pause_ms(long milliseconds) {
  const timespec time{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  ::nanosleep(&time, nullptr);
}

/// Three threads sleep on one word; one is woken and two are requeued to another, where they are
/// woken.
void requeue() {
  Word from = 0;
  Word to = 0;
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i) sleepers.emplace_back([&] { futex(&from, FUTEX_WAIT, 0); });
  pause_ms(50);
  const auto two = reinterpret_cast<const void*>(2L);
  if (futex(&from, FUTEX_CMP_REQUEUE, 1, two, &to, 0) != 3) std::abort();
  if (futex(&to, FUTEX_WAKE, 5) != 2) std::abort();
  for (std::thread& sleeper : sleepers) sleeper.join();
}

void interrupt_a_wait() {
  struct sigaction action{};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, nullptr);
  Word word = 0;
  std::thread sleeper([&] { futex(&word, FUTEX_WAIT, 0); });
  pause_ms(50);
  ::pthread_kill(sleeper.native_handle(), SIGUSR1);
  sleeper.join();
}

/// The numbers here are those that test_collect_futex.cpp expects.
void every_operation() {
  Word word = 1;
  for (int i = 0; i < 10; ++i) futex(&word, FUTEX_WAIT, 0);
  for (int i = 0; i < 7; ++i) {
    const timespec soon = in(CLOCK_MONOTONIC, 1'000'000);
    futex(&word, FUTEX_WAIT_BITSET, 1, &soon, nullptr, FUTEX_BITSET_MATCH_ANY);
  }
  for (int i = 0; i < 5; ++i) futex(&word, FUTEX_WAKE, 1);
  for (int i = 0; i < 6; ++i) {
    futex(&word, FUTEX_WAKE_BITSET, 1, nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
  }
  Word other = 0;
  const int add_zero = FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0);
  for (int i = 0; i < 4; ++i) {
    futex(&word, FUTEX_WAKE_OP, 1, nullptr, &other, static_cast<std::uint32_t>(add_zero));
  }
  Word pi = 0;
  for (int i = 0; i < 3; ++i) {
    futex(&pi, FUTEX_LOCK_PI, 0);
    futex(&pi, FUTEX_UNLOCK_PI, 0);
    futex(&pi, FUTEX_TRYLOCK_PI, 0);
    futex(&pi, FUTEX_UNLOCK_PI, 0);
  }
  for (int i = 0; i < 2; ++i) futex(&word, FUTEX_REQUEUE, 1, nullptr, &other);
  for (int i = 0; i < 2; ++i) futex(&word, FUTEX_CMP_REQUEUE, 1, nullptr, &other, 7);  // EAGAIN
  futex(&word, 99, 0);
  std::array<futex_waitv, 2> waiters{};
  for (int i = 0; i < 3; ++i) {
    const timespec soon = in(CLOCK_MONOTONIC, 1'000'000);
    for (auto& waiter : waiters) {
      waiter = {.val = i == 0 ? 5u : 1u,  // the first time it has changed
                .uaddr = reinterpret_cast<std::uint64_t>(&word),
                .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG,
                .__reserved = 0};
    }
    ::syscall(SYS_futex_waitv, waiters.data(), waiters.size(), 0, &soon, CLOCK_MONOTONIC);
  }
  for (int i = 0; i < 8; ++i) ::syscall(kFutexWake2, &word, ~0UL, 1, kSize32 | kPrivate2);
  for (int i = 0; i < 9; ++i) {
    ::syscall(kFutexWait2, &word, 5UL, ~0UL, kSize32 | kPrivate2, nullptr, CLOCK_MONOTONIC);
  }
  requeue();
  interrupt_a_wait();
}

Word to_right = 0;
Word to_left = 0;

void take(Word& word) {
  while (word.load() == 0) futex(&word, FUTEX_WAIT, 0);
  word.store(0);
}
void give(Word& word) {
  word.store(1);
  futex(&word, FUTEX_WAKE, 1);
}

void ping_pong() {
  constexpr int kRounds = 3000;
  std::thread right([] {
    name_this_thread("right");
    for (int i = 0; i < kRounds; ++i) {
      take(to_right);
      give(to_left);
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    give(to_right);
    take(to_left);
  }
  right.join();
}

std::mutex contended;

void short_threads() {
  for (int i = 0; i < 50; ++i) {
    std::array<std::thread, 4> threads;
    for (std::thread& thread : threads) {
      thread = std::thread([] {
        name_this_thread("short");
        const timespec end = in(CLOCK_THREAD_CPUTIME_ID, 200'000);
        for (timespec now{}; now.tv_nsec < end.tv_nsec && now.tv_sec <= end.tv_sec;) {
          ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        }
        pause_ms(1);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

std::atomic<bool> stopping = false;

/// One thread for each thing that threads do, until `stopping`.
void every_state() {
  int pipe_fds[2];
  if (::pipe(pipe_fds) != 0) std::abort();
  std::thread spinner([] {
    name_this_thread("spinner");
    while (!stopping.load(std::memory_order_relaxed)) {
    }
  });
  std::thread sleeper([] {
    name_this_thread("sleeper");
    while (!stopping) pause_ms(5);
  });
  std::thread poller([] {
    name_this_thread("poller");
    while (!stopping) ::poll(nullptr, 0, 5);
  });
  std::thread reader([&] {
    name_this_thread("reader");
    for (char byte = 0; ::read(pipe_fds[0], &byte, 1) == 1 && byte != 'e';) {
    }
  });
  std::thread timed([] {
    name_this_thread("timed");
    Word word = 0;
    const timespec relative{0, 5'000'000};
    while (!stopping) futex(&word, FUTEX_WAIT, 0, &relative);
  });
  std::puts("done");
  std::fflush(stdout);
  char byte = 0;
  if (::read(STDIN_FILENO, &byte, 1) != 1) std::abort();
  stopping = true;
  if (::write(pipe_fds[1], "e", 1) != 1) std::abort();
  for (std::thread* thread : {&spinner, &sleeper, &poller, &reader, &timed}) thread->join();
}

void fork_a_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    Word word = 1;
    for (int i = 0; i < 12; ++i) futex(&word, FUTEX_WAIT, 0);
    ::_exit(0);
  }
  siginfo_t status{};
  ::waitid(P_PID, static_cast<id_t>(child), &status, WEXITED);
}

}  // namespace

// C linkage: names that tests look for.
extern "C" [[gnu::noinline]] void waits_subject_lock() {
  contended.lock();
  asm volatile("");
  contended.unlock();
}

extern "C" [[gnu::noinline]] void waits_subject_hold() {
  contended.lock();
  pause_ms(2);
  contended.unlock();
}

/// A mutex whose waiter and waker are known.
static void contend() {
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> held = false;
    std::thread holder([&] {
      name_this_thread("holder");
      contended.lock();
      held = true;
      contended.unlock();
      waits_subject_hold();
    });
    while (!held) std::this_thread::yield();
    pause_ms(1);
    waits_subject_lock();
    holder.join();
  }
}

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  name_this_thread("left");
  std::puts("ready");
  std::fflush(stdout);
  char byte = 0;
  if (::read(STDIN_FILENO, &byte, 1) != 1) return 0;
  if (mode == "operations") every_operation();
  if (mode == "ping_pong") ping_pong();
  if (mode == "contend") contend();
  if (mode == "short_threads") short_threads();
  if (mode == "fork") fork_a_child();
  if (mode == "states") {
    every_state();
  } else {
    std::puts("done");
    std::fflush(stdout);
  }
  return ::read(STDIN_FILENO, &byte, 1) == 1 ? 0 : 1;
}
