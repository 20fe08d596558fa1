#pragma once

#include <linux/perf_event.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/collect/futex_calls.h"
#include "harness/collect/mapped_memory.h"
#include "harness/collect/ring.h"
#include "harness/collect/word_names.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// Futex calls through perf events on tracepoints, for who may not load BPF programs: every call is
/// a record that the kernel writes into a ring, one for each CPU, and that a thread of ours adds
/// up. Events are opened on each thread and inherited, so that new threads miss nothing; child
/// processes are not followed. Costs
/// several microseconds a call, and loses records where they come faster than they are read; they
/// are counted.
///
/// Threads: `start` starts a thread, which `stop` joins; until then what it adds up belongs to it.
class TracedFutexes {
 public:
  TracedFutexes() = default;
  ~TracedFutexes() { stop(); }
  TracedFutexes(const TracedFutexes&) = delete;
  TracedFutexes& operator=(const TracedFutexes&) = delete;

  /// Opens the events, disabled.
  void attach(const Observed& observed);
  void start();
  void stop();
  /// After `stop`: adds a ledger of futex calls to a round.
  void add_futexes(const WordNames& names, reports::Round& round) const;

  bool opened() const { return problem_.empty(); }
  /// Why there are no such events.
  const std::string& problem() const { return problem_; }
  const std::string& remedy() const { return remedy_; }
  /// Why it is unknown who wakes whom; empty if it is known.
  const std::string& no_wakers() const { return no_wakers_; }
  std::uint64_t lost() const { return lost_; }

 private:
  /// The rings of one CPU's events.
  struct Cpu {
    int number = 0;
    int ring_fd = -1;  ///< of the event that the ring belongs to
    MappedMemory ring;
  };

  void open(const Observed& observed);
  bool open_events(pid_t tid);
  bool open_event_on(const perf_event_attr& attributes, pid_t tid, Cpu& cpu, const char* filter);
  void refuse(const std::string& problem, const std::string& remedy);
  void read_maps();
  void run();
  void drain(std::uint64_t horizon_ns);
  void read_ring(const Cpu& cpu);
  void take_sample(std::span<const std::byte> payload);
  void take_switch(const RingRecord& record);
  void take_name(const RingRecord& record);

  Observed observed_;
  std::string problem_ = "not attached";
  std::string remedy_;
  std::string no_wakers_;
  perf_event_attr enter_{};
  perf_event_attr exit_{};
  perf_event_attr waking_{};
  std::vector<Cpu> cpus_;
  std::vector<UniqueFd> events_;
  std::vector<FutexEvent> pending_;  ///< read, and not yet in the order of time
  std::map<pid_t, std::string> thread_names_;
  std::string maps_;
  FutexCallTable table_;
  std::uint64_t lost_ = 0;
  std::uint64_t cpu_ns_ = 0;  ///< of the reading thread
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace vfsprof::harness
