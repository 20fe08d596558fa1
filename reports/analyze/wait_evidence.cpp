#include "reports/analyze/wait_evidence.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "reports/model/run_result.h"
#include "reports/rules/function_name.h"
#include "reports/rules/opportunity_rules.h"

namespace vfsprof::reports {
namespace {

// A call that wakes or sleeps takes at most so many times the CPU time of one in vain; the ledger
// has only the sum of both.
constexpr double kDearest = 10;

bool waits_for_work(const BlockedTime& entry, const std::vector<NamedWord>& words) {
  if (entry.reason == BlockReason::kFuseRead || entry.reason == BlockReason::kPoll) return true;
  return entry.reason == BlockReason::kFutex && entry.word < words.size() &&
         words[entry.word].named && words[entry.word].purpose == WordPurpose::kQueue;
}

/// The sum of the squares of durations, of which only the power of two is known.
double squares_of(const BlockedTime& entry) {
  double sum = 0;
  for (std::size_t i = 0; i < entry.blocked_time.size(); ++i) {
    const double middle = std::ldexp(1.5, static_cast<int>(i));
    sum += static_cast<double>(entry.blocked_time[i]) * middle * middle;
  }
  return sum;
}

/// What a rule counts of the calls of one entry, and of how many.
std::pair<std::uint64_t, std::uint64_t> in_vain(const FutexCalls& entry, WaitMeasure measure) {
  const bool waits = is_wait(entry.operation);
  if (measure == WaitMeasure::kRetries)
    return waits ? std::pair(entry.again, entry.calls) : std::pair<std::uint64_t, std::uint64_t>();
  return waits ? std::pair<std::uint64_t, std::uint64_t>() : std::pair(entry.useless, entry.calls);
}

RoundPart& part_of(CountedWaits& counted, const std::string& role, std::size_t round,
                   std::size_t rounds) {
  std::vector<RoundPart>& parts = counted.parts[role];
  parts.resize(rounds);
  return parts[round];
}

}  // namespace

WaitLedgers::WaitLedgers(std::span<const Round* const> tracing) {
  for (const Round* round : tracing) {
    if (!round->waits || round->waits->futexes.source.empty()) continue;
    const Waits& waits = *round->waits;
    Source& source = rounds_.emplace_back(Source{round, name_words(waits), {}, {}});
    for (const std::vector<std::uint32_t>& stack : waits.stacks) {
      std::vector<std::string>& names = source.stacks.emplace_back();
      for (const std::uint32_t frame : stack) {
        names.push_back(normalise_function(waits.frames[frame].function));
      }
    }
    for (const ThreadTime& entry : waits.wall_clock.threads) {
      source.work_ns[round->threads[entry.thread].role] += static_cast<double>(entry.elapsed_ns);
    }
    for (const BlockedTime& entry : waits.wall_clock.blocked) {
      if (!waits_for_work(entry, source.words)) continue;
      source.work_ns[round->threads[entry.thread].role] -= static_cast<double>(entry.blocked_ns);
    }
    has_wall_clock_ = has_wall_clock_ && !waits.wall_clock.source.empty();
    has_results_ = has_results_ && waits.futexes.results;
  }
}

bool WaitLedgers::looks_at(const Source& source, const WaitEvidence& evidence, std::uint32_t word,
                           std::uint32_t stack) const {
  const NamedWord& named = source.words[word];
  return reports::looks_at(evidence, {.word = named.named ? std::string_view(named.name) : "",
                                      .purpose = named.purpose,
                                      .names = source.stacks[stack]});
}

void WaitLedgers::count_time(const WaitEvidence& evidence, std::size_t round,
                             std::map<std::string, CountedWaits>& counted) const {
  const Source& source = rounds_[round];
  for (const BlockedTime& entry : source.round->waits->wall_clock.blocked) {
    if (entry.reason != BlockReason::kFutex || entry.word >= source.words.size()) continue;
    if (!looks_at(source, evidence, entry.word, entry.stack)) continue;
    const NamedWord& word = source.words[entry.word];
    CountedWaits& here = counted[word.name];
    here.word = word;
    here.calls += entry.count;
    here.among += entry.count;
    here.sum_ns += static_cast<double>(entry.blocked_ns);
    here.least_ns = here.sum_ns;
    const std::string& role = source.round->threads[entry.thread].role;
    RoundPart& part = part_of(here, role, round, rounds_.size());
    part.part += static_cast<double>(entry.blocked_ns);
    part.squares += squares_of(entry);
  }
}

void WaitLedgers::count_calls(const WaitEvidence& evidence, std::size_t round,
                              std::map<std::string, CountedWaits>& counted) const {
  const Source& source = rounds_[round];
  for (const FutexCalls& entry : source.round->waits->futexes.calls) {
    const auto [vain, calls] = in_vain(entry, evidence.measure);
    if (calls == 0 || !looks_at(source, evidence, entry.word, entry.stack)) continue;
    const NamedWord& word = source.words[entry.word];
    CountedWaits& here = counted[word.name];
    here.word = word;
    here.calls += vain;
    here.among += calls;
    const double mean_ns = static_cast<double>(entry.cpu_ns) / static_cast<double>(calls);
    const double share = static_cast<double>(vain) / static_cast<double>(calls);
    here.sum_ns += mean_ns * static_cast<double>(vain);
    here.least_ns += mean_ns * static_cast<double>(vain) / (share + (1 - share) * kDearest);
    RoundPart& part =
        part_of(here, source.round->threads[entry.thread].role, round, rounds_.size());
    part.part += mean_ns * static_cast<double>(vain);
    part.squares += mean_ns * mean_ns * static_cast<double>(vain);
  }
}

std::vector<CountedWaits> WaitLedgers::count(const WaitEvidence& evidence,
                                             const std::set<std::string>& taken) const {
  const bool is_time = evidence.measure == WaitMeasure::kTime;
  std::map<std::string, CountedWaits> counted;
  for (std::size_t round = 0; round < rounds_.size(); ++round) {
    if (is_time) {
      count_time(evidence, round, counted);
    } else {
      count_calls(evidence, round, counted);
    }
  }
  std::vector<CountedWaits> result;
  for (auto& [name, here] : counted) {
    if (taken.contains(name) || here.calls == 0) continue;
    for (auto& [role, parts] : here.parts) {
      parts.resize(rounds_.size());
      for (std::size_t round = 0; round < rounds_.size(); ++round) {
        const Source& source = rounds_[round];
        const auto work = source.work_ns.find(role);
        parts[round].whole = !is_time ? static_cast<double>(source.round->process_cpu_ns)
                             : work == source.work_ns.end() ? 0
                                                            : std::max(0.0, work->second);
      }
    }
    result.push_back(std::move(here));
  }
  return result;
}

std::vector<WaitSite> WaitLedgers::sites(const std::string& word, bool waiting) const {
  std::map<std::pair<std::string, std::string>, WaitSite> found;
  for (const Source& source : rounds_) {
    const Waits& waits = *source.round->waits;
    for (const FutexCalls& entry : waits.futexes.calls) {
      if (is_wait(entry.operation) != waiting || source.words[entry.word].name != word) continue;
      const std::string& role = source.round->threads[entry.thread].role;
      const std::string site = waits.futexes.call_sites ? call_site(waits, entry.stack) : "unknown";
      WaitSite& here = found[{role, site}];
      here.role = role;
      here.site = site;
      here.calls += entry.calls;
      here.in_vain += waiting ? entry.again : entry.useless;
      here.time_ns += waiting ? entry.wait_ns : entry.cpu_ns;
    }
  }
  std::vector<WaitSite> result;
  for (auto& [key, site] : found) result.push_back(std::move(site));
  std::ranges::stable_sort(result, [](const WaitSite& a, const WaitSite& b) {
    return std::tie(a.time_ns, a.calls) > std::tie(b.time_ns, b.calls);
  });
  return result;
}

std::vector<std::pair<std::string, double>> WaitLedgers::blocked_beside(
    const std::string& role) const {
  std::map<std::string, double> blocked;
  double work_ns = 0;
  for (const Source& source : rounds_) {
    const auto own = source.work_ns.find(role);
    work_ns += own == source.work_ns.end() ? 0 : std::max(0.0, own->second);
    for (const BlockedTime& entry : source.round->waits->wall_clock.blocked) {
      if (source.round->threads[entry.thread].role != role) continue;
      if (entry.reason == BlockReason::kFutex || waits_for_work(entry, source.words)) continue;
      blocked[to_string(entry.reason)] += static_cast<double>(entry.blocked_ns);
    }
  }
  std::vector<std::pair<std::string, double>> result;
  for (const auto& [reason, ns] : blocked) {
    if (work_ns > 0) result.emplace_back(reason, ns / work_ns);
  }
  std::ranges::stable_sort(result,
                           [](const auto& a, const auto& b) { return a.second > b.second; });
  return result;
}

double WaitLedgers::cpu_in_use(double cpus, bool with_clients) const {
  double used_ns = 0, there_ns = 0;
  for (const Source& source : rounds_) {
    used_ns += static_cast<double>(source.round->process_cpu_ns);
    if (with_clients) used_ns += static_cast<double>(source.round->client_cpu_ns);
    there_ns += static_cast<double>(source.round->elapsed_ns) * cpus;
  }
  return there_ns > 0 ? std::min(1.0, used_ns / there_ns) : 1;
}

}  // namespace vfsprof::reports
