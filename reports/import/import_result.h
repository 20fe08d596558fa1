#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/import/recording.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// What a recording does not say itself.
struct ImportOptions {
  std::string event;  ///< count samples of this event; empty: the main one of each recording
  /// A thread's name in full from the kernel's, and its role from that.
  std::function<std::string(std::string_view kernel_name)> full_name;
  std::function<std::string(std::string_view full_name)> role;
};

/// The recordings as one result, each an arm, the first "before". Each burst of activity between
/// idle gaps (bursts.h) is a round; bursts of the same number are paired. Without times a recording
/// is one round. What a recording cannot say (operations, the scheduler's account) is unavailable.
/// Errors: FormatError if a recording has no sample of the event asked for.
RunResult make_import_result(const std::vector<Recording>& recordings,
                             const ImportOptions& options);

}  // namespace vfsprof::reports
