#pragma once

#include <linux/perf_event.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/collect/mapped_memory.h"
#include "harness/collect/ring.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

/// What an event counts on: one thread on any CPU, or all that runs on one CPU (tid -1).
struct EventPlace {
  pid_t tid = -1;
  int cpu = -1;
};

/// perf_event_open(2); tests replace it.
using EventOpener = std::function<Result<UniqueFd>(const perf_event_attr&, EventPlace)>;
Result<UniqueFd> open_event(const perf_event_attr& attributes, EventPlace place);

/// The attributes of an event by its libpfm4 name, user and kernel mode; nothing if libpfm4 knows
/// no such event.
std::optional<perf_event_attr> encode_event(const std::string& name);

/// Where events are opened. `kCpus`: one on each CPU, whose samples of other processes are dropped;
/// needs more rights. `kThreads`: one for each thread, which the kernel stops and starts at every
/// context switch. In a virtual machine that made a switch of two threads that only wake each other
/// cost 8.4 us instead of 3.1 (3.4 with kCpus), and 40 % of their CPU time went by with the event
/// stopped: so CPUs come first.
enum class EventScope { kCpus, kThreads };

/// The sampling event that this machine allows, nearest to what was asked for.
struct SamplingEvent {
  perf_event_attr attributes{};
  EventScope scope = EventScope::kCpus;
  std::string name;  ///< what is sampled; "cpu-clock" where the event asked for does not exist here
  bool kernel_frames = true;  ///< false: samples inside the kernel are refused to this user
  UnwindMethod unwind = UnwindMethod::kFramePointers;  ///< others: samples carry stack copies
  std::string unwind_refusal;  ///< why it is not the one asked for; empty if it is
};

/// The nearest event, or why there is none: `detail` and `remedy` are for people.
struct EventChoice {
  std::optional<SamplingEvent> event;
  std::string detail;
  std::string remedy;
};

/// Finds the event to sample thread `tid` with: the one asked for, else cpu-clock; with the
/// kernel's part, else without.
EventChoice choose_sampling_event(const CollectorOptions& options, pid_t tid,
                                  const EventOpener& open = open_event);

/// What a refusal by perf_event_open means, and which setting undoes it.
struct Refusal {
  std::string detail;
  std::string remedy;
};
Refusal explain_refusal(Errno error);

/// An event and its ring buffer. Created disabled.
class SampleRing {
 public:
  /// Errors: those of perf_event_open(2); EPERM where the limit of locked memory leaves no room for
  /// even a small ring.
  /// `events`: how many rings there will be, which share the memory that all may take.
  static Result<SampleRing> open(const SamplingEvent& event, EventPlace place, std::size_t events);

  int fd() const { return fd_.get(); }
  void enable();
  void disable();
  RingMemory memory() const;

 private:
  SampleRing(UniqueFd fd, MappedMemory memory) : fd_(std::move(fd)), memory_(std::move(memory)) {}

  UniqueFd fd_;
  MappedMemory memory_;
};

}  // namespace vfsprof::harness
