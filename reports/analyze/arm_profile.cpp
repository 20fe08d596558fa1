#include "reports/analyze/arm_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

#include "reports/rules/classifier.h"

namespace vfsprof::reports {
namespace {

/// As many slices as a profile has, bounded so that no input can exhaust memory.
constexpr std::size_t kMaxSlices = 1'000'000;

/// How many frames of a stack that no rule knows are shown: enough to write one.
constexpr std::size_t kChainLength = 4;

/// By sampled and scheduled time, the larger of both.
std::set<std::string> heaviest_roles(const std::vector<const Round*>& rounds) {
  std::map<std::string, std::uint64_t> weights;
  for (const Round* round : rounds) {
    if (!round->profile) continue;
    std::vector<std::uint64_t> sampled_ns(round->threads.size(), 0);
    for (const SampleCount& sample : round->profile->samples) {
      sampled_ns[sample.thread] += sample.count * round->profile->weight_ns;
    }
    for (std::size_t i = 0; i < round->threads.size(); ++i) {
      weights[round->threads[i].role] += std::max(sampled_ns[i], round->threads[i].cpu_ns);
    }
  }
  std::vector<std::pair<std::uint64_t, std::string>> sorted;
  for (const auto& [role, weight] : weights) sorted.emplace_back(weight, role);
  std::sort(sorted.rbegin(), sorted.rend());
  if (sorted.size() > kMostRoles) sorted.resize(kMostRoles);
  std::set<std::string> kept;
  for (const auto& [weight, role] : sorted) kept.insert(role);
  return kept;
}

class Builder {
 public:
  Builder(const RuleSet& rules, std::set<std::string> kept_roles) : rules_(rules) {
    result_.kept_roles = std::move(kept_roles);
  }

  void add(const Round& round) {
    const Profile& profile = *round.profile;
    start_round(round, profile);
    Classifier classifier(rules_, profile);
    std::vector<std::uint64_t> sampled_ns(round.threads.size(), 0);
    const std::vector<std::uint32_t> groups = group_threads(round, classifier);
    std::unordered_map<std::uint64_t, GroupStack, Mixed> seen;
    seen.reserve(profile.stacks.size());
    for (const SampleCount& sample : profile.samples) {
      const auto [found, is_new] =
          seen.try_emplace(std::uint64_t{groups[sample.thread]} << 32 | sample.stack);
      GroupStack& entry = found->second;
      if (is_new) entry = start_stack(round, classifier, sample);
      const std::uint64_t weight = sample.count * profile.weight_ns;
      sampled_ns[sample.thread] += weight;
      entry.samples += sample.count;
      add_weight(sample.slice, entry.cell, static_cast<double>(weight));
    }
    for (const auto& [key, entry] : seen) add_stack(profile, classifier, entry);
    // Every role shows `unclassified`, also where it is empty.
    for (const Thread& thread : round.threads) {
      if (!profile.kernel_frames || sampled_ns[index_of(round, thread)] > 0) {
        cell_at(result_.shown_role(thread), rules_.categories.size());
      }
    }
    if (!profile.kernel_frames) add_unresolved(round, sampled_ns);
  }

  ArmProfile finish() {
    for (ResampledRound& round : result_.rounds) {
      for (auto& block : round.blocks) block.resize(result_.cells.size(), 0.0);
    }
    for (const Cell& cell : result_.cells) result_.total_ns += cell.weight_ns;
    return std::move(result_);
  }

 private:
  /// The samples of one stack in threads that need not be told apart.
  struct GroupStack {
    std::size_t cell = 0;
    std::uint32_t stack = 0;
    std::optional<std::size_t> deciding;  ///< position in the stack
    std::uint64_t samples = 0;
  };

  struct Mixed {
    std::size_t operator()(std::uint64_t key) const {
      key *= 0x9e3779b97f4a7c15;
      return key ^ key >> 32;
    }
  };

  /// For each thread a number; equal where table and rules treat threads alike.
  std::vector<std::uint32_t> group_threads(const Round& round, const Classifier& classifier) const {
    std::map<std::pair<std::string, std::string>, std::uint32_t> numbers;
    std::vector<std::uint32_t> groups;
    for (const Thread& thread : round.threads) {
      const std::string rule_role = classifier.knows_role(thread.role) ? thread.role : "";
      groups.push_back(numbers
                           .try_emplace({result_.shown_role(thread), rule_role},
                                        static_cast<std::uint32_t>(numbers.size()))
                           .first->second);
    }
    return groups;
  }

  GroupStack start_stack(const Round& round, Classifier& classifier, const SampleCount& sample) {
    const Thread& thread = round.threads[sample.thread];
    const auto found = classifier.classify(sample.stack, thread.role);
    GroupStack entry;
    entry.stack = sample.stack;
    if (found) entry.deciding = found->frame;
    entry.cell = cell_at(result_.shown_role(thread),
                         found ? rules_.rules[found->rule].category : rules_.categories.size());
    return entry;
  }

