#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reports/analyze/opportunity.h"
#include "reports/analyze/statistics.h"
#include "reports/analyze/waits.h"
#include "reports/rules/opportunity_rule.h"

namespace vfsprof::reports {

/// What a rule counts at one word.
struct CountedWaits {
  NamedWord word;
  std::uint64_t calls = 0;  ///< that are counted
  std::uint64_t among = 0;  ///< of so many calls of that kind at the word
  double sum_ns = 0;        ///< what they took
  /// The least that they can have taken: of calls in vain only the mean with those beside them is
  /// known, which is more than they need.
  double least_ns = 0;
  /// By thread role, one entry for each round. The whole is the role's time at work where time is
  /// counted, else the process's CPU time.
  std::map<std::string, std::vector<RoundPart>> parts;
};

/// The ledgers of an arm's tracing rounds, to be asked what of them a rule looks at. A thread's
/// time at work is its elapsed time without what it waited for work: FUSE reads, polls, and words
/// that the program named as queues.
class WaitLedgers {
 public:
  /// The rounds must outlive this. Those without ledgers do not count.
  explicit WaitLedgers(std::span<const Round* const> tracing);

  std::size_t rounds() const { return rounds_.size(); }
  /// Whether all rounds know where threads were blocked, and how futex calls ended.
  bool has_wall_clock() const { return has_wall_clock_; }
  bool has_results() const { return has_results_; }

  /// What `evidence` looks at, word by word; words among `taken` are left out.
  std::vector<CountedWaits> count(const WaitEvidence& evidence,
                                  const std::set<std::string>& taken) const;

  /// Who sleeps at a word or wakes there, largest time first.
  std::vector<WaitSite> sites(const std::string& word, bool waiting) const;

  /// Time that a role was blocked for other reasons than futexes and work to come, as parts of its
  /// time at work; largest first.
  std::vector<std::pair<std::string, double>> blocked_beside(const std::string& role) const;

  /// The part of the CPUs' time that the process took, with its clients where they share them.
  double cpu_in_use(double cpus, bool with_clients) const;

 private:
  struct Source {
    const Round* round;
    std::vector<NamedWord> words;
    std::vector<std::vector<std::string>> stacks;  ///< functions as rules see them
    std::map<std::string, double> work_ns;         ///< by role
  };
  bool looks_at(const Source& source, const WaitEvidence& evidence, std::uint32_t word,
                std::uint32_t stack) const;
  void count_time(const WaitEvidence& evidence, std::size_t round,
                  std::map<std::string, CountedWaits>& counted) const;
  void count_calls(const WaitEvidence& evidence, std::size_t round,
                   std::map<std::string, CountedWaits>& counted) const;

  std::vector<Source> rounds_;
  bool has_wall_clock_ = true;
  bool has_results_ = true;
};

}  // namespace vfsprof::reports
