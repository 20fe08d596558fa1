#include "reports/analyze/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <ranges>
#include <span>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "reports/rules/function_name.h"
#include "reports/rules/opportunity_rules.h"

namespace vfsprof::reports {
namespace {

constexpr double kCarried = 0.8;
constexpr double kSiteShare = 0.1;
constexpr std::size_t kMostStacks = 24;
// Frames of a stack that are kept where whole stacks are too many to carry 80 % in kMostStacks.
constexpr std::size_t kFrameSteps[] = {1, 2, 3, 4, 5, 6, 8, SIZE_MAX};

}  // namespace

Evidence::Evidence(const AnalysedProfile& analysed, const RuleSet& rules)
    : analysed_(analysed), rules_(rules) {
  const ArmProfile& profile = analysed.profile;
  rounds_.reserve(profile.sources.size());
  for (std::size_t i = 0; i < profile.sources.size(); ++i) {
    rounds_.emplace_back(rules, *profile.sources[i]->profile);
    label_frames(i);
    add_samples(i);
    add_unresolved(i);
  }
}

const Category& Evidence::category(const Entry& entry) const {
  return category_of(rules_, entry.category);
}

void Evidence::add_samples(std::size_t round) {
  const Round& source = *analysed_.profile.sources[round];
  Source& own = rounds_[round];
  std::unordered_map<std::uint64_t, std::size_t> known;
  own.entry_of.reserve(own.profile->samples.size());
  for (const SampleCount& sample : own.profile->samples) {
    const auto [found, is_new] =
        known.try_emplace(std::uint64_t{sample.thread} << 32 | sample.stack, entries_.size());
    if (is_new) {
      const Thread& thread = source.threads[sample.thread];
      const auto decided = own.classifier.classify(sample.stack, thread.role);
      entries_.push_back(
          {.round = round,
           .role = analysed_.profile.shown_role(thread),
           .category = decided ? rules_.rules[decided->rule].category : rules_.categories.size(),
           .stack = sample.stack,
           .deciding = decided ? decided->frame : 0});
    }
    Entry& entry = entries_[found->second];
    entry.samples += sample.count;
    entry.weight_ns += static_cast<double>(sample.count * own.profile->weight_ns);
    own.entry_of.push_back(found->second);
  }
}

void Evidence::add_unresolved(std::size_t round) {
  const ResampledRound& resampled = analysed_.profile.rounds[round];
  for (std::size_t cell = 0; cell < analysed_.profile.cells.size(); ++cell) {
    const Cell& unresolved = analysed_.profile.cells[cell];
    if (category_of(rules_, unresolved.category).id != kKernelNotResolved) continue;
    double weight_ns = 0;
    for (const auto& block : resampled.blocks) weight_ns += block[cell];
    entries_.push_back({.round = round,
                        .role = unresolved.role,
                        .category = unresolved.category,
                        .stack = std::nullopt,
                        .weight_ns = weight_ns});
  }
}

std::vector<std::vector<bool>> Evidence::frames_that_match(
    const std::vector<std::string>& globs) const {
  std::vector<std::vector<bool>> result;
  for (const Source& round : rounds_) {
    std::vector<bool>& matching = result.emplace_back(round.profile->frames.size(), false);
    for (std::size_t i = 0; i < matching.size() && !globs.empty(); ++i) {
      const std::string& name = round.classifier.name_of(static_cast<std::uint32_t>(i));
      matching[i] = std::ranges::any_of(
          globs, [&](const std::string& glob) { return glob_matches(glob, name); });
    }
  }
  return result;
}

bool Evidence::matches(const EvidencePart& part, std::size_t index,
                       const std::vector<std::vector<bool>>& frames,
                       const std::vector<std::vector<bool>>& without) const {
  const Entry& entry = entries_[index];
  if (!names_category(part, category(entry))) return false;
  if (!part.roles.empty() && std::ranges::find(part.roles, entry.role) == part.roles.end()) {
    return false;
  }
  if (!entry.stack) return part.frames.empty();
  const auto& stack = rounds_[entry.round].profile->stacks[*entry.stack];
  const auto holds = [&](const std::vector<std::vector<bool>>& matching) {
    return std::ranges::any_of(stack,
                               [&](std::uint32_t frame) { return matching[entry.round][frame]; });
  };
  return (part.frames.empty() || holds(frames)) && (part.without.empty() || !holds(without));
}

Evidence::Claim Evidence::claim(const std::vector<EvidencePart>& parts) const {
  Claim result(entries_.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto frames = frames_that_match(parts[i].frames);
    const auto without = frames_that_match(parts[i].without);
    for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
      if (!result[entry] && matches(parts[i], entry, frames, without)) result[entry] = i;
    }
  }
  return result;
}

