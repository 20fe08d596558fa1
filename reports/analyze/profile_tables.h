#pragma once

#include <optional>
#include <vector>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/bootstrap.h"
#include "reports/analyze/report.h"

namespace vfsprof::reports {

/// One arm's classified samples with what chance may have done to them: what tables and comparisons
/// are made of.
struct AnalysedProfile {
  ArmProfile profile;
  std::vector<CellSpread> spreads;  ///< per cell
};

/// Classifies and resamples an arm's profiling rounds. Nothing if there are none with a profile.
std::optional<AnalysedProfile> analyse_profile(const std::vector<const Round*>& rounds,
                                               const RuleSet& rules, std::uint64_t seed);

/// The per-thread tables.
ProfileTables make_profile_tables(const AnalysedProfile& analysed, const RuleSet& rules);

/// An estimate of one arm with its interval; not below 0, a share not above 1.
Estimate share_estimate(const CellSpread& spread);
Estimate cost_estimate(const CellSpread& spread);

}  // namespace vfsprof::reports
