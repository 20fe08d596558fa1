#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reports/analyze/opportunity.h"
#include "reports/analyze/profile_tables.h"
#include "reports/rules/classifier.h"

namespace vfsprof::reports {

/// What of one stack goes away: between `low` and `high` of it (0 to 1).
struct Removal {
  double low = 0;
  double high = 0;
};

/// An arm's samples by stack, to be asked what part of them meets a rule.
class Evidence {
 public:
  /// All of one stack under one thread role, of one round; or CPU time that could not be sampled.
  struct Entry {
    std::size_t round = 0;  ///< index into the profile's rounds
    std::string role;
    std::size_t category = 0;            ///< index as in `category_of`
    std::optional<std::uint32_t> stack;  ///< index into the round's stacks; nothing: not sampled
    std::size_t deciding = 0;            ///< position in the stack of the frame that decided
    std::uint64_t samples = 0;
    double weight_ns = 0;
  };

  /// For each entry the part of the rule that it falls into; nothing: none.
  using Claim = std::vector<std::optional<std::size_t>>;

  /// Shares of the arm's whole and costs, with what chance may have done to them.
  struct Shares {
    CellSpread claimed;  ///< all that is claimed
    CellSpread low;      ///< what of it goes away at least
    CellSpread high;     ///< and at most
  };

  /// Both arguments must outlive this.
  Evidence(const AnalysedProfile& analysed, const RuleSet& rules);

  const std::vector<Entry>& entries() const { return entries_; }
  const Category& category(const Entry& entry) const;

  /// Which entries fall into which of these parts, the first that matches.
  Claim claim(const std::vector<EvidencePart>& parts) const;

  /// Point estimates of what goes away; `removals` has one for each part. Cheap.
  Removal estimate(const Claim& claim, const std::vector<Removal>& removals) const;

  /// The same with intervals: resamples the rounds.
  Shares resample_claim(const Claim& claim, const std::vector<Removal>& removals,
                        std::uint64_t seed) const;

  /// Names of a stack's frames from its outer end to the frame that decided.
  std::vector<std::string> frames_of(const Entry& entry) const;

  std::uint64_t samples(const Claim& claim) const;
  std::vector<EvidenceCell> cells(const Claim& claim) const;

  /// Stacks that carry 80 % of what is claimed or more, largest first.
  std::vector<CarryingStack> carrying_stacks(const Claim& claim) const;

  /// How many different places, each with a tenth of it or more, what is claimed comes from.
  std::size_t call_sites(const Claim& claim) const;

 private:
  /// The samples of one round.
  struct Source {
    Source(const RuleSet& rules, const Profile& samples)
        : classifier(rules, samples), profile(&samples) {}
    Classifier classifier;
    const Profile* profile;
    std::vector<std::size_t> entry_of;  ///< for each of the profile's samples
  };

  void add_samples(std::size_t round);
  void add_unresolved(std::size_t round);
  bool matches(const EvidencePart& part, std::size_t entry,
               const std::vector<std::vector<bool>>& frames,
               const std::vector<std::vector<bool>>& without) const;
  std::vector<std::vector<bool>> frames_that_match(const std::vector<std::string>& globs) const;
  std::vector<CarryingStack> merged_stacks(const Claim& claim, std::size_t most_frames) const;

  const AnalysedProfile& analysed_;
  const RuleSet& rules_;
  std::vector<Source> rounds_;
  std::vector<Entry> entries_;
};

}  // namespace vfsprof::reports
