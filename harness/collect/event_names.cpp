#include <fmt/format.h>
#include <fmt/ranges.h>
#include <perfmon/pfmlib.h>

#include <algorithm>
#include <numeric>
#include <string_view>

#include "harness/collect/events.h"
#include "harness/collect/perf_event.h"
#include "harness/collect/tracefs.h"
#include "harness/error.h"

namespace vfsprof::harness {
namespace {

constexpr std::size_t kSuggestions = 5;

/// How many letters must change to turn one word into the other (Levenshtein).
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

/// The events that libpfm4 knows of this machine.
std::vector<std::string> library_events() {
  std::vector<std::string> names;
  for (int pmu = PFM_PMU_NONE; pmu < PFM_PMU_MAX; ++pmu) {
    pfm_pmu_info_t info{};
    info.size = sizeof info;
    if (::pfm_get_pmu_info(static_cast<pfm_pmu_t>(pmu), &info) != PFM_SUCCESS || !info.is_present) {
      continue;
    }
    for (int event = info.first_event; event != -1; event = ::pfm_get_event_next(event)) {
      pfm_event_info_t described{};
      described.size = sizeof described;
      if (::pfm_get_event_info(event, PFM_OS_PERF_EVENT_EXT, &described) == PFM_SUCCESS) {
        std::string name = described.name;
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
        std::ranges::replace(name, '_', '-');
        names.push_back(std::move(name));
      }
    }
  }
  return names;
}

std::vector<std::string> near_matches(const std::string& name, const Tracefs& tracefs) {
  std::vector<std::string> all = name.contains(':') ? list_tracepoints(tracefs) : library_events();
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const std::string& known : all) {
    std::size_t distance = edit_distance(name, known);
    if (known.contains(name)) distance = std::min<std::size_t>(distance, 2);
    if (distance <= std::max<std::size_t>(2, name.size() / 3)) ranked.emplace_back(distance, known);
  }
  std::ranges::sort(ranked);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < std::min(kSuggestions, ranked.size()); ++i) {
    result.push_back(ranked[i].second);
  }
  return result;
}

void check_name(const std::string& name, const Tracefs& tracefs) {
  if (encode_event(name) || tracepoint_id(tracefs, name)) return;
  // Without tracefs nobody can say which tracepoints there are: the collector gives the reason.
  if (name.contains(':') && tracefs.root.empty()) return;
  const std::vector<std::string> near = near_matches(name, tracefs);
  throw BadInput(fmt::format(
      "unknown event '{}': --counters takes names of libpfm4 (instructions, page-faults, "
      "context-switches) and tracepoints (sched:sched_switch), separated by commas{}",
      name, near.empty() ? "" : fmt::format("; near it are {}", fmt::join(near, ", "))));
}

}  // namespace

std::vector<std::string> parse_event_names(const std::string& text) {
  std::vector<std::string> names;
  const Tracefs tracefs = text.contains(':') ? find_tracefs() : Tracefs{};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string name = text.substr(at, end - at);
    check_name(name, tracefs);
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    at = end + 1;
  }
  return names;
}

}  // namespace vfsprof::harness
