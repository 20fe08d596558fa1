#include "vfs/tests/canary/faults.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "vfs/counters.h"

namespace vfsprof::vfs {
namespace {

/// Keeps the compiler from leaving out what nobody reads.
void use(const void* memory) { asm volatile("" : : "g"(memory) : "memory"); }

/// A thread that sleeps until it is woken, and says that it was.
class Sleeper {
 public:
  Sleeper() {
    std::thread([this] { run(); }).detach();
  }

  void wake() {
    asked_.fetch_add(1);
    futex(asked_, FUTEX_WAKE_PRIVATE, 1);
  }

  /// Waits until everything asked so far is done.
  void wait() {
    for (std::uint32_t done = done_.load(); done != asked_.load(); done = done_.load()) {
      futex(done_, FUTEX_WAIT_PRIVATE, done);
    }
  }

 private:
  static void futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
    ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), operation, value, nullptr);
  }

  void run() {
    for (std::uint32_t seen = 0;;) {
      futex(asked_, FUTEX_WAIT_PRIVATE, seen);
      seen = asked_.load();
      done_.store(seen);
      futex(done_, FUTEX_WAKE_PRIVATE, 1);
    }
  }

  std::atomic<std::uint32_t> asked_{0};
  std::atomic<std::uint32_t> done_{0};
};

/// Lives as long as the process, as its thread does.
Sleeper& sleeper() {
  static Sleeper* const one = new Sleeper;
  return *one;
}

std::vector<std::byte>& scratch(std::size_t size) {
  thread_local std::vector<std::byte> buffer;
  if (buffer.size() < size) buffer.resize(size);
  return buffer;
}

void copy(const Payload& payload) {
  const std::size_t size = payload.size();
  payload.copy_to(0, std::span(scratch(size)).first(size));
  use(scratch(size).data());
}

/// FNV-1a, byte by byte. Not inlined, so that profiles show it as what it is.
struct Fnv1a {
  [[gnu::noinline]] static std::uint64_t of(std::span<const std::byte> bytes) {
    std::uint64_t value = 0xcbf29ce484222325;
    for (const std::byte byte : bytes) {
      value = (value ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3;
    }
    return value;
  }
};

void hash_payload(const Payload& payload) {
  copy(payload);
  const std::uint64_t value = Fnv1a::of(std::span(scratch(payload.size())).first(payload.size()));
  use(&value);
}

void wake(Engine&, const WriteRequest&) {
  count(Counter::kThreadWakes);
  sleeper().wake();
}

void hand_off(Engine&, const WriteRequest&) {
  count(Counter::kHandOffs);
  count(Counter::kThreadWakes);
  sleeper().wake();
  sleeper().wait();
}

void counted_copy(Engine&, const WriteRequest& request) {
  count(Counter::kBytesCopied, request.payload.size());
  copy(request.payload);
}

void silent_copies(Engine&, const WriteRequest& request) {
  for (int i = 0; i < 16; ++i) copy(request.payload);
}

void zeroed_buffer(Engine&, const WriteRequest& request) {
  count(Counter::kBytesZeroed, request.payload.size());
  const std::vector<std::byte> buffer(request.payload.size());
  use(buffer.data());
}

void counted_hash(Engine&, const WriteRequest& request) {
  count(Counter::kBytesHashed, request.payload.size());
  hash_payload(request.payload);
}

void silent_hash(Engine&, const WriteRequest& request) { hash_payload(request.payload); }

void sleep_50_us(Engine&, const WriteRequest&) {
  const timespec time{.tv_sec = 0, .tv_nsec = 50'000};
  ::clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

void spin_5_us(Engine&, const WriteRequest&) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(5);
  while (std::chrono::steady_clock::now() < end) {
  }
}

void system_calls(Engine&, const WriteRequest&) {
  for (int i = 0; i < 20; ++i) ::syscall(SYS_getppid);
}

void page_faults(Engine&, const WriteRequest&) {
  constexpr std::size_t kPages = 4, kPage = 4096;
  void* const memory =
      ::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  for (std::size_t i = 0; i < kPages; ++i) static_cast<volatile char*>(memory)[i * kPage] = 1;
  ::munmap(memory, kPages * kPage);
}

void write_again(Engine& engine, const WriteRequest& request) {
  WriteRequest again = request;
  copy(request.payload);  // pages of the payload can be given away once
  again.payload = Payload(
      std::span<const std::byte>(scratch(request.payload.size())).first(request.payload.size()));
  [[maybe_unused]] const auto written = engine.write(again);
}

void read_back(Engine& engine, const WriteRequest& request) {
  const std::size_t size = request.payload.size();
  for (int i = 0; i < 4; ++i) {
    [[maybe_unused]] const auto read =
        engine.read(request.inode, request.handle, {request.offset, size},
                    std::span(scratch(size)).first(size));
  }
}

void sync(Engine& engine, const WriteRequest& request) {
  [[maybe_unused]] const auto synced = engine.sync(request.inode, request.handle, SyncScope::kData);
}

constexpr std::array kFaults{
    Fault{"extra-wake", "wakes a thread that sleeps", wake},
    Fault{"extra-hand-off", "hands something to another thread and waits for it", hand_off},
    Fault{"extra-copy", "copies the payload once more", counted_copy},
    Fault{"silent-copies", "copies the payload sixteen times, uncounted", silent_copies},
    Fault{"extra-allocation", "allocates a zero-filled buffer of the payload's size",
          zeroed_buffer},
    Fault{"slow-hash", "hashes the payload byte by byte", counted_hash},
    Fault{"silent-hash", "the same, uncounted", silent_hash},
    Fault{"sleep-50us", "sleeps for 50 us", sleep_50_us},
    Fault{"spin-5us", "spins for 5 us", spin_5_us},
    Fault{"system-calls", "makes 20 system calls", system_calls},
    Fault{"page-faults", "maps, touches and unmaps 4 pages", page_faults},
    Fault{"write-again", "writes the payload a second time", write_again},
    Fault{"read-back", "reads four times what was written", read_back},
    Fault{"fsync-per-write", "makes the file durable", sync},
};

}  // namespace

std::span<const Fault> all_faults() { return kFaults; }

}  // namespace vfsprof::vfs