Removal Evidence::estimate(const Claim& claim, const std::vector<Removal>& removals) const {
  Removal sum;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!claim[i]) continue;
    sum.low += entries_[i].weight_ns * removals[*claim[i]].low;
    sum.high += entries_[i].weight_ns * removals[*claim[i]].high;
  }
  const double whole = static_cast<double>(analysed_.profile.total_ns);
  return whole > 0 ? Removal{sum.low / whole, sum.high / whole} : Removal{};
}

Evidence::Shares Evidence::resample_claim(const Claim& claim, const std::vector<Removal>& removals,
                                          std::uint64_t seed) const {
  // Columns that add up to the whole: gone at least, gone at most beyond that, claimed and staying,
  // the rest.
  constexpr std::size_t kColumns = 4;
  std::vector<ResampledRound> rounds;
  for (std::size_t r = 0; r < rounds_.size(); ++r) {
    const ResampledRound& source = analysed_.profile.rounds[r];
    ResampledRound& own = rounds.emplace_back();
    own.operations = source.operations;
    own.block_slices = source.block_slices;
    own.blocks.assign(source.blocks.size(), std::vector<double>(kColumns, 0.0));
    const auto add = [&](std::size_t block, std::size_t entry, double weight_ns) {
      const Removal& removal = removals[*claim[entry]];
      std::vector<double>& columns = own.blocks[block];
      columns[0] += weight_ns * removal.low;
      columns[1] += weight_ns * (removal.high - removal.low);
      columns[2] += weight_ns * (1 - removal.high);
    };
    const Profile& profile = *rounds_[r].profile;
    for (std::size_t i = 0; i < profile.samples.size(); ++i) {
      const std::size_t entry = rounds_[r].entry_of[i];
      if (!claim[entry]) continue;
      const std::size_t block = std::min<std::size_t>(
          profile.samples[i].slice / source.block_slices, source.blocks.size() - 1);
      add(block, entry, static_cast<double>(profile.samples[i].count * profile.weight_ns));
    }
    for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
      const Entry& unresolved = entries_[entry];
      if (!claim[entry] || unresolved.stack || unresolved.round != r) continue;
      for (std::size_t cell = 0; cell < analysed_.profile.cells.size(); ++cell) {
        const Cell& candidate = analysed_.profile.cells[cell];
        if (candidate.role != unresolved.role || candidate.category != unresolved.category)
          continue;
        for (std::size_t block = 0; block < source.blocks.size(); ++block) {
          add(block, entry, source.blocks[block][cell]);
        }
      }
    }
    for (std::size_t block = 0; block < source.blocks.size(); ++block) {
      double rest = 0;
      for (const double weight_ns : source.blocks[block]) rest += weight_ns;
      std::vector<double>& columns = own.blocks[block];
      columns[3] = rest - columns[0] - columns[1] - columns[2];
    }
  }
  const std::vector<CellSpread> spreads = resample(rounds, kColumns, seed);
  Shares shares{.claimed = spreads[0], .low = spreads[0], .high = spreads[0]};
  shares.high.add(spreads[1]);
  shares.claimed.add(spreads[1]);
  shares.claimed.add(spreads[2]);
  return shares;
}

void Evidence::label_frames(std::size_t round) {
  Source& source = rounds_[round];
  for (std::uint32_t frame = 0; frame < source.profile->frames.size(); ++frame) {
    std::string name(source.classifier.name_of(frame));
    if (name.empty()) name = fmt::format("{} (no symbol)", source.profile->frames[frame].module);
    const auto next = static_cast<std::uint32_t>(labels_.size());
    const auto [found, is_new] = label_index_.try_emplace(std::move(name), next);
    if (is_new) labels_.push_back(found->first);
    source.label_of.push_back(found->second);
  }
}

