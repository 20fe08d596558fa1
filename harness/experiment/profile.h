#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/experiment/experiment.h"
#include "harness/experiment/profile_plan.h"
#include "harness/process.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// A program that is not ours: one that runs, or one to start.
struct ProfileOptions {
  pid_t pid = 0;                        ///< 0: `command` is started
  std::vector<std::string> command;     ///< looked for in PATH
  std::optional<Nanoseconds> duration;  ///< none: until the program ends or we are interrupted
  bool follow_children = true;
  bool output_to_stderr = false;  ///< the command's standard output goes to our standard error
  CollectorOptions collect;
};

/// Why observing ended.
enum class ProfileEnd { kDuration, kProgramEnded, kInterrupted };

struct ProfileOutcome {
  reports::RunResult result;
  ProfileEnd end = ProfileEnd::kDuration;
  int interrupted_by = 0;            ///< the signal, if it was
  std::optional<ExitStatus> status;  ///< of the command, if it ended by itself
  std::vector<pid_t> left_running;   ///< processes that the command left behind
};

/// Observes a program in turns: stretches with the sampler, with the ledgers and without either
/// follow one another (plan_stretch), each a round without a count of operations. The command is
/// observed from its first instruction on; if it still runs at the end it is ended.
///
/// Errors: BadInput if there is no such process or program, or it cannot be observed at all;
/// EnvironmentError if this user may not.
ProfileOutcome run_profile(const ProfileOptions& options, const ProgressListener& progress);

}  // namespace vfsprof::harness
