#include "reports/analyze/classified_stacks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "reports/analyze/arm_profile.h"
#include "reports/analyze/arm_summary.h"
#include "reports/rules/classifier.h"

namespace vfsprof::reports {
namespace {

constexpr const char* kNoFrames = "[unknown]";
constexpr const char* kUnresolvedFrame = "[kernel, not resolved]";

class Collector {
 public:
  explicit Collector(const RuleSet& rules) : rules_(rules) {}

  void add(const Round& round) {
    const Profile& profile = *round.profile;
    Classifier classifier(rules_, profile);
    const std::vector<std::uint32_t> names = intern_frames(profile, classifier);
    std::vector<std::uint64_t> sampled_ns(round.threads.size(), 0);
    std::map<std::pair<std::string, std::uint32_t>, std::uint64_t> counts;  // by role and stack
    for (const SampleCount& sample : profile.samples) {
      counts[{round.threads[sample.thread].role, sample.stack}] += sample.count;
      sampled_ns[sample.thread] += sample.count * profile.weight_ns;
    }
    for (const auto& [key, samples] : counts) {
      const auto& [role, stack] = key;
      const auto found = classifier.classify(stack, role);
      ClassifiedStack entry{
          .role = role,
          .category = found ? rules_.rules[found->rule].category : rules_.categories.size(),
          .frames = {}};
      const std::vector<std::uint32_t>& frames = profile.stacks[stack];
      for (std::size_t i = frames.size(); i-- > 0;) entry.frames.push_back(names[frames[i]]);
      entry.deciding = found ? frames.size() - 1 - found->frame : frames.size();
      if (frames.empty()) entry.frames.push_back(intern(kNoFrames));
      if (frames.empty()) entry.deciding = 1;
      merge(std::move(entry), samples, samples * profile.weight_ns);
    }
    if (!profile.kernel_frames) add_unresolved(round, sampled_ns);
    ++result_.rounds;
    result_.operations += operations_of(round);
    result_.elapsed_ns += round.elapsed_ns;
    result_.event = profile.event;
    result_.kernel_frames = result_.kernel_frames && profile.kernel_frames;
  }

  ClassifiedStacks finish() {
    const auto names_of = [&](const ClassifiedStack& stack) {
      std::vector<std::string_view> names;
      for (const std::uint32_t frame : stack.frames) names.push_back(result_.names[frame]);
      return names;
    };
    std::ranges::sort(result_.stacks, [&](const ClassifiedStack& a, const ClassifiedStack& b) {
      if (a.role != b.role) return a.role < b.role;
      if (a.frames != b.frames) {
        const auto first = names_of(a), second = names_of(b);
        if (first != second) return first < second;
      }
      return std::pair(a.category, a.deciding) < std::pair(b.category, b.deciding);
    });
    for (const ClassifiedStack& stack : result_.stacks) {
      result_.samples += stack.samples;
      result_.weight_ns += stack.weight_ns;
    }
    return std::move(result_);
  }

 private:
  struct Key {
    std::string role;
    std::vector<std::uint32_t> frames;
    std::size_t category;
    std::size_t deciding;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      std::size_t hash = std::hash<std::string>()(key.role) ^ key.category * 31 ^ key.deciding;
      for (const std::uint32_t frame : key.frames) hash = hash * 0x9e3779b97f4a7c15ULL + frame;
      return hash;
    }
  };

  std::uint32_t intern(const std::string& name) {
    const auto [found, is_new] =
        ids_.try_emplace(name, static_cast<std::uint32_t>(result_.names.size()));
    if (is_new) result_.names.push_back(name);
    return found->second;
  }

  std::vector<std::uint32_t> intern_frames(const Profile& profile, const Classifier& classifier) {
    std::vector<std::uint32_t> ids;
    for (std::uint32_t i = 0; i < profile.frames.size(); ++i) {
      const std::string& name = classifier.name_of(i);
      ids.push_back(
          intern(name.empty() ? fmt::format("{} (no symbol)", profile.frames[i].module) : name));
    }
    return ids;
  }

  void merge(ClassifiedStack entry, std::uint64_t samples, std::uint64_t weight_ns) {
    const auto [found, is_new] = indices_.try_emplace(
        Key{entry.role, entry.frames, entry.category, entry.deciding}, result_.stacks.size());
    if (is_new) result_.stacks.push_back(std::move(entry));
    result_.stacks[found->second].samples += samples;
    result_.stacks[found->second].weight_ns += weight_ns;
  }

  void add_unresolved(const Round& round, const std::vector<std::uint64_t>& sampled_ns) {
    for (std::size_t i = 0; i < round.threads.size(); ++i) {
      const std::uint64_t cpu = round.threads[i].cpu_ns;
      const std::uint64_t rest = cpu - std::min(cpu, sampled_ns[i]);
      if (rest == 0) continue;
      merge({.role = round.threads[i].role,
             .category = rules_.categories.size() + 1,
             .frames = {intern(kUnresolvedFrame)}},
            0, rest);
    }
  }

  const RuleSet& rules_;
  ClassifiedStacks result_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::unordered_map<Key, std::size_t, Hash> indices_;
};

}  // namespace

ClassifiedStacks classify_stacks(const RunResult& result, std::size_t arm, const RuleSet& rules) {
  Collector collector(rules);
  for (const Round* round : rounds_of(result, arm).profiling) {
    if (round->profile) collector.add(*round);
  }
  return collector.finish();
}

}  // namespace vfsprof::reports
