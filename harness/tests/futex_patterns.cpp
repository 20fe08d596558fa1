// Threads that wake each other in a pattern that is known (futex_tally.h says how it is driven):
//
//   futex_patterns matrix [TIMES]        who wakes whom how often, and how many wakes are useless
//   futex_patterns ping-pong TRIPS WORK  two threads hand a turn to and fro with semaphores, four
//   futex calls a
//                                        trip, WORK steps of arithmetic between two trips
//   futex_patterns idle|busy             two threads that sleep in a futex, or use all the CPU they
//   get, for 300 ms futex_patterns short-lived           200 threads, one after the other
#include <semaphore.h>

#include <array>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/tests/futex_tally.h"

using namespace vfsprof::harness;  // NOLINT(google-build-using-namespace): a program of one file

namespace {

constexpr std::size_t kThreads = 4;

/// Wakes of thread `wakee` by thread `waker`, and wakes of a word where nobody waits.
struct Cell {
  std::size_t waker;
  std::size_t wakee;
  unsigned times;
};
constexpr std::array<Cell, 6> kCells{
    {{0, 1, 40}, {0, 2, 10}, {1, 2, 25}, {2, 0, 60}, {3, 0, 5}, {1, 3, 15}}};
constexpr std::array<unsigned, kThreads> kUseless{7, 0, 30, 0};

struct Event {
  std::size_t waker;
  std::size_t wakee;
};

struct Shared {
  std::vector<Event> events;
  std::atomic<std::size_t> turn{0};  // index into events
  std::array<std::atomic<pid_t>, kThreads> tids{};
  std::array<FutexWordValue, kThreads> words{};  // one for each wakee
  std::array<FutexWordValue, kThreads> unused{};
  std::array<std::array<std::atomic<unsigned>, kThreads>, kThreads> woken{};  // [waker][wakee]
  std::atomic<unsigned> waits{0};
  std::atomic<unsigned> again{0};
  std::atomic<unsigned> useless{0};
};

void wait_for_wake(Shared& shared, std::size_t self, std::size_t turn) {
  if (futex(shared.words[self], FUTEX_WAIT_PRIVATE, 0) == 0) {
    ++shared.waits;
  } else {
    ++shared.again;
  }
  shared.turn.store(turn + 1);
}

void wake(Shared& shared, const Event& event) {
  wait_until_in_call(shared.tids[event.wakee], SYS_futex);
  // The wakee shows its call a moment before it sleeps there.
  while (futex(shared.words[event.wakee], FUTEX_WAKE_PRIVATE, 1) != 1) ++shared.useless;
  ++shared.woken[event.waker][event.wakee];
}

void play(Shared& shared, std::size_t self) {
  name_this_thread("pattern-" + std::to_string(self));
  shared.tids[self] = ::gettid();
  for (unsigned i = 0; i < kUseless[self]; ++i) {
    futex(shared.unused[self], FUTEX_WAKE_PRIVATE, 1);
    ++shared.useless;
  }
  std::size_t done = shared.events.size();  // the last turn in which this thread woke another
  for (std::size_t turn = 0; (turn = shared.turn.load()) < shared.events.size();) {
    const Event& event = shared.events[turn];
    if (event.wakee == self) {
      wait_for_wake(shared, self, turn);
    } else if (event.waker == self && shared.tids[event.wakee] != 0 && done != turn) {
      wake(shared, event);
      done = turn;
    } else {
      sleep_us(20);
    }
  }
}

void play_matrix(unsigned times) {
  Shared shared;
  for (unsigned round = 0; round < times; ++round) {
    for (const Cell& cell : kCells) {
      for (unsigned i = 0; i < cell.times; ++i) shared.events.push_back({cell.waker, cell.wakee});
    }
  }
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back([&, i] { play(shared, i); });
    // Joining is a futex wait too: not before the threads have ended their work.
    while (shared.turn.load() < shared.events.size()) sleep_us(1000);
    sleep_us(20'000);
  }
  std::string cells;
  for (std::size_t waker = 0; waker < kThreads; ++waker) {
    for (std::size_t wakee = 0; wakee < kThreads; ++wakee) {
      const unsigned count = shared.woken[waker][wakee];
      if (count == 0) continue;
      cells += (cells.empty() ? "" : ",") + std::string("{\"waker\":\"pattern-") +
               std::to_string(waker) + "\",\"wakee\":\"pattern-" + std::to_string(wakee) +
               "\",\"count\":" + std::to_string(count) + "}";
    }
  }
  say("{\"threads\":" + std::to_string(kThreads) + ",\"cells\":[" + cells +
      "],\"waits\":" + std::to_string(shared.waits) + ",\"again\":" + std::to_string(shared.again) +
      ",\"useless\":" + std::to_string(shared.useless) + "}");
}

// Volatile: the arithmetic is the work.
void work(unsigned long steps) {
  volatile std::uint64_t value = 1;
  for (unsigned long i = 0; i < steps; ++i) value = value * 6364136223846793005U + 1;
}

void post(sem_t& semaphore) {
  if (::sem_post(&semaphore) != 0) std::abort();
}
void take(sem_t& semaphore) {
  while (::sem_wait(&semaphore) != 0) {
  }
}

void play_ping_pong(unsigned long trips, unsigned long steps) {
  sem_t there, back;
  ::sem_init(&there, 0, 0);
  ::sem_init(&back, 0, 0);
  const std::uint64_t started = clock_ns(CLOCK_MONOTONIC);
  const std::uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  std::thread partner([&] {
    name_this_thread("pong");
    for (unsigned long i = 0; i < trips; ++i) {
      take(there);
      post(back);
    }
  });
  name_this_thread("ping");
  for (unsigned long i = 0; i < trips; ++i) {
    post(there);
    take(back);
    work(steps);
  }
  partner.join();
  say("{\"trips\":" + std::to_string(trips) +
      ",\"elapsed_ns\":" + std::to_string(clock_ns(CLOCK_MONOTONIC) - started) +
      ",\"cpu_ns\":" + std::to_string(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) + "}");
}

void play_steady(bool busy) {
  constexpr std::uint64_t kPlayedNs = 300'000'000;
  FutexWordValue word{0};
  std::atomic<bool> stopping{false};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      name_this_thread("steady-" + std::to_string(i));
      while (!stopping) {
        if (busy) {
          work(10'000);
        } else {
          futex(word, FUTEX_WAIT_PRIVATE, 0);
        }
      }
    });
  }
  const std::uint64_t started = clock_ns(CLOCK_MONOTONIC);
  while (clock_ns(CLOCK_MONOTONIC) - started < kPlayedNs) sleep_us(10'000);
  say("{\"threads\":2}");
  // They live on until the collector has stopped, so that their time has an end on both sides.
  wait_for_word();
  stopping = true;
  word = 1;
  futex(word, FUTEX_WAKE_PRIVATE, 2);
}

void play_short_lived() {
  constexpr int kCount = 200;
  for (int i = 0; i < kCount; ++i) {
    std::thread([] {
      name_this_thread("short");
      work(20'000);
      sleep_us(200);
    }).join();
  }
  say("{\"threads\":" + std::to_string(kCount) + "}");
}

unsigned long number(int argc, char** argv, int index, unsigned long otherwise) {
  return index < argc ? std::strtoul(argv[index], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  say("ready");
  if (!wait_for_word()) return 0;
  if (mode == "matrix") {
    play_matrix(static_cast<unsigned>(number(argc, argv, 2, 1)));
  } else if (mode == "ping-pong") {
    play_ping_pong(number(argc, argv, 2, 10'000), number(argc, argv, 3, 0));
  } else if (mode == "idle" || mode == "busy") {
    play_steady(mode == "busy");
  } else if (mode == "short-lived") {
    play_short_lived();
  } else {
    std::fprintf(stderr, "futex_patterns: no mode '%s'\n", argc > 1 ? argv[1] : "");
    return 2;
  }
  wait_for_word();
  return 0;
}
