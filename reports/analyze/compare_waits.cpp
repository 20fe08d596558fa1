#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/arm_summary.h"
#include "reports/analyze/compare.h"
#include "reports/analyze/explain.h"
#include "reports/analyze/text.h"

namespace vfsprof::reports {
namespace {

constexpr std::size_t kWords = 8;

struct WordTotals {
  double waits = 0, wakes = 0, wait_ns = 0;  // per operation
};

/// By word; "" for all together. Nothing if the round has no futex ledger.
std::map<std::string, WordTotals> totals_of(const Round& round) {
  std::map<std::string, WordTotals> totals;
  if (!round.waits || round.waits->futexes.source.empty()) return totals;
  const std::vector<NamedWord> words = name_words(*round.waits);
  const auto operations = static_cast<double>(operations_of(round));
  totals[""];
  for (const FutexCalls& entry : round.waits->futexes.calls) {
    for (const std::string& word : {std::string(), words[entry.word].name}) {
      WordTotals& sum = totals[word];
      const double calls = static_cast<double>(entry.calls) / operations;
      (is_wait(entry.operation) ? sum.waits : sum.wakes) += calls;
      sum.wait_ns += static_cast<double>(entry.wait_ns) / operations;
    }
  }
  return totals;
}

using TotalsPair = std::pair<std::map<std::string, WordTotals>, std::map<std::string, WordTotals>>;

MetricComparison compare_one(const std::vector<TotalsPair>& pairs, const std::string& word,
                             double WordTotals::* member, double margin) {
  std::vector<double> before, after, log_ratios;
  const auto value = [&](const std::map<std::string, WordTotals>& totals) {
    const auto found = totals.find(word);
    return found == totals.end() ? 0 : found->second.*member;
  };
  for (const auto& [first, second] : pairs) {
    before.push_back(value(first));
    after.push_back(value(second));
    log_ratios.push_back(log_ratio(before.back(), after.back()));
  }
  MetricComparison result = judge({log_ratios, margin, true});
  result.before = median(before);
  result.after = median(after);
  return result;
}

WordComparison compare_word(const std::vector<TotalsPair>& pairs, const std::string& word,
                            double margin) {
  WordComparison result{.word = word,
                        .waits = compare_one(pairs, word, &WordTotals::waits, margin),
                        .wakes = compare_one(pairs, word, &WordTotals::wakes, margin),
                        .wait_ns = compare_one(pairs, word, &WordTotals::wait_ns, margin)};
  const auto describe = [](MetricComparison& metric, const char* id, const char* title,
                           const char* unit) {
    metric.id = id;
    metric.title = title;
    metric.unit = unit;
  };
  describe(result.waits, "futex_waits_per_operation", "futex waits", "per operation");
  describe(result.wakes, "futex_wakes_per_operation", "futex wake calls", "per operation");
  describe(result.wait_ns, "futex_wait_ns_per_operation", "time in futex waits",
           "ns per operation");
  return result;
}

/// The words with most waits and wakes over both arms.
std::vector<std::string> busiest(const std::vector<TotalsPair>& pairs) {
  std::map<std::string, double> calls;
  for (const auto& [first, second] : pairs) {
    for (const auto* totals : {&first, &second}) {
      for (const auto& [word, sum] : *totals) calls[word] += sum.waits + sum.wakes;
    }
  }
  calls.erase("");
  std::vector<std::string> words;
  for (const auto& [word, count] : calls) words.push_back(word);
  std::stable_sort(words.begin(), words.end(),
                   [&](const std::string& a, const std::string& b) { return calls[a] > calls[b]; });
  if (words.size() > kWords) words.resize(kWords);
  return words;
}

}  // namespace

std::vector<WordComparison> compare_waits(const RunResult& result, std::size_t before,
                                          std::size_t after) {
  std::vector<TotalsPair> pairs;
  for (const auto& [first, second] :
       pair_by_block(rounds_of(result, before).tracing, rounds_of(result, after).tracing)) {
    if (!first->counts_operations || !second->counts_operations) continue;
    TotalsPair totals{totals_of(*first), totals_of(*second)};
    if (!totals.first.empty() && !totals.second.empty()) pairs.push_back(std::move(totals));
  }
  if (pairs.empty()) return {};
  std::vector<WordComparison> rows{compare_word(pairs, "", result.equivalence_margin)};
  for (const std::string& word : busiest(pairs)) {
    rows.push_back(compare_word(pairs, word, result.equivalence_margin));
  }
  return rows;
}

std::string wait_finding(const WaitTables& waits) {
  const FutexTables& futexes = waits.futexes;
  if (futexes.source.empty() || futexes.totals.calls == 0 || futexes.words.empty()) return "";
  const auto per = [&](std::uint64_t amount) {
    return format_number(waits.per(static_cast<double>(amount)));
  };
  const WordRow& most = futexes.words.front();
  std::string text =
      fmt::format(" Per {} there are {} futex waits and {} wake calls", waits.per_what(),
                  per(futexes.totals.waits), per(futexes.totals.wakes));
  if (futexes.results && futexes.totals.wakes > 0) {
    text += fmt::format(", of which {} woke nobody", per(futexes.totals.useless));
  }
  return text + fmt::format("; most time is waited at {}.", code(most.word));
}

std::string wait_change(const Comparison& comparison) {
  if (comparison.waits.empty()) return "";
  const WordComparison& all = comparison.waits.front();
  return fmt::format(" Futex waits per operation: {} and {}; wake calls: {} and {}.",
                     format_number(all.waits.before), format_number(all.waits.after),
                     format_number(all.wakes.before), format_number(all.wakes.after));
}

}  // namespace vfsprof::reports
