#pragma once

#include <CLI/CLI.hpp>

#include "harness/scenario/recording.h"

namespace vfsprof::harness {

/// `--timing`, `--speed` and `--issue-priority`: how a recording is replayed.
void add_replay_options(CLI::App& command, ReplayOptions& options);

}  // namespace vfsprof::harness
