// Uses each layer of the installed package once: headers, and functions that must link.
#include <cstdio>

#include "harness/run/placement.h"
#include "reports/model/run_result.h"
#include "vfs/variant.h"

int main() {
  vfsprof::reports::OperationStats writes{
      .kind = "write", .count = 1, .errors = 0, .bytes = 4096, .service_time_ns = {}};
  writes.service_time_ns.record(5000);
  const auto variant = vfsprof::vfs::parse_variant("mutex-pool,pool=sharded");
  const auto placement = vfsprof::harness::parse_placement("packed");
  std::printf("%s, p50 %llu ns\n", vfsprof::vfs::canonical(variant).c_str(),
              static_cast<unsigned long long>(writes.service_time_ns.quantile(0.5)));
  return placement == vfsprof::harness::Placement::kPacked && writes.service_time_ns.count() == 1
             ? 0
             : 1;
}
