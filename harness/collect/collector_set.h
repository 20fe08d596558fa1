#pragma once

#include <memory>
#include <vector>

#include "harness/collect/collector.h"

namespace vfsprof::harness {

/// Whether rounds of this kind carry a collector that others do not.
bool has_collector_for(reports::RoundKind kind);

/// The collectors that a round of one kind carries, attached, in the order of the list.
class CollectorSet {
 public:
  CollectorSet(const Observed& observed, reports::RoundKind kind, const CollectorOptions& options);

  void start();
  void stop();
  /// Adds what was measured to the round, and what could be measured to `capabilities`.
  void collect(reports::Round& round, std::vector<reports::Capability>& capabilities);

 private:
  std::vector<std::unique_ptr<Collector>> collectors_;
};

}  // namespace vfsprof::harness
