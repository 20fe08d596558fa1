#include "reports/analyze/arm_facts.h"

namespace vfsprof::reports {
namespace {

struct Writes {
  double count = 0;
  double bytes = 0;
  double syncs = 0;
};

Writes writes_of(const ArmSummary& arm) {
  Writes sum;
  for (const OperationSummary& kind : arm.kinds) {
    const double count = static_cast<double>(kind.count);
    if (kind.kind.find("sync") != std::string::npos) sum.syncs += count;
    if (kind.kind.find("write") == std::string::npos) continue;
    sum.count += count;
    sum.bytes += kind.bytes_per_second * static_cast<double>(arm.elapsed_ns) / 1e9;
  }
  return sum;
}

std::optional<double> counter(const ArmSummary& arm, std::string_view name) {
  if (arm.operations == 0) return std::nullopt;
  for (const CounterSummary& each : arm.counters) {
    if (each.name == name) return static_cast<double>(each.total);
  }
  return std::nullopt;
}

std::optional<double> ratio(std::optional<double> amount, double count) {
  if (!amount || count <= 0) return std::nullopt;
  return *amount / count;
}

/// Of a category, over all threads.
std::optional<double> share_of(const ArmSummary& arm, std::string_view category) {
  if (!arm.profile || !arm.profile->kernel_frames) return std::nullopt;
  double sum = 0;
  for (const RoleTable& role : arm.profile->roles) {
    for (const CategoryRow& row : role.rows) {
      if (row.id == category) sum += row.time.share.value;
    }
  }
  return sum;
}

}  // namespace

std::optional<double> fact_of(const ArmSummary& arm, std::string_view metric) {
  const Writes writes = writes_of(arm);
  if (metric == "copies_per_byte") return arm.copied_per_byte;
  if (metric == "requests_per_operation") return ratio(counter(arm, "fuse_writes"), writes.count);
  if (metric == "bytes_per_write") return ratio(writes.bytes, writes.count);
  if (metric == "syncs_per_write") return ratio(writes.syncs, writes.count);
  if (metric == "flushed_per_byte") return ratio(counter(arm, "bytes_flushed"), writes.bytes);
  if (metric.starts_with("share:")) return share_of(arm, metric.substr(6));
  return ratio(counter(arm, metric), static_cast<double>(arm.operations));
}

std::string axis_of(const ArmSummary& arm, std::string_view name) {
  for (const NamedValue& axis : arm.arm.axes) {
    if (axis.name == name) return axis.value;
  }
  return "";
}

}  // namespace vfsprof::reports
