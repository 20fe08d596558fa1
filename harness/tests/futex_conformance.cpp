// Makes a known number of every futex operation, through the C and C++ libraries and by itself
// (futex_tally.h says how it is driven). Prints how often it called what strace does not count
// under the name of futex, and the results that it saw of the calls that it made itself.
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>

#include <barrier>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "harness/tests/futex_tally.h"

// Of newer kernels than the headers of Debian 12.
#ifndef SYS_futex_wake
#define SYS_futex_wake 454
#define SYS_futex_wait 455
#define SYS_futex_requeue 456
#endif

using namespace vfsprof::harness;  // NOLINT(google-build-using-namespace): a program of one file

namespace {

constexpr int kTimes = 20;
constexpr std::uint32_t kAnyBits = 0xffffffff;
constexpr unsigned kFutex2Private = 2 | 128;  // 32 bits, private (linux/futex.h of 6.7)

/// What this program's own calls did, by operation.
struct Tally {
  unsigned calls = 0;
  unsigned threads_woken = 0;
  unsigned woken = 0;
  unsigned again = 0;
  unsigned timed_out = 0;
  unsigned failed = 0;
};
std::map<std::string, Tally> tallies;  // guarded by tallies_lock
std::atomic_flag tallies_lock;

void note(const std::string& operation, long result, int error, bool is_wait) {
  while (tallies_lock.test_and_set()) sleep_us(1);
  Tally& tally = tallies[operation];
  ++tally.calls;
  if (result < 0) {
    ++(error == EAGAIN ? tally.again : error == ETIMEDOUT ? tally.timed_out : tally.failed);
  } else if (is_wait) {
    ++tally.woken;
  } else {
    tally.threads_woken += static_cast<unsigned>(result);
  }
  tallies_lock.clear();
}

long noted(const std::string& operation, bool is_wait, long result) {
  const int error = errno;
  note(operation, result, error, is_wait);
  errno = error;
  return result;
}

/// Calls until one thread was woken or requeued: what sleeps may not be in its queue yet.
template <class Call>
void until_one(Call call) {
  while (call() == 0) sleep_us(100);
}

/// Runs `wait` on another thread until it sleeps in system call `number`, then `wake`.
template <class Wait, class Wake>
void meet(long number, Wait wait, Wake wake) {
  std::atomic<pid_t> tid{0};
  std::atomic<bool> done{false};
  std::thread sleeper([&] {
    tid = ::gettid();
    wait();
    done = true;
  });
  while (tid == 0) sleep_us(20);
  wait_until_in_call(tid, number);
  sleep_us(500);  // shown in its call a moment before it sleeps there
  wake();
  while (!done) sleep_us(20);
  sleep_us(500);  // its thread ends: joining then needs no futex, mostly
  sleeper.join();
}

// The libraries' own ways of waiting. How many calls they make is theirs to know: strace counts.

void use_libraries() {
  std::mutex mutex;
  std::condition_variable condition;
  std::shared_mutex shared;
  sem_t semaphore;
  ::sem_init(&semaphore, 0, 0);
  std::atomic<int> value{0};
  bool ready = false;
  for (int i = 0; i < kTimes; ++i) {
    mutex.lock();
    meet(SYS_futex, [&] { const std::lock_guard lock(mutex); }, [&] { mutex.unlock(); });
    ready = false;
    meet(
        SYS_futex,
        [&] {
          std::unique_lock lock(mutex);
          condition.wait(lock, [&] { return ready; });
        },
        [&] {
          const std::lock_guard lock(mutex);
          ready = true;
          condition.notify_all();
        });
    {
      std::unique_lock lock(mutex);
      condition.wait_for(lock, std::chrono::milliseconds(1), [] { return false; });
    }
    meet(SYS_futex, [&] { ::sem_wait(&semaphore); }, [&] { ::sem_post(&semaphore); });
    shared.lock();
    meet(SYS_futex, [&] { const std::shared_lock lock(shared); }, [&] { shared.unlock(); });
    shared.lock_shared();
    meet(SYS_futex, [&] { const std::lock_guard lock(shared); }, [&] { shared.unlock_shared(); });
    std::promise<int> promise;
    std::future<int> future = promise.get_future();
    meet(SYS_futex, [&] { future.wait(); }, [&] { promise.set_value(i); });
    value = 0;
    meet(
        SYS_futex, [&] { value.wait(0); },
        [&] {
          value = 1;
          value.notify_one();
        });
    std::barrier<> barrier(2);
    meet(SYS_futex, [&] { barrier.arrive_and_wait(); }, [&] { barrier.arrive_and_wait(); });
    std::thread([] { sleep_us(500); }).join();
  }
}

void use_pi_mutex() {
  pthread_mutexattr_t attributes;
  ::pthread_mutexattr_init(&attributes);
  ::pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_t mutex;
  ::pthread_mutex_init(&mutex, &attributes);
  for (int i = 0; i < kTimes; ++i) {
    ::pthread_mutex_lock(&mutex);
    meet(
        SYS_futex,
        [&] {
          ::pthread_mutex_lock(&mutex);
          ::pthread_mutex_unlock(&mutex);
        },
        [&] { ::pthread_mutex_unlock(&mutex); });
  }
}

// This program's own calls.

void use_pi_words() {
  FutexWordValue lock{0}, condition{0};
  const auto unlock = [&] { futex(lock, FUTEX_UNLOCK_PI_PRIVATE, 0); };
  const auto try_lock = [&] {
    return noted("TRYLOCK_PI", true, futex(lock, FUTEX_TRYLOCK_PI_PRIVATE, 0));
  };
  for (int i = 0; i < kTimes; ++i) {
    noted("LOCK_PI2", true, futex(lock, FUTEX_LOCK_PI2_PRIVATE, 0));
    meet(
        SYS_futex,
        [&] {
          noted("LOCK_PI2", true, futex(lock, FUTEX_LOCK_PI2_PRIVATE, 0));
          unlock();
        },
        unlock);
    try_lock();
    std::thread(try_lock).join();  // EAGAIN: it is held
    unlock();
    meet(
        SYS_futex,
        [&] {
          noted("WAIT_REQUEUE_PI", true,
                futex(condition, FUTEX_WAIT_REQUEUE_PI_PRIVATE, 0, nullptr, &lock));
          unlock();
        },
        [&] {
          until_one([&] {
            return noted("CMP_REQUEUE_PI", false,
                         futex(condition, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, nullptr, &lock, 0));
          });
        });
  }
}

void use_wait_and_wake() {
  FutexWordValue word{0}, other{0};
  for (int i = 0; i < kTimes; ++i) {
    meet(
        SYS_futex, [&] { noted("WAIT", true, futex(word, FUTEX_WAIT_PRIVATE, 0)); },
        [&] {
          until_one([&] { return noted("WAKE", false, futex(word, FUTEX_WAKE_PRIVATE, 1)); });
        });
    noted("WAIT", true, futex(word, FUTEX_WAIT_PRIVATE, 1));  // EAGAIN
    const timespec limit{0, 1'000'000};
    noted("WAIT", true, futex(word, FUTEX_WAIT_PRIVATE, 0, &limit));
    noted("WAKE", false, futex(word, FUTEX_WAKE_PRIVATE, 1));  // useless
    meet(
        SYS_futex,
        [&] {
          noted("WAIT_BITSET", true,
                futex(word, FUTEX_WAIT_BITSET_PRIVATE, 0, nullptr, nullptr, 2));
        },
        [&] {
          until_one([&] {
            return noted("WAKE_BITSET", false,
                         futex(word, FUTEX_WAKE_BITSET_PRIVATE, 1, nullptr, nullptr, kAnyBits));
          });
        });
    meet(
        SYS_futex, [&] { noted("WAIT", true, futex(word, FUTEX_WAIT_PRIVATE, 0)); },
        [&] {
          // The fourth argument of these is a number, not a time.
          const auto one = reinterpret_cast<const timespec*>(1);
          until_one([&] {
            return noted("WAKE_OP", false,
                         futex(word, FUTEX_WAKE_OP_PRIVATE, 1, one, &other,
                               FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_EQ, 0)));
          });
        });
    meet(
        SYS_futex, [&] { noted("WAIT", true, futex(word, FUTEX_WAIT_PRIVATE, 0)); },
        [&] {
          const auto one = reinterpret_cast<const timespec*>(1);
          until_one([&] { return futex(word, FUTEX_CMP_REQUEUE_PRIVATE, 0, one, &other, 0); });
          noted("WAKE", false, futex(other, FUTEX_WAKE_PRIVATE, 1));
        });
    meet(
        SYS_futex, [&] { noted("WAIT", true, futex(word, FUTEX_WAIT_PRIVATE, 0)); },
        [&] {
          const auto one = reinterpret_cast<const timespec*>(1);
          until_one([&] { return futex(word, FUTEX_REQUEUE_PRIVATE, 0, one, &other); });
          noted("WAKE", false, futex(other, FUTEX_WAKE_PRIVATE, 1));
        });
  }
}

