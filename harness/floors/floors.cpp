#include "harness/floors/floors.h"

#include <array>
#include <future>

#include "harness/process.h"

namespace vfsprof::harness {
namespace {

// THE list of floors: a new one is one function and one line here.
constexpr std::array kFloors{
    FloorInfo{"memcpy_cache", "memcpy within the cache", "GB/s", true, measure_memcpy_cache},
    FloorInfo{"memcpy_64m", "memcpy of 64 MiB, warm", "GB/s", true, measure_memcpy_memory},
    FloorInfo{"memcpy_blocks", "memcpy of 1 MiB into each of 64 MiB, warm", "GB/s", true,
              measure_memcpy_blocks},
    // Before all others that touch much memory, which would leave less that is new.
    FloorInfo{"memcpy_first_touch_fresh", "memcpy into pages that the host had to back", "GB/s",
              false, measure_first_touch_fresh},
    FloorInfo{"memcpy_first_touch", "memcpy into new pages of recycled memory", "GB/s", false,
              measure_first_touch_recycled},
    FloorInfo{"memcpy_first_touch_huge", "memcpy into new huge pages", "GB/s", false,
              measure_first_touch_huge},
    FloorInfo{"page_fault", "minor page fault", "ns", true, measure_page_fault},
    FloorInfo{"system_call", "system call", "ns", true, measure_system_call},
    FloorInfo{"round_trip_spin", "round trip between two threads, spinning", "ns", true,
              measure_round_trip_spin},
    FloorInfo{"round_trip_park", "round trip between two threads, futex wait and wake", "ns", true,
              measure_round_trip_park},
    FloorInfo{"disk_write", "sequential O_DIRECT write", "GB/s", false, measure_disk_write},
};

}  // namespace

std::span<const FloorInfo> all_floors() { return kFloors; }

std::vector<reports::MachineFloor> measure_floors(
    const FloorOptions& options, const std::function<void(std::string_view title)>& starting) {
  can_place(options.placement);  // remembers the CPUs before any thread is placed
  std::vector<reports::MachineFloor> result;
  for (const FloorInfo& floor : kFloors) {
    if (options.quick && !floor.quick) continue;
    check_interrupted();
    starting(floor.title);
    // A thread of its own, so that the caller keeps its CPUs.
    FloorReading reading = std::async(std::launch::async, [&] {
                             place_current_thread(options.placement, Side::kDaemon);
                             return floor.measure(options);
                           }).get();
    result.push_back({.name = std::string(floor.name),
                      .title = std::string(floor.title),
                      .unit = std::string(floor.unit),
                      .values = std::move(reading.values),
                      .conditions = std::move(reading.conditions),
                      .unavailable = std::move(reading.unavailable)});
  }
  return result;
}

}  // namespace vfsprof::harness
