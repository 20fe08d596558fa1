// planted_faults FAULT SECONDS (of CPU time): a small server with one fault that a report must find
// (scripts/benchmarks/opportunities.py records it with perf). Every fault has work of another kind
// beside it, as real programs have. `clean` and `one-copy` have none.

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMessage = 64 * 1024;

Clock::time_point g_end;
std::chrono::nanoseconds g_cpu_time;
std::atomic<std::uint64_t> g_sink;

std::chrono::nanoseconds cpu_time() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

/// The clocks are looked at rarely, so that reading them is no part of the work.
bool is_over(unsigned every = 64) {
  thread_local unsigned calls = 0;
  thread_local bool over = false;
  if (++calls % every == 0) over = cpu_time() >= g_cpu_time || Clock::now() >= g_end;
  return over;
}

/// Work that no rule has anything to say about.
[[gnu::noinline]] void compute(std::uint64_t rounds) {
  std::uint64_t x = g_sink.load(std::memory_order_relaxed) | 1;
  for (std::uint64_t i = 0; i < rounds; ++i) x = x * 6364136223846793005U + (x >> 29);
  g_sink.store(x, std::memory_order_relaxed);
}

void on_threads(int count, const std::function<void(int)>& run) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&run, i] {
      pthread_setname_np(pthread_self(), "server");
      run(i);
    });
  }
}

