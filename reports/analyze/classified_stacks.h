#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "reports/model/run_result.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::reports {

/// One call stack of one thread role, over all profiling rounds of an arm.
struct ClassifiedStack {
  std::string role;
  std::size_t category = 0;           ///< as in `category_of` (arm_profile.h)
  std::vector<std::uint32_t> frames;  ///< indices into `names`, outermost first; never empty
  std::size_t deciding = 0;           ///< the frame that gave the category; frames.size() for none
  std::uint64_t samples = 0;
  std::uint64_t weight_ns = 0;
};

/// The samples of one arm with their whole stacks: what flame graphs and exports are made of. Adds
/// up to the arm's tables exactly.
struct ClassifiedStacks {
  std::vector<std::string> names;  ///< as rules see them; "module (no symbol)" where there is none
  std::vector<ClassifiedStack> stacks;  ///< by role, frames' names, category
  std::size_t rounds = 0;
  std::uint64_t samples = 0;
  std::uint64_t weight_ns = 0;
  std::uint64_t operations = 0;  ///< 0: not counted
  std::uint64_t elapsed_ns = 0;
  std::string event;
  bool kernel_frames =
      true;  ///< false: kernel time by the scheduler's account has a frame per role
};

/// Of the profiling rounds that count. `arm` is an index into RunResult::arms.
ClassifiedStacks classify_stacks(const RunResult& result, std::size_t arm, const RuleSet& rules);

}  // namespace vfsprof::reports