futex_waitv futex_waitv_of(FutexWordValue& word) {
  futex_waitv entry{};
  entry.uaddr = reinterpret_cast<std::uintptr_t>(&word);
  entry.flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
  return entry;
}

bool has_call(long result, int error) { return result >= 0 || error != ENOSYS; }

/// False where the kernel has no such call.
bool use_waitv() {
  FutexWordValue first{0}, second{0};
  futex_waitv words[2] = {futex_waitv_of(first), futex_waitv_of(second)};
  errno = 0;
  if (!has_call(::syscall(SYS_futex_waitv, nullptr, 0, 0, nullptr, 0), errno)) return false;
  note("futex_waitv", -1, EINVAL, true);  // the probe
  for (int i = 0; i < kTimes; ++i) {
    meet(
        SYS_futex_waitv,
        [&] { noted("futex_waitv", true, ::syscall(SYS_futex_waitv, words, 2, 0, nullptr, 0)); },
        [&] {
          until_one([&] { return noted("WAKE", false, futex(second, FUTEX_WAKE_PRIVATE, 1)); });
        });
  }
  return true;
}

bool use_futex2() {
  FutexWordValue word{0}, other{0};
  errno = 0;
  if (!has_call(::syscall(SYS_futex_wake, &word, kAnyBits, 1, kFutex2Private), errno)) return false;
  note("futex_wake", 0, 0, false);  // the probe
  for (int i = 0; i < kTimes; ++i) {
    meet(
        SYS_futex_wait,
        [&] {
          noted("futex_wait", true,
                ::syscall(SYS_futex_wait, &word, 0UL, std::uint64_t{kAnyBits}, kFutex2Private,
                          nullptr, CLOCK_MONOTONIC));
        },
        [&] {
          until_one([&] {
            return noted(
                "futex_wake", false,
                ::syscall(SYS_futex_wake, &word, std::uint64_t{kAnyBits}, 1, kFutex2Private));
          });
        });
    futex_waitv words[2] = {futex_waitv_of(word), futex_waitv_of(other)};
    meet(
        SYS_futex, [&] { noted("WAIT", true, futex(word, FUTEX_WAIT_PRIVATE, 0)); },
        [&] {
          until_one([&] {
            return noted("futex_requeue", false, ::syscall(SYS_futex_requeue, words, 0, 0, 1));
          });
          noted("WAKE", false, futex(other, FUTEX_WAKE_PRIVATE, 1));
        });
  }
  return true;
}

std::string tally_text() {
  std::string text;
  for (const auto& [operation, tally] : tallies) {
    text += (text.empty() ? "" : ",") + std::string("\"") + operation +
            "\":{\"calls\":" + std::to_string(tally.calls) +
            ",\"threads_woken\":" + std::to_string(tally.threads_woken) +
            ",\"woken\":" + std::to_string(tally.woken) +
            ",\"again\":" + std::to_string(tally.again) +
            ",\"timed_out\":" + std::to_string(tally.timed_out) +
            ",\"failed\":" + std::to_string(tally.failed) + "}";
  }
  return "{" + text + "}";
}

}  // namespace

int main() {
  say("ready");
  if (!wait_for_word()) return 0;
  use_libraries();
  use_pi_mutex();
  use_pi_words();
  use_wait_and_wake();
  const bool waitv = use_waitv();
  const bool futex2 = use_futex2();
  say("{\"waitv\":" + std::string(waitv ? "true" : "false") +
      ",\"futex2\":" + (futex2 ? "true" : "false") + ",\"own\":" + tally_text() + "}");
  wait_for_word();
  return 0;
}