std::uint64_t Evidence::samples(const Claim& claim) const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) sum += claim[i] ? entries_[i].samples : 0;
  return sum;
}

std::vector<EvidenceCell> Evidence::cells(const Claim& claim) const {
  std::map<std::pair<std::string, std::size_t>, double> weights;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (claim[i]) weights[{entries_[i].role, entries_[i].category}] += entries_[i].weight_ns;
  }
  std::vector<EvidenceCell> result;
  for (const auto& [key, weight_ns] : weights) {
    const Category& category = category_of(rules_, key.second);
    result.push_back({.role = key.first,
                      .category = category.id,
                      .title = category.title,
                      .share = weight_ns / static_cast<double>(analysed_.profile.total_ns)});
  }
  std::ranges::sort(result, [](const EvidenceCell& a, const EvidenceCell& b) {
    return std::tie(b.share, a.role, a.category) < std::tie(a.share, b.role, b.category);
  });
  return result;
}

std::vector<Evidence::MergedStack> Evidence::merged_stacks(const Claim& claim,
                                                           std::size_t most_frames) const {
  // Inner frames first: that is where stacks differ.
  std::map<std::tuple<std::vector<std::uint32_t>, std::size_t, std::string_view>, MergedStack>
      merged;
  double whole = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (!claim[i]) continue;
    const Entry& entry = entries_[i];
    std::vector<std::uint32_t> frames;
    bool is_cut = false;
    if (entry.stack) {
      const Source& round = rounds_[entry.round];
      const auto stack = std::span(round.profile->stacks[*entry.stack]).subspan(entry.deciding);
      is_cut = stack.size() > most_frames;
      for (const std::uint32_t frame : stack.first(std::min(stack.size(), most_frames))) {
        frames.push_back(round.label_of[frame]);
      }
    }
    const auto [found, is_new] =
        merged.try_emplace({std::move(frames), entry.category, entry.role});
    MergedStack& stack = found->second;
    if (is_new) stack.first = i;
    stack.is_whole = stack.is_whole && !is_cut;
    stack.share += entry.weight_ns;
    whole += entry.weight_ns;
  }
  std::vector<MergedStack> result;
  for (auto& [key, stack] : merged) {
    stack.frames = std::get<0>(key);
    stack.share /= whole;
    result.push_back(std::move(stack));
  }
  std::ranges::stable_sort(
      result, [](const MergedStack& a, const MergedStack& b) { return a.share > b.share; });
  return result;
}

CarryingStack Evidence::with_names(const MergedStack& stack) const {
  const Entry& entry = entries_[stack.first];
  CarryingStack result;
  result.role = entry.role;
  result.category = category(entry).id;
  for (const std::uint32_t label : std::views::reverse(stack.frames)) {
    result.frames.push_back(labels_[label]);
  }
  result.is_whole = stack.is_whole;
  result.share = stack.share;
  return result;
}

std::vector<CarryingStack> Evidence::carrying_stacks(const Claim& claim) const {
  std::vector<MergedStack> merged;
  // From few frames to many: fewer are cheaper, and more frames never make fewer stacks.
  for (const std::size_t most_frames : kFrameSteps) {
    std::vector<MergedStack> finer = merged_stacks(claim, most_frames);
    double carried = 0;
    std::size_t count = 0;
    while (count < finer.size() && carried < kCarried) carried += finer[count++].share;
    if (!merged.empty() && count > kMostStacks) break;
    finer.resize(count);
    merged = std::move(finer);
  }
  std::vector<CarryingStack> result;
  result.reserve(merged.size());
  for (const MergedStack& stack : merged) result.push_back(with_names(stack));
  return result;
}

std::size_t Evidence::call_sites(const Claim& claim) const {
  std::size_t count = 0;
  // The frame that decided is a function of a library; its callers say where it is called.
  for (const MergedStack& stack : merged_stacks(claim, 3)) count += stack.share >= kSiteShare;
  return count;
}

}  // namespace vfsprof::reports
