#include "harness/cli/replay_options.h"

#include <string>
#include <vector>

namespace vfsprof::harness {

void add_replay_options(CLI::App& command, ReplayOptions& options) {
  command
      .add_option("--timing", options.timing,
                  "Of a recording (.jsonl): each operation as soon as it can (closed), or when it "
                  "started in the recording (recorded); default: as its first line says, else "
                  "closed")
      ->check(CLI::IsMember(std::vector<std::string>{"closed", "recorded"}));
  command
      .add_option("--speed", options.speed,
                  "Of the recorded pace: 2 replays in half the time (implies --timing recorded)")
      ->check(CLI::Range(0.001, 1000.0))
      ->capture_default_str();
  command
      .add_option(
          "--issue-priority", options.issue_priority,
          "Of clients that keep a pace: normal, or realtime (root or an rtprio limit), so "
          "that they issue on time beside other load; they interrupt whatever else runs on "
          "their CPU then, the file system too (1.2 times the daemon's CPU per operation, measured "
          "packed)")
      ->check(CLI::IsMember(std::vector<std::string>{"normal", "realtime"}))
      ->capture_default_str();
}

}  // namespace vfsprof::harness
