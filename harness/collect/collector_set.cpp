#include "harness/collect/collector_set.h"

#include <algorithm>

namespace vfsprof::harness {

bool has_collector_for(reports::RoundKind kind) {
  return std::ranges::any_of(all_collectors(),
                             [kind](const CollectorInfo& info) { return info.only_in == kind; });
}

CollectorSet::CollectorSet(const Observed& observed, reports::RoundKind kind,
                           const CollectorOptions& options) {
  for (const CollectorInfo& info : all_collectors()) {
    if (info.only_in && info.only_in != kind) continue;
    collectors_.push_back(info.make(options));
    collectors_.back()->attach(observed);
  }
}

void CollectorSet::start() {
  for (const auto& collector : collectors_) collector->start();
}

void CollectorSet::stop() {
  for (const auto& collector : collectors_) collector->stop();
}

void CollectorSet::collect(reports::Round& round, std::vector<reports::Capability>& capabilities) {
  for (const auto& collector : collectors_) {
    collector->collect(round);
    capabilities.push_back(collector->capability());
  }
}

}  // namespace vfsprof::harness
