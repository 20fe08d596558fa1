#pragma once

#include <sched.h>

#include <string>
#include <string_view>

namespace vfsprof::harness {

/// Which CPUs clients and the observed process run on: `packed` both on one CPU, `split` on two
/// different ones, `free` wherever the scheduler puts them. The harness and its collectors keep off
/// the packed CPU where there is another.
enum class Placement { kPacked, kSplit, kFree };

/// "packed", "split" or "free".
std::string_view to_string(Placement placement);
/// Throws BadInput naming the allowed values.
Placement parse_placement(const std::string& text);

enum class Side { kClient, kDaemon, kHarness };

/// Whether this machine has the CPUs for a placement. Reads and remembers the CPUs that this
/// process may use: call it once before anything is placed.
bool can_place(Placement placement);

/// Keeps the calling thread (and what it starts meanwhile without placing it) off the loaded CPU;
/// the destructor restores where it could run before.
class HarnessPlacement {
 public:
  explicit HarnessPlacement(Placement placement);
  ~HarnessPlacement();
  HarnessPlacement(const HarnessPlacement&) = delete;
  HarnessPlacement& operator=(const HarnessPlacement&) = delete;

 private:
  cpu_set_t before_;
};

/// The CPU of a side; -1 where a placement names none.
int cpu_of(Placement placement, Side side);

/// Binds the calling thread, and what it starts, to the CPUs of its side. Does nothing under
/// `free`, or where there are too few CPUs (`can_place`). Async-signal-safe after `can_place`:
/// meant for the time between fork and exec.
void place_current_thread(Placement placement, Side side);

}  // namespace vfsprof::harness