void clean() {
  while (!is_over()) compute(20'000);
}

[[gnu::noinline]] void copy_message(std::vector<char>& to, const std::vector<char>& from) {
  std::memmove(to.data(), from.data(), from.size());
  g_sink += static_cast<unsigned char>(to[g_sink % to.size()]);
}

[[gnu::noinline]] void receive_message(std::vector<char>& to, const std::vector<char>& from) {
  copy_message(to, from);
  compute(10);
}

[[gnu::noinline]] void commit_message(std::vector<char>& to, const std::vector<char>& from) {
  copy_message(to, from);
  compute(20);
}

void one_copy() {
  std::vector<char> received(kMessage, 'r'), kept(kMessage);
  while (!is_over()) {
    receive_message(kept, received);
    compute(3'000);
  }
}

void copies() {
  std::vector<char> received(kMessage, 'r'), staged(kMessage), kept(kMessage);
  while (!is_over()) {
    receive_message(staged, received);
    commit_message(kept, staged);
    compute(3'000);
  }
}

/// Two threads that take turns, each waking the other.
void wakes() {
  std::mutex mutex;
  std::condition_variable changed;
  int turn = 0;
  bool done = false;
  on_threads(2, [&](int i) {
    std::unique_lock guard(mutex);
    while (!done) {
      changed.wait(guard, [&] { return turn == i || done; });
      guard.unlock();
      compute(500);
      const bool over = is_over();
      guard.lock();
      turn = 1 - i;
      done = done || over;
      guard.unlock();
      changed.notify_one();
      guard.lock();
    }
  });
}

void must(ssize_t result) {
  if (result < 0) std::abort();
}

/// A lock that is held while somebody else answers: whoever comes meanwhile sleeps at it.
void lock() {
  int request[2], reply[2];
  if (pipe2(request, O_CLOEXEC) != 0 || pipe2(reply, O_CLOEXEC) != 0) std::abort();
  std::jthread partner([&] {
    pthread_setname_np(pthread_self(), "partner");
    for (char byte; read(request[0], &byte, 1) == 1;) must(write(reply[1], &byte, 1));
  });
  std::mutex mutex;
  on_threads(8, [&](int) {
    while (!is_over()) {
      {
        const std::lock_guard guard(mutex);
        char byte = 'r';
        must(write(request[1], &byte, 1));
        must(read(reply[0], &byte, 1));
      }
      compute(100);
    }
  });
  close(request[1]);
}

/// Threads queue at a lock that is held over a wait of another kind, which takes no CPU time.
void queue() {
  std::mutex mutex;
  on_threads(4, [&](int) {
    while (!is_over(4)) {
      {
        const std::lock_guard guard(mutex);
        std::this_thread::sleep_for(std::chrono::microseconds(300));
      }
      compute(20'000);
    }
  });
}

/// The same waits, under a lock of each thread's own: nothing is to be found.
void queue_of_one() {
  on_threads(4, [&](int) {
    std::mutex own;
    while (!is_over(4)) {
      {
        const std::lock_guard guard(own);
        std::this_thread::sleep_for(std::chrono::microseconds(300));
      }
      compute(20'000);
    }
  });
}

[[gnu::noinline]] void knock(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

/// Wakes somebody after each item, who never sleeps.
void knocks() {
  std::atomic<std::uint32_t> word = 0;
  while (!is_over()) {
    compute(1'000);
    knock(word);
  }
}

/// Goes to sleep after each item, for what is there already.
void late_sleeps() {
  std::atomic<std::uint32_t> word = 1;
  while (!is_over()) {
    compute(1'000);
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  }
}

void spin() {
  std::atomic<int> turn = 0;
  on_threads(2, [&](int i) {
    while (!is_over()) {
      while (turn.load() != i && !is_over()) sched_yield();
      compute(400);
      turn = 1 - i;
    }
  });
}

void faults() {
  constexpr std::size_t kBuffer = 512 * 1024;
  while (!is_over()) {
    void* const memory =
        mmap(nullptr, kBuffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    for (std::size_t i = 0; i < kBuffer; i += 4096) static_cast<volatile char*>(memory)[i] = 1;
    munmap(memory, kBuffer);
    compute(20'000);
  }
}

[[gnu::noinline]] char* make_message(std::size_t size) {
  char* const message = static_cast<char*>(std::malloc(size));
  if (message == nullptr) std::abort();
  message[0] = 1;
  return message;
}

void allocations() {
  std::array<char*, 512> kept{};
  std::size_t next = 0;
  while (!is_over()) {
    for (int i = 0; i < 64; ++i) {
      next = (next * 5 + 1) % kept.size();
      std::free(kept[next]);
      kept[next] = make_message(200 + 40 * (next % 61));
    }
    compute(1'000);
  }
  for (char* message : kept) std::free(message);
}

/// SipHash-1-3 of one word, under the name that hashes have everywhere.
[[gnu::noinline]] std::uint64_t siphash13(std::uint64_t word) {
  std::uint64_t v[4] = {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261,
                        0x7465646279746573};
  const auto rotate = [](std::uint64_t x, int bits) { return x << bits | x >> (64 - bits); };
  const auto mix = [&] {
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
  };
  v[3] ^= word;
  mix();
  v[0] ^= word;
  v[2] ^= 0xff;
  for (int i = 0; i < 3; ++i) mix();
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void hash() {
  while (!is_over()) {
    std::uint64_t x = 0;
    for (std::uint64_t i = 0; i < 200; ++i) x += siphash13(i);
    g_sink += x;
    compute(2'000);
  }
}

int open_scratch(int flags) {
  std::string name = std::string(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp") +
                     "/vfsprof-planted-XXXXXX";
  const int file = mkstemp(name.data());
  if (file < 0) std::abort();
  unlink(name.c_str());
  if (fcntl(file, F_SETFL, flags) != 0) std::abort();
  return file;
}

void syncs() {
  const int file = open_scratch(0);
  std::vector<char> record(4096, 's');
  while (!is_over(16)) {
    must(pwrite(file, record.data(), record.size(), 0));
    must(fdatasync(file));
    compute(2'000);
  }
  close(file);
}

void reads() {
  const int file = open_scratch(0);
  std::vector<char> contents(kMessage, 'r');
  must(pwrite(file, contents.data(), contents.size(), 0));
  off_t at = 0;
  while (!is_over()) {
    char two[2];
    must(pread(file, two, sizeof two, at));
    at = (at + 2) % static_cast<off_t>(kMessage);
    compute(100);
  }
  close(file);
}

void opens() {
  while (!is_over()) {
    const int file = open("/usr/share/common-licenses/GPL-2", O_RDONLY | O_CLOEXEC);
    if (file >= 0) close(file);
    compute(1'000);
  }
}

void threads() {
  while (!is_over(16)) {
    std::jthread([] { compute(1'000); }).join();
  }
}

void clocks() {
  while (!is_over()) {
    timespec now;
    for (int i = 0; i < 20; ++i) must(clock_gettime(CLOCK_MONOTONIC, &now));
    g_sink += static_cast<std::uint64_t>(now.tv_nsec);
    compute(200);
  }
}

struct Fault {
  std::string_view name;
  void (*run)();
};

constexpr Fault kFaults[] = {{"clean", clean},     {"one-copy", one_copy},
                             {"copies", copies},   {"wakes", wakes},
                             {"lock", lock},       {"spin", spin},
                             {"faults", faults},   {"allocations", allocations},
                             {"hash", hash},       {"syncs", syncs},
                             {"reads", reads},     {"opens", opens},
                             {"threads", threads}, {"clocks", clocks},
                             {"queue", queue},     {"queue-of-one", queue_of_one},
                             {"knocks", knocks},   {"late-sleeps", late_sleeps}};

}  // namespace

int main(int count, char** arguments) {
  const std::string_view name = count == 3 ? arguments[1] : "";
  for (const Fault& fault : kFaults) {
    if (fault.name != name) continue;
    pthread_setname_np(pthread_self(), "server");
    g_cpu_time =
        std::chrono::milliseconds(static_cast<long>(1000 * std::strtod(arguments[2], nullptr)));
    g_end = Clock::now() + 20 * g_cpu_time;
    fault.run();
    return 0;
  }
  std::fprintf(stderr, "usage: planted_faults FAULT SECONDS (of CPU time); faults:");
  for (const Fault& fault : kFaults) std::fprintf(stderr, " %s", fault.name.data());
  std::fprintf(stderr, "\n");
  return 2;
}
