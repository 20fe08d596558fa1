#include "reports/analyze/wait_opportunities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <tuple>

#include "reports/analyze/arm_facts.h"
#include "reports/analyze/opportunities.h"
#include "reports/analyze/recommend.h"
#include "reports/analyze/text.h"
#include "reports/analyze/wait_evidence.h"

namespace vfsprof::reports {
namespace {

// A role that hardly ever works may wait for all of its time: that concerns nobody.
constexpr double kLeastOfElapsed = 0.01;
constexpr double kNotableBeside = 0.02;
constexpr std::size_t kSitesNamed = 3;

/// A share and what of it goes away.
struct Impact {
  std::string role;  ///< that the whole is of
  double share = 0;
  Interval share_interval;
  Interval impact;
};

bool meets_conditions(const OpportunityRule& rule, const ArmSummary& arm) {
  return std::ranges::all_of(rule.conditions, [&](const MetricCondition& condition) {
    const auto value = fact_of(arm, condition.metric);
    return value && *value >= condition.at_least.value_or(-HUGE_VAL) &&
           *value < condition.below.value_or(HUGE_VAL);
  });
}

double part_of(const std::vector<RoundPart>& parts) {
  double sum = 0;
  for (const RoundPart& part : parts) sum += part.part;
  return sum;
}
double whole_of(const std::vector<RoundPart>& parts) {
  double sum = 0;
  for (const RoundPart& part : parts) sum += part.whole;
  return sum;
}

/// All roles together, where they are parts of one whole.
std::vector<RoundPart> together(const CountedWaits& counted) {
  std::vector<RoundPart> sum;
  for (const auto& [role, parts] : counted.parts) {
    sum.resize(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      sum[i].part += parts[i].part;
      sum[i].squares += parts[i].squares;
      sum[i].whole = parts[i].whole;
    }
  }
  return sum;
}

/// Looks for waiting in one arm.
class Search {
 public:
  Search(const ArmSummary& arm, const WaitLedgers& ledgers, const WaitOptions& options)
      : arm_(arm), ledgers_(ledgers), options_(options) {
    // Under `packed` clients and process have one CPU, under `split` one each.
    const bool is_packed = options.placement == "packed", is_split = options.placement == "split";
    cpus_ = is_packed || is_split ? 1 : std::max(1, options.cpus);
    in_use_ = ledgers.cpu_in_use(cpus_, !is_split);
  }

  void apply(const OpportunityRule& rule, WaitsFound& result) {
    for (const CountedWaits& counted : ledgers_.count(*rule.waits, taken_[measure_of(rule)])) {
      taken_[measure_of(rule)].insert(counted.word.name);
      const double counted_share =
          static_cast<double>(counted.calls) / static_cast<double>(counted.among);
      if (counted_share < rule.waits->at_least) continue;
      const auto impact = largest_impact(rule, counted);
      if (!impact || impact->impact.high < options_.threshold) continue;
      if (impact->impact.low < options_.threshold) {
        result.unlisted.push_back(
            {rule.id, fmt::format("{}: {}", rule.title, counted.word.name), impact->impact});
      } else {
        result.listed.push_back(describe(rule, counted, *impact));
      }
    }
  }

 private:
  static std::size_t measure_of(const OpportunityRule& rule) {
    return static_cast<std::size_t>(rule.waits->measure);
  }

  bool is_notable(const std::vector<RoundPart>& parts) const {
    return part_of(parts) >= kLeastOfElapsed * static_cast<double>(arm_.waits->elapsed_ns);
  }

  /// Of the role whose lower bound is the largest, or of the process.
  std::optional<Impact> largest_impact(const OpportunityRule& rule,
                                       const CountedWaits& counted) const {
    std::optional<Impact> largest;
    const auto consider = [&](const std::string& role, const std::vector<RoundPart>& parts,
                              double least) {
      const auto interval = part_interval(parts);
      if (!interval) return;
      const WaitEvidence& evidence = *rule.waits;
      Impact found{.role = role,
                   .share = std::min(1.0, part_of(parts) / whole_of(parts)),
                   .share_interval = *interval,
                   .impact = {least * evidence.removes_low * interval->low,
                              evidence.removes_high * interval->high}};
      if (evidence.measure == WaitMeasure::kTime) {
        found.impact.low = std::min(found.impact.low, 1 - in_use_);
      }
      if (!largest || found.impact.low > largest->impact.low) largest = found;
    };
    if (rule.waits->measure == WaitMeasure::kTime) {
      for (const auto& [role, parts] : counted.parts) {
        if (is_notable(parts)) consider(role, parts, 1);
      }
    } else if (counted.sum_ns > 0) {
      consider("", together(counted), counted.least_ns / counted.sum_ns);
    }
    return largest;
  }

