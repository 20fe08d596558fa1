#include "harness/scenario/steps_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "harness/scenario/errno_names.h"
#include "harness/scenario/step_kinds.h"

namespace vfsprof::harness {
namespace {

constexpr int kMostLoopsDeep = 8;
constexpr std::uint64_t kMaxFileBytes = 4ULL << 30;
constexpr std::uint64_t kDefaultBs = 1 << 20;

Distribution fixed(std::uint64_t bytes) {
  return std::make_shared<QuantileTable>(QuantileTable::fixed(bytes));
}

const StepKind& read_kind(const JsonNode& node) {
  std::vector<std::string_view> names;
  for (const StepKind& kind : kStepKinds) names.push_back(kind.name);
  return kStepKinds[read_choice(node, names)];
}

/// Checks that the step has the keys of its kind and no others.
void check_step_keys(const JsonNode& node, const StepKind& kind) {
  std::vector<std::string_view> allowed{"op"};
  std::vector<std::string_view> required{"op"};
  for (std::size_t bit = 0; bit < kStepKeyNames.size(); ++bit) {
    if ((kind.keys >> bit & 1) != 0) allowed.push_back(kStepKeyNames[bit]);
    if ((kind.required >> bit & 1) != 0) required.push_back(kStepKeyNames[bit]);
  }
  check_keys(node, allowed, required);
}

double read_theta(const JsonNode& node) {
  constexpr std::array<std::string_view, 1> kKeys{"zipf"};
  check_keys(node, kKeys, kKeys);
  const JsonNode theta = node.at("zipf");
  if (!theta.value.is_number() || theta.value.get<double>() < 0 || theta.value.get<double>() > 10) {
    reject(theta, fmt::format("{} is not allowed: give a number from 0 to 10", theta.value.dump()));
  }
  return theta.value.get<double>();
}

void read_pick(const JsonNode& node, Instruction& step) {
  constexpr std::array<std::string_view, 3> kPicks{"random", "next", "same"};
  if (node.value.is_object()) {
    step.pick = Pick::kZipf;
    step.theta = read_theta(node);
  } else {
    step.pick = static_cast<Pick>(read_choice(node, kPicks));
  }
}

void read_offset(const JsonNode& node, Instruction& step) {
  constexpr std::array<std::string_view, 2> kModes{"next", "random"};
  if (node.value.is_object() && node.value.contains("zipf") && !node.value["zipf"].is_object()) {
    step.offset = OffsetMode::kZipf;
    step.theta = read_theta(node);
  } else if (node.value.is_object() || node.value.is_number()) {
    step.offset = OffsetMode::kTable;
    step.offsets = read_distribution(node, {0, kMaxFileBytes});
  } else {
    step.offset = static_cast<OffsetMode>(read_choice(node, kModes));
  }
}

void read_flags(const JsonNode& node, Instruction& step) {
  constexpr std::array<std::string_view, 4> kFlags{"dsync", "append", "truncate", "read-only"};
  if (!node.value.is_array()) reject(node, "give an array of dsync, append, truncate, read-only");
  for (std::size_t i = 0; i < node.value.size(); ++i) {
    step.flags |= static_cast<std::uint8_t>(1U << read_choice(node.at(i), kFlags));
  }
}

void read_mode(const JsonNode& node, Instruction& step) {
  const std::string text = node.value.is_string() ? node.value.get<std::string>() : "";
  if (text.size() != 4 || text.find_first_not_of("01234567") != std::string::npos ||
      text[0] != '0') {
    reject(node, fmt::format("{} is not allowed: give permission bits in octal, as \"0644\"",
                             node.value.dump()));
  }
  step.mode = static_cast<std::uint32_t>(std::stoul(text, nullptr, 8));
}

void read_expect(const JsonNode& node, Instruction& step) {
  std::vector<std::string_view> names;
  for (const NamedErrno& error : kExpectableErrors) names.push_back(error.name);
  step.expected = -kExpectableErrors[read_choice(node, names)].value;
}

/// Name of an extended attribute: in the namespace that ordinary users may write.
std::string read_xattr_name(const JsonNode& node) {
  const std::string name = read_line_of_text(node, 200);
  if (!name.starts_with("user.") || name.size() < 6) {
    reject(node, fmt::format("{} is not allowed: give a name that begins with \"user.\"",
                             node.value.dump()));
  }
  return name;
}

/// The keys that mean the same in every step.
void read_common(const JsonNode& node, Instruction& step) {
  struct Reader {
    std::string_view key;
    void (*read)(const JsonNode&, Instruction&);
  };
  constexpr Reader kReaders[] = {
      {"pick", read_pick},
      {"offset", read_offset},
      {"flags", read_flags},
      {"mode", read_mode},
      {"expect", read_expect},
      {"fd",
       [](const JsonNode& value, Instruction& out) {
         out.fd = static_cast<std::uint32_t>(read_integer(value, {0, kMaxOpenFiles - 1}));
       }},
      {"bs", [](const JsonNode& value,
                Instruction& out) { out.bs = read_distribution(value, {1, kMaxBlockBytes}); }},
      {"size",
       [](const JsonNode& value, Instruction& out) {
         const bool xattr = out.code == StepCode::kSetxattr;
         out.size = read_distribution(value, {0, xattr ? 4096 : kMaxFileBytes});
       }},
      {"time", [](const JsonNode& value,
                  Instruction& out) { out.count = read_duration_ns(value, {0, 60'000'000'000}); }},
  };
  for (const Reader& reader : kReaders) {
    const std::string key(reader.key);
    if (node.value.contains(key)) reader.read(node.at(key), step);
  }
}

int find_set(const JsonNode& node, std::span<const FileSet> sets) {
  const std::string name = read_name(node);
  const auto found = std::ranges::find(sets, name, &FileSet::name);
  if (found == sets.end()) {
    std::string allowed;
    for (const FileSet& set : sets) allowed += (allowed.empty() ? "" : ", ") + set.name;
    reject(node, fmt::format(
                     "there is no set '{}': {}", name,
                     sets.empty() ? "the scenario has no \"filesets\"" : "give one of " + allowed));
  }
  return static_cast<int>(found - sets.begin());
}

/// A set that a step changes names in must be its client's own and of the right type.
void check_set_of(const JsonNode& node, const StepKind& kind, const FileSet& set, bool fails) {
  constexpr std::array<std::string_view, 3> kTypes{"file", "directory", "symlink"};
  if ((kind.types >> static_cast<unsigned>(set.type) & 1) == 0) {
    reject(node, fmt::format("set '{}' is of type {}, which {} cannot take", set.name,
                             kTypes[static_cast<std::size_t>(set.type)], kind.name));
  }
  if (set.shared && kind.changes_names && !fails) {
    reject(node,
           fmt::format("set '{}' is shared, so {} would change a name or its attributes under "
                       "other clients: use a set that is not",
                       set.name, kind.name));
  }
}

}  // namespace

void StepsParser::resolve_set(const JsonNode& node, Instruction& step) {
  const StepKind& kind = *kind_of(step.code);
  const bool fails = step.expected != kInFull;
  if ((kind.keys & kKeySet) != 0) {
    const JsonNode set = node.at("set");
    step.set = find_set(set, sets);
    check_set_of(set, kind, sets[static_cast<std::size_t>(step.set)], fails);
  }
  if ((kind.keys & kKeyTo) != 0) {
    step.other_set = node.value.contains("to") ? find_set(node.at("to"), sets) : step.set;
    const FileSet& from = sets[static_cast<std::size_t>(step.set)];
    const FileSet& to = sets[static_cast<std::size_t>(step.other_set)];
    if (step.code != StepCode::kSymlink && (to.shared || from.type != to.type)) {
      reject(node, fmt::format("'{}' and '{}' must be of one type, and neither shared", from.name,
                               to.name));
    }
  }
  if (step.code == StepCode::kCreate || step.code == StepCode::kOpen) {
    if (!fails) opened_in[step.fd] = step.set;
  } else if ((kind.keys & kKeyFd) != 0) {
    step.set = opened_in[step.fd];
    if (step.set < 0) {
      reject(node,
             fmt::format("no step before this one opens fd {}: open or create it first", step.fd));
    }
  }
}

void StepsParser::read_step(const JsonNode& node, std::vector<Instruction>& out) {
  const StepKind& kind = read_kind(node.at("op"));
  check_step_keys(node, kind);
  Instruction step{.code = kind.code};
  if (kind.code == StepCode::kMkdir) step.mode = 0755;
  read_common(node, step);
  resolve_set(node, step);
  if (!step.bs && (kind.keys & kKeyBs) != 0) step.bs = fixed(kDefaultBs);
  if ((kind.keys & kKeyName) != 0) {
    step.text = static_cast<std::uint32_t>(texts.size());
    texts.push_back(read_xattr_name(node.at("name")));
  }
  out.push_back(std::move(step));
}

void StepsParser::read_repeat(const JsonNode& node, std::vector<Instruction>& out) {
  constexpr std::array<std::string_view, 2> kKeys{"repeat", "steps"};
  check_keys(node, kKeys, kKeys);
  const std::size_t start = out.size();
  out.push_back(
      {.code = StepCode::kRepeat, .count = read_integer(node.at("repeat"), {1, 100'000'000})});
  read_list(node.at("steps"), out);
  out.push_back({.code = StepCode::kEndRepeat, .target = static_cast<std::uint32_t>(start)});
  out[start].target = static_cast<std::uint32_t>(out.size());
}

void StepsParser::read_mix(const JsonNode& node, std::vector<Instruction>& out) {
  constexpr std::array<std::string_view, 1> kKeys{"mix"};
  constexpr std::array<std::string_view, 2> kBranchKeys{"weight", "steps"};
  check_keys(node, kKeys, kKeys);
  const JsonNode branches = node.at("mix");
  if (!branches.value.is_array() || branches.value.empty() || branches.value.size() > 100) {
    reject(branches, "give an array of 1 to 100 branches {\"weight\": ..., \"steps\": [...]}");
  }
  const std::size_t start = out.size();
  out.push_back({.code = StepCode::kMix});
  std::vector<std::size_t> jumps;
  for (std::size_t i = 0; i < branches.value.size(); ++i) {
    const JsonNode branch = branches.at(i);
    check_keys(branch, kBranchKeys, kBranchKeys);
    out[start].weights.push_back(
        static_cast<unsigned>(read_integer(branch.at("weight"), {1, 10'000})));
    out[start].branches.push_back(static_cast<std::uint32_t>(out.size()));
    read_list(branch.at("steps"), out);
    jumps.push_back(out.size());
    out.push_back({.code = StepCode::kJump});
  }
  for (const std::size_t jump : jumps) out[jump].target = static_cast<std::uint32_t>(out.size());
}

void StepsParser::read_list(const JsonNode& node, std::vector<Instruction>& out) {
  if (!node.value.is_array() || node.value.empty() || node.value.size() > 1000) {
    reject(node, "give an array of 1 to 1000 steps");
  }
  if (++loops_deep > kMostLoopsDeep) {
    reject(node, fmt::format("steps within steps, {} deep at most", kMostLoopsDeep));
  }
  for (std::size_t i = 0; i < node.value.size(); ++i) {
    const JsonNode step = node.at(i);
    if (step.value.is_object() && step.value.contains("op")) {
      read_step(step, out);
    } else if (step.value.is_object() && step.value.contains("repeat")) {
      read_repeat(step, out);
    } else if (step.value.is_object() && step.value.contains("mix")) {
      read_mix(step, out);
    } else {
      reject(step,
             "a step is an object with \"op\", with \"repeat\" and \"steps\", or with \"mix\"");
    }
  }
  --loops_deep;
}

std::vector<Instruction> StepsParser::read(const JsonNode& node) {
  std::vector<Instruction> out;
  read_list(node, out);
  return out;
}

}  // namespace vfsprof::harness
