#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/scenario.h"

namespace vfsprof::harness {

/// Version of recordings: the `format` of their first line.
inline constexpr std::uint64_t kRecordingFormat = 1;

/// What only a recording has of a scenario. Its clients share their names and their open files, and
/// what one of them does to a file waits for what others did to it before.
struct Recording {
  std::string header;              ///< its first line, JSON
  std::string lines;               ///< all the others
  std::vector<std::string> names;  ///< of all clients
  std::uint64_t operations = 0;
  std::chrono::nanoseconds length{0};  ///< when the last operation started, at the recorded pace
  std::uint64_t peak_bytes = 0;        ///< that all files hold, in the recorded order
  std::uint64_t existing_files = 0;    ///< that are made and filled before the measured phase
  std::uint64_t existing_bytes = 0;
  std::uint64_t existing_directories = 0;
  std::map<std::string, std::uint64_t>
      left_out;  ///< what whoever recorded left out: why, how often
};

/// A recording, JSON lines: the first has the scenario's keys without `jobs`; each further one is
/// an operation with the number of its `client`, something that `exists` at the start, or, as the
/// last one, the `end`. Throws BadInput with the line, also for operations on what is not there.
Scenario parse_recording(std::string_view text, const std::string& origin);

/// How a recording is replayed.
struct ReplayOptions {
  std::string timing;  ///< "closed": each operation as soon as it can; "recorded": when it did
  double speed = 1;    ///< of the recorded pace: 2 takes half as long
  std::string issue_priority = "normal";  ///< of any scenario with a pace (issue_priority.h)
};

/// Changes how a scenario of recorded operations is replayed; an empty timing leaves its own.
/// Throws BadInput where it is none.
void set_replay(Scenario& scenario, const ReplayOptions& options);

/// One line: what a replay makes beforehand, and what the recording left out.
std::string describe_replay(const Recording& recording);

}  // namespace vfsprof::harness
