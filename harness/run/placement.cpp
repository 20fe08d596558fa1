#include "harness/run/placement.h"

#include <fmt/format.h>
#include <sched.h>

#include <vector>

#include "harness/error.h"

namespace vfsprof::harness {
namespace {

/// The CPUs this process may use, in order, as they were before any thread was placed.
const std::vector<int>& allowed_cpus() {
  static const std::vector<int> cpus = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<int> result;
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return result;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(static_cast<unsigned>(cpu), &set)) result.push_back(cpu);
    }
    return result;
  }();
  return cpus;
}

}  // namespace

std::string_view to_string(Placement placement) {
  switch (placement) {
    case Placement::kPacked:
      return "packed";
    case Placement::kSplit:
      return "split";
    case Placement::kFree:
      return "free";
  }
  return "";
}

Placement parse_placement(const std::string& text) {
  for (const Placement placement : {Placement::kPacked, Placement::kSplit, Placement::kFree}) {
    if (text == to_string(placement)) return placement;
  }
  throw BadInput(fmt::format("unknown placement '{}': allowed are packed, split, free", text));
}

bool can_place(Placement placement) {
  return placement == Placement::kFree || allowed_cpus().size() >= 2;
}

int cpu_of(Placement placement, Side side) {
  const std::vector<int>& cpus = allowed_cpus();
  if (placement == Placement::kFree || side == Side::kHarness || cpus.size() < 2) return -1;
  // The last CPU carries the load; CPU 0, which takes most interrupts, goes to whoever is not
  // measured.
  const bool loaded = side == Side::kDaemon || placement == Placement::kPacked;
  return cpus[cpus.size() - (loaded ? 1 : 2)];
}

HarnessPlacement::HarnessPlacement(Placement placement) {
  can_place(placement);
  ::sched_getaffinity(0, sizeof before_, &before_);
  place_current_thread(placement, Side::kHarness);
}

HarnessPlacement::~HarnessPlacement() { ::sched_setaffinity(0, sizeof before_, &before_); }

void place_current_thread(Placement placement, Side side) {
  const std::vector<int>& cpus = allowed_cpus();
  if (placement == Placement::kFree || cpus.size() < 2) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (side == Side::kHarness) {
    for (std::size_t i = 0; i + 1 < cpus.size(); ++i) CPU_SET(static_cast<unsigned>(cpus[i]), &set);
  } else {
    CPU_SET(static_cast<unsigned>(cpu_of(placement, side)), &set);
  }
  ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace vfsprof::harness
