#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "harness/collect/observed_processes.h"
#include "harness/collect/perf_event.h"
#include "harness/collect/sample_store.h"
#include "harness/collect/user_stack.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// What sampling a process gave.
struct Sampled {
  std::map<pid_t, SampleStore> samples;  ///< of each process
  std::map<pid_t, std::string> maps;     ///< of each process: the text of /proc/PID/maps
  std::map<pid_t, std::string>
      thread_names;  ///< as the kernel showed them when they were first seen
  std::uint64_t lost = 0;
  std::uint64_t throttled = 0;
  std::uint64_t malformed = 0;   ///< records that could not be read
  std::uint64_t refused = 0;     ///< CPUs or threads that could not be sampled
  Errno refusal;                 ///< why not
  std::uint64_t whole = 0;       ///< samples whose user stack reaches the thread's start
  std::uint64_t cut_short = 0;   ///< samples whose user stack does not; only where it is unwound
  std::uint64_t copy_ended = 0;  ///< of these, where the copy of the stack was too short
  std::uint64_t cpu_ns = 0;      ///< CPU time of the draining thread
};

/// Samples every thread of a process, and of its descendants where they are followed, from `begin`
/// to `finish`, through rings on CPUs or on threads (EventScope). Events on threads are not
/// inherited, as that makes thread creation several times slower: instead new threads are looked
/// for whenever the rings are drained, at least every `kLookEveryMs`.
///
/// Copied stacks are walked as they are drained, so that no copy is kept; code that was mapped
/// meanwhile is looked for when an address lies outside of all that is known.
///
/// Threads: `begin` starts a thread that drains the rings; until `finish` has joined it, everything
/// below belongs to it.
class SampleDrain {
 public:
  static constexpr int kLookEveryMs = 20;
  static constexpr std::uint64_t kSliceNs = 20'000'000;

  /// Opens the rings, disabled. Throws nothing: what is refused is counted.
  SampleDrain(const SamplingEvent& event, const Observed& observed);
  ~SampleDrain();
  SampleDrain(const SampleDrain&) = delete;
  SampleDrain& operator=(const SampleDrain&) = delete;

  void begin();
  void finish();
  const Sampled& sampled() const { return sampled_; }

 private:
  void open_ring(EventPlace place);
  void look_for_threads();
  void run();
  void wait_for_samples();
  void drain_all();
  void drain(const SampleRing& ring);
  void take_sample(std::span<const std::byte> payload);
  void add(const RawSample& sample);
  void forget_mappings_at_exec(const RingRecord& record);
  SampledChain chain_of(const RawSample& sample);

  SamplingEvent event_;
  ObservedProcesses processes_;
  std::vector<SampleRing> rings_;
  /// Samples of processes that are not known: their fork may be in a ring that is read later.
  std::vector<std::vector<std::byte>> strangers_;
  Sampled sampled_;
  std::map<pid_t, Mappings> mappings_;  ///< of each process since its last exec
  std::set<pid_t> fresh_mappings_;      ///< read again since the last wait
  std::uint64_t started_ns_ = 0;        ///< CLOCK_MONOTONIC; 0 before `begin`
  UniqueFd wake_;                       ///< eventfd: `finish` was called
  std::atomic<bool> finishing_ = false;
  std::thread thread_;
};

}  // namespace vfsprof::harness
