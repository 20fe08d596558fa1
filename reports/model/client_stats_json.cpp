#include "reports/model/client_stats_json.h"

#include <algorithm>

#include "reports/model/check_result.h"

namespace vfsprof::reports {
namespace {

constexpr std::size_t kMostSlices = 1 << 20;

bool all_small(const std::vector<std::uint64_t>& values) {
  return values.size() <= kMostSlices &&
         std::ranges::all_of(values, [](std::uint64_t value) { return value <= kMaxNs; });
}

}  // namespace

void check_clients(const Round& round, const JsonReader& in) {
  if (!round.clients) return;
  const JsonReader place = in.member("clients");
  if (round.clients->slice_ns > kMaxNs || round.clients->generator_cpu_ns > kMaxNs) {
    place.fail("times in nanoseconds, less than a year");
  }
  const std::vector<JsonReader> elements = place.member("clients").elements();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const ClientStats& client = round.clients->clients[i];
    if (client.elapsed_ns > kMaxNs || client.operations > kMaxNs ||
        client.paced_operations > client.operations) {
      elements[i].fail("nanoseconds, less than a year, and operations of which some are paced");
    }
    if (!all_small(client.slices) || !all_small(client.late_slices_ns)) {
      elements[i].member("slices").fail("at most a million counts and times");
    }
  }
}

void check_differences(const RunResult& result, const JsonReader& in) {
  const auto place = in.find("differences");
  if (!place) return;
  for (std::size_t i = 0; i < result.differences.size(); ++i) {
    const FirstDifference& difference = result.differences[i];
    if (difference.before < result.arms.size() && difference.after < result.arms.size()) continue;
    place->elements()[i].fail("the indices of two arms");
  }
}

}  // namespace vfsprof::reports