  void add_stack(const Profile& profile, const Classifier& classifier, const GroupStack& entry) {
    Cell& cell = result_.cells[entry.cell];
    const std::uint64_t weight = entry.samples * profile.weight_ns;
    cell.samples += entry.samples;
    cell.weight_ns += weight;
    const std::vector<std::uint32_t>& stack = profile.stacks[entry.stack];
    if (stack.empty()) return;
    cell.leaves[label(profile, classifier, stack.front())] += weight;
    if (entry.deciding) {
      cell.deciding[classifier.name_of(stack[*entry.deciding])] += weight;
      return;
    }
    std::string chain;
    for (std::size_t i = 0; i < std::min(stack.size(), kChainLength); ++i) {
      chain += fmt::format("{}{}", i == 0 ? "" : " < ", label(profile, classifier, stack[i]));
    }
    cell.chains[chain] += weight;
  }

  static std::size_t index_of(const Round& round, const Thread& thread) {
    return static_cast<std::size_t>(&thread - round.threads.data());
  }

  static std::string label(const Profile& profile, const Classifier& classifier,
                           std::uint32_t frame) {
    const std::string& name = classifier.name_of(frame);
    return name.empty() ? fmt::format("{} (no symbol)", profile.frames[frame].module) : name;
  }

  void start_round(const Round& round, const Profile& profile) {
    std::size_t slices = 1;
    for (const SampleCount& sample : profile.samples) {
      slices = std::max<std::size_t>(slices, std::size_t{sample.slice} + 1);
    }
    if (profile.slice_ns > 0 && round.elapsed_ns >= profile.slice_ns) {
      slices = round.elapsed_ns / profile.slice_ns;
    }
    slices = std::min(slices, kMaxSlices);
    block_length_ = block_length(slices);
    ResampledRound& resampled = result_.rounds.emplace_back();
    resampled.operations = static_cast<double>(operations_of(round));
    resampled.block_slices = block_length_;
    // Whole blocks: what is left at the end belongs to the last. A block with a few samples would
    // at times be all that is drawn, and stand for the whole round.
    resampled.blocks.resize(slices / block_length_);
    result_.sources.push_back(&round);
  }

  std::size_t cell_at(const std::string& role, std::size_t category) {
    const auto [found, is_new] = indices_.try_emplace({role, category}, result_.cells.size());
    if (is_new) {
      Cell& cell = result_.cells.emplace_back();
      cell.role = role;
      cell.category = category;
    }
    return found->second;
  }

  void add_to_block(std::size_t block, std::size_t cell, double weight_ns) {
    std::vector<double>& weights = result_.rounds.back().blocks[block];
    if (weights.size() <= cell) weights.resize(result_.cells.size(), 0.0);
    weights[cell] += weight_ns;
  }

  void add_weight(std::uint32_t slice, std::size_t cell, double weight_ns) {
    const std::size_t blocks = result_.rounds.back().blocks.size();
    add_to_block(std::min<std::size_t>(slice / block_length_, blocks - 1), cell, weight_ns);
  }

  /// The scheduler's time is known per round only: it is spread evenly over the blocks, so that a
  /// block in which much was sampled has little left, as it should be.
  void add_unresolved(const Round& round, const std::vector<std::uint64_t>& sampled_ns) {
    std::map<std::string, std::uint64_t> unresolved;
    for (std::size_t i = 0; i < round.threads.size(); ++i) {
      const std::uint64_t cpu = round.threads[i].cpu_ns;
      unresolved[result_.shown_role(round.threads[i])] += cpu - std::min(cpu, sampled_ns[i]);
    }
    for (const auto& [role, weight_ns] : unresolved) {
      const std::size_t cell = cell_at(role, rules_.categories.size() + 1);
      result_.cells[cell].weight_ns += weight_ns;
      if (weight_ns > 0) spread_unresolved(role, cell, static_cast<double>(weight_ns));
    }
  }

  void spread_unresolved(const std::string& role, std::size_t cell, double weight_ns) {
    auto& blocks = result_.rounds.back().blocks;
    std::vector<double> sampled(blocks.size(), 0.0);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      for (std::size_t c = 0; c < blocks[b].size(); ++c) {
        if (result_.cells[c].role == role) sampled[b] += blocks[b][c];
      }
    }
    const double all = weight_ns + std::accumulate(sampled.begin(), sampled.end(), 0.0);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      add_to_block(b, cell, all / static_cast<double>(blocks.size()) - sampled[b]);
    }
  }

  const RuleSet& rules_;
  ArmProfile result_;
  std::map<std::pair<std::string, std::size_t>, std::size_t> indices_;
  std::size_t block_length_ = 1;
};

}  // namespace

const std::string& ArmProfile::shown_role(const Thread& thread) const {
  return kept_roles.contains(thread.role) ? thread.role : kOtherThreads;
}

const Category& category_of(const RuleSet& rules, std::size_t index) {
  static const std::array<Category, 2> kBuiltIn{
      Category{std::string(kUnclassified), "unclassified", "no rule matched a frame of the stack",
               ""},
      Category{std::string(kKernelNotResolved), "kernel, not resolved",
               "CPU time by the scheduler's account that user-only sampling did not see", ""}};
  return index < rules.categories.size() ? rules.categories[index]
                                         : kBuiltIn[index - rules.categories.size()];
}

ArmProfile classify_rounds(const std::vector<const Round*>& rounds, const RuleSet& rules) {
  Builder builder(rules, heaviest_roles(rounds));
  for (const Round* round : rounds) {
    if (round->profile) builder.add(*round);
  }
  return builder.finish();
}

std::uint64_t operations_of(const Round& round) {
  std::uint64_t sum = 0;
  for (const OperationStats& stats : round.operations) sum += stats.count;
  return sum;
}

}  // namespace vfsprof::reports