  WaitOpportunity describe(const OpportunityRule& rule, const CountedWaits& counted,
                           const Impact& impact) const;
  std::optional<std::string> figure(std::string_view name, const CountedWaits& counted,
                                    const WaitOpportunity& found) const;
  std::string evidence_words(const WaitOpportunity& found) const;
  std::string derivation_words(const OpportunityRule& rule, const CountedWaits& counted,
                               const WaitOpportunity& found) const;

  const ArmSummary& arm_;
  const WaitLedgers& ledgers_;
  const WaitOptions& options_;
  double cpus_ = 1;
  double in_use_ = 1;
  std::array<std::set<std::string>, 3> taken_;  ///< by measure
};

std::string site_words(const std::vector<WaitSite>& sites) {
  std::vector<std::string> words;
  for (const WaitSite& site : sites) {
    if (words.size() == kSitesNamed) break;
    words.push_back(fmt::format("{} of {}", code(site.site), code(site.role)));
  }
  if (sites.size() > kSitesNamed) {
    words.push_back(fmt::format("{} other places", sites.size() - kSitesNamed));
  }
  return join_words(words);
}

std::optional<std::string> Search::figure(std::string_view name, const CountedWaits& counted,
                                          const WaitOpportunity& found) const {
  const auto unless_empty = [](std::string text) {
    return text.empty() ? std::nullopt : std::optional(std::move(text));
  };
  if (name == "word") return code(found.word);
  if (name == "waiting") return unless_empty(site_words(found.waiting));
  if (name == "waking") return unless_empty(site_words(found.waking));
  if (name == "mean") {
    return format_duration(counted.sum_ns / static_cast<double>(counted.calls));
  }
  if (name == "counted") {
    return fmt::format(
        "{} of {} ({:.0f} %)", format_count(counted.calls), format_count(counted.among),
        100.0 * static_cast<double>(counted.calls) / static_cast<double>(counted.among));
  }
  if (name == "roles") {
    std::vector<std::string> roles;
    roles.reserve(found.parts.size());
    for (const WaitPart& part : found.parts) roles.push_back(code(part.role));
    return join_words(roles);
  }
  if (name == "beside") {
    std::vector<std::string> words;
    for (const auto& [reason, share] : ledgers_.blocked_beside(found.parts.front().role)) {
      if (share >= kNotableBeside && words.size() < kSitesNamed) {
        words.push_back(fmt::format("{} ({})", reason, format_share(share)));
      }
    }
    return unless_empty(join_words(words));
  }
  if (name.starts_with("axis:")) return unless_empty(axis_of(arm_, name.substr(5)));
  const auto value = fact_of(arm_, name);
  return value ? std::optional(format_number(*value)) : std::nullopt;
}

std::string Search::evidence_words(const WaitOpportunity& found) const {
  const std::string per = found.per_operation ? "operation" : "second";
  std::string text =
      fmt::format("That is {} {} (95 % interval {} to {}, n = {} calls in {} tracing round{})",
                  format_share(found.share), whole_words(found),
                  format_share(found.share_interval.low), format_share(found.share_interval.high),
                  format_count(found.calls), found.rounds, found.rounds == 1 ? "" : "s");
  text += fmt::format("; over all threads {} per {}", format_duration(found.per_unit_ns), per);
  return text + ".";
}

std::string Search::derivation_words(const OpportunityRule& rule, const CountedWaits& counted,
                                     const WaitOpportunity& found) const {
  const WaitEvidence& evidence = *rule.waits;
  const double least = found.measure == WaitMeasure::kTime || counted.sum_ns <= 0
                           ? 1
                           : counted.least_ns / counted.sum_ns;
  std::string text =
      fmt::format("Of it {:.0f} to {:.0f} % goes away: {}.", 100 * evidence.removes_low * least,
                  100 * evidence.removes_high, rule.why);
  if (found.measure != WaitMeasure::kTime) {
    if (least < 1) {
      text +=
          " A call in vain takes less than the mean, which is all that is known; at least it takes "
          "a tenth of what one takes that is not in vain.";
    }
    return text + " Tracing makes every futex call dearer, so that this share is rather too large.";
  }
  text += fmt::format(" The process{} used {} of {:g} CPU{} meanwhile",
                      options_.placement == "split" ? "" : " and its clients",
                      format_share(in_use_), cpus_, cpus_ == 1 ? "" : "s");
  return text + (found.impact.low < evidence.removes_low * found.share_interval.low
                     ? fmt::format(": no more than the rest, {}, can be promised.",
                                   format_share(1 - in_use_))
                     : ", which leaves room for threads that no longer sleep.");
}

WaitOpportunity Search::describe(const OpportunityRule& rule, const CountedWaits& counted,
                                 const Impact& impact) const {
  WaitOpportunity found;
  take_rule(found, rule, arm_);
  found.measure = rule.waits->measure;
  found.word = counted.word.name;
  found.named = counted.word.named;
  found.purpose = counted.word.purpose;
  found.rounds = ledgers_.rounds();
  found.calls = counted.calls;
  for (const auto& [role, parts] : counted.parts) {
    found.parts.push_back({role, part_of(parts), whole_of(parts)});
  }
  std::ranges::stable_sort(found.parts, [&](const WaitPart& a, const WaitPart& b) {
    return std::tuple(a.role == impact.role, a.part_ns) >
           std::tuple(b.role == impact.role, b.part_ns);
  });
  found.share = impact.share;
  found.share_interval = impact.share_interval;
  found.impact = impact.impact;
  found.per_operation = arm_.waits->operations > 0;
  found.per_unit_ns = arm_.waits->per(counted.sum_ns);
  found.waiting = ledgers_.sites(found.word, true);
  found.waking = ledgers_.sites(found.word, false);
  found.priority = priority_of(found.impact, found.complexity);
  const auto sentences = [&](const std::vector<std::string>& texts) {
    return fill_in(texts, [&](std::string_view name) { return figure(name, counted, found); });
  };
  found.problem = sentences(rule.problem) + " " + evidence_words(found);
  found.cause = sentences(rule.cause);
  found.derivation = derivation_words(rule, counted, found);
  return found;
}

/// What the ledgers lack that a rule needs; empty if nothing.
std::string missing_for(const WaitEvidence& evidence, const WaitLedgers& ledgers) {
  if (evidence.measure == WaitMeasure::kTime) {
    return ledgers.has_wall_clock()
               ? ""
               : "sleeping at locks, because the wall clock of threads was not observed";
  }
  return ledgers.has_results() ? ""
                               : "calls in vain, because how futex calls ended was not observed";
}

}  // namespace

WaitsFound find_wait_opportunities(const ArmSummary& arm, std::span<const Round* const> tracing,
                                   const RuleSet& rules, const WaitOptions& options) {
  WaitsFound result;
  const WaitLedgers ledgers(tracing);
  if (ledgers.rounds() == 0 || !arm.waits) {
    result.missing = "waiting at all, because futex calls were not observed";
    return result;
  }
  Search search(arm, ledgers, options);
  for (const OpportunityRule& rule : rules.opportunities) {
    if (!rule.waits || !rule_applies(rule, arm) || !meets_conditions(rule, arm)) continue;
    const std::string missing = missing_for(*rule.waits, ledgers);
    if (missing.empty()) {
      search.apply(rule, result);
    } else if (!result.missing.contains(missing)) {
      result.missing += (result.missing.empty() ? "" : "; ") + missing;
    }
  }
  std::ranges::stable_sort(result.listed, [](const WaitOpportunity& a, const WaitOpportunity& b) {
    return std::tuple(a.priority, -a.impact.low) < std::tuple(b.priority, -b.impact.low);
  });
  return result;
}

std::string whole_words(const WaitOpportunity& found) {
  if (found.measure != WaitMeasure::kTime) {
    return "of the CPU time of the process while it was traced";
  }
  return fmt::format("of the time at work of {}", code(found.parts.front().role));
}

std::string to_string(WaitMeasure measure) {
  constexpr std::array<const char*, 3> kNames{"time", "useless_wakes", "retries"};
  return kNames[static_cast<std::size_t>(measure)];
}

}  // namespace vfsprof::reports
