#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/run/placement.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// The scenario without clients: `vfsprof run --scenario floors` measures the machine itself.
inline constexpr std::string_view kFloorsScenario = "floors";
inline constexpr std::string_view kFloorsSummary =
    "what the machine itself costs: memcpy, page fault, futex round trip, system call, disk";

/// How to measure.
struct FloorOptions {
  Placement placement = Placement::kPacked;
  std::filesystem::path directory;  ///< on the disk to measure; exists
  bool quick = false;  ///< only the primitives without a disk, briefly: less than a second in all
};

/// What measuring one primitive gave.
struct FloorReading {
  std::vector<double> values = {};  ///< in the floor's unit, one per repeat
  std::string conditions = {};      ///< what exactly was done, and where
  std::string unavailable = {};     ///< why there are no values
};

/// An entry of THE list of floors (floors.cpp).
struct FloorInfo {
  std::string_view name;
  std::string_view title;
  std::string_view unit;  ///< "ns" or "GB/s" (10^9 bytes)
  bool quick = false;     ///< part of a quick measurement
  FloorReading (*measure)(const FloorOptions& options);
};
std::span<const FloorInfo> all_floors();

/// Measures the primitives in the order of the list, each on a thread of the daemon's side of the
/// placement; `starting` is told each title. Errors: Interrupted.
std::vector<reports::MachineFloor> measure_floors(
    const FloorOptions& options, const std::function<void(std::string_view title)>& starting);

// The primitives; each says what it does in its conditions. What cannot be measured is unavailable
// with its reason, never an exception.

FloorReading measure_memcpy_cache(const FloorOptions& options);
FloorReading measure_memcpy_memory(const FloorOptions& options);
FloorReading measure_memcpy_blocks(const FloorOptions& options);
FloorReading measure_first_touch_fresh(const FloorOptions& options);
FloorReading measure_first_touch_recycled(const FloorOptions& options);
FloorReading measure_first_touch_huge(const FloorOptions& options);
FloorReading measure_page_fault(const FloorOptions& options);
FloorReading measure_system_call(const FloorOptions& options);
FloorReading measure_round_trip_spin(const FloorOptions& options);
FloorReading measure_round_trip_park(const FloorOptions& options);
FloorReading measure_disk_write(const FloorOptions& options);

}  // namespace vfsprof::harness
