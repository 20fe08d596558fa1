#include "harness/cli/compare_design.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "reports/analyze/compare.h"
#include "reports/analyze/control.h"
#include "reports/analyze/statistics.h"
#include "reports/gate/policy.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

/// One arm for each build, all under one variant.
std::vector<ArmSpec> arms_of_builds(const MeasureOptions& options,
                                    const std::vector<ArmSpec>& variants) {
  if (options.binaries.size() < 2 || variants.size() > 1) {
    throw BadInput(
        "--binary compares builds under one variant: give it twice or more, and --variant once or "
        "not at all");
  }
  const ArmSpec variant = variants.empty() ? parse_arm("default") : variants.front();
  std::vector<ArmSpec> arms;
  for (const std::string& binary : options.binaries) {
    ArmSpec& arm = arms.emplace_back(variant);
    arm.name = variants.empty() ? binary : fmt::format("{}, {}", binary, variant.name);
    arm.binary = daemon_folder(binary);
  }
  return arms;
}

}  // namespace

fs::path daemon_folder(const std::string& directory) {
  for (const fs::path& folder : {fs::path(directory), fs::path(directory) / "bin"}) {
    std::error_code error;
    if (!fs::is_regular_file(folder / "vfsprof-mount", error)) continue;
    return fs::absolute(folder).lexically_normal();
  }
  throw BadInput(fmt::format(
      "there is neither {0}/vfsprof-mount nor {0}/bin/vfsprof-mount: name the folder of a build, "
      "for example build/release",
      directory));
}

ArmSpec control_of(const ArmSpec& arm) {
  ArmSpec control = arm;
  control.name += " (control)";
  control.control = true;
  return control;
}

std::chrono::nanoseconds parse_budget(const std::string& option, const std::string& text) {
  if (const auto span = reports::parse_span(text)) return *span;
  throw BadInput(fmt::format("{} {}: name a span of time such as 90s, 2m or 1h", option, text));
}

void apply_compare_design(const MeasureOptions& options, ExperimentOptions& experiment) {
  if (!options.binaries.empty()) {
    if (options.targets.size() > 1 || experiment.target.info->name != "fuse") {
      throw BadInput("--binary is for the target fuse alone, whose daemon is ours");
    }
    experiment.arms = arms_of_builds(options, experiment.arms);
  }
  if (options.control && experiment.arms.size() > 1) {
    experiment.arms.push_back(control_of(experiment.arms.front()));
  }
  const double confidence =
      reports::each_confidence({.confidence = reports::kConfidence,
                                .metrics = 1,
                                .comparisons = std::max<std::size_t>(experiment.arms.size(), 2) - 1,
                                .looks = options.control ? reports::kLooks : 1});
  const std::size_t needed = reports::values_needed(confidence);
  if (options.default_rounds) {
    experiment.timing_rounds = std::max(experiment.timing_rounds, static_cast<unsigned>(needed));
  }
  if (options.budget.empty()) return;
  experiment.looks = {.budget = parse_budget("--budget", options.budget),
                      .least_blocks = needed,
                      .looks = reports::kLooks,
                      .decides = reports::has_verdicts};
}

}  // namespace vfsprof::harness
