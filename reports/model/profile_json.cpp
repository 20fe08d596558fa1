#include "reports/model/profile_json.h"

#include <fmt/format.h>

#include <functional>
#include <unordered_map>
#include <utility>

namespace vfsprof::reports {
namespace {

// Limits that no real run comes near, so that a hostile file can neither exhaust memory nor
// overflow a sum.
constexpr std::uint64_t kMaxSlices = 1'000'000;
constexpr std::uint64_t kMaxSamples = std::uint64_t{1} << 32;
constexpr std::uint64_t kMaxWeightNs = 1'000'000'000;
constexpr std::uint32_t kMaxStackDepth = 1024;
constexpr std::uint64_t kMaxStackFrames = 100'000'000;

void read_frames(StackTable& table, const JsonReader& whole) {
  const JsonReader in = whole.member("frames");
  const std::vector<std::uint64_t> kinds =
      in.member("kind").counts(static_cast<std::uint64_t>(FrameKind::kInlined));
  std::vector<std::string> functions = in.member("function").strings();
  std::vector<std::string> modules = in.member("module").strings();
  if (functions.size() != kinds.size() || modules.size() != kinds.size()) {
    in.fail("columns of one length");
  }
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    table.frames.push_back(
        {static_cast<FrameKind>(kinds[i]), std::move(functions[i]), std::move(modules[i])});
  }
}

void read_stacks(StackTable& table, const JsonReader& whole) {
  const JsonReader in = whole.member("nodes");
  const std::vector<std::uint64_t> callers = in.member("caller").counts();
  const std::vector<std::uint64_t> frames = in.member("frame").counts();
  if (callers.size() != frames.size()) in.fail("columns of one length");
  std::vector<std::uint32_t> depths(callers.size() + 1, 0);
  for (std::size_t i = 0; i < callers.size(); ++i) {
    // A caller stands before its callees: no cycles.
    if (callers[i] > i) in.member("caller").fail("callers that stand before their callees");
    if (frames[i] >= table.frames.size()) in.member("frame").fail("indices into frames");
    depths[i + 1] = depths[static_cast<std::size_t>(callers[i])] + 1;
    if (depths[i + 1] > kMaxStackDepth) {
      in.fail(fmt::format("stacks of at most {} frames", kMaxStackDepth));
    }
  }
  std::uint64_t total = 0;
  for (const std::uint64_t leaf : whole.member("stacks").counts(callers.size())) {
    total += depths[static_cast<std::size_t>(leaf)];
    if (total > kMaxStackFrames) whole.member("stacks").fail("fewer or shorter stacks");
    std::vector<std::uint32_t>& stack = table.stacks.emplace_back();
    for (std::size_t node = leaf; node != 0; node = callers[node - 1]) {
      stack.push_back(static_cast<std::uint32_t>(frames[node - 1]));
    }
  }
}

void read_samples(Profile& profile, const JsonReader& whole) {
  const JsonReader in = whole.member("samples");
  const std::vector<std::uint64_t> threads = in.member("thread").counts(UINT32_MAX);
  const std::vector<std::uint64_t> stacks = in.member("stack").counts();
  const std::vector<std::uint64_t> slices = in.member("slice").counts(kMaxSlices);
  const std::vector<std::uint64_t> counts = in.member("count").counts(kMaxSamples);
  if (stacks.size() != threads.size() || slices.size() != threads.size() ||
      counts.size() != threads.size()) {
    in.fail("columns of one length");
  }
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    if (stacks[i] >= profile.stacks.size()) in.member("stack").fail("indices into stacks");
    total += counts[i];
    if (total > kMaxSamples) in.fail(fmt::format("at most {} samples", kMaxSamples));
    profile.samples.push_back({static_cast<std::uint32_t>(threads[i]),
                               static_cast<std::uint32_t>(stacks[i]),
                               static_cast<std::uint32_t>(slices[i]), counts[i]});
  }
  if (!profile.samples.empty() && (profile.weight_ns == 0 || profile.weight_ns > kMaxWeightNs)) {
    whole.member("weight_ns").fail("nanoseconds per sample, above 0 and at most a second");
  }
}

/// The stacks as a tree of callers.
struct StackTree {
  struct Node {
    std::uint32_t caller = 0;  ///< number of a node; numbers count from 1, 0 is "no caller"
    std::uint32_t frame = 0;
  };

  explicit StackTree(const std::vector<std::vector<std::uint32_t>>& stacks) {
    std::unordered_map<std::uint64_t, std::uint32_t> numbers;
    numbers.reserve(8 * stacks.size());
    for (const auto& stack : stacks) {
      std::uint32_t node = 0;
      for (auto frame = stack.rbegin(); frame != stack.rend(); ++frame) {
        const auto [found, is_new] = numbers.try_emplace(
            std::uint64_t{node} << 32 | *frame, static_cast<std::uint32_t>(nodes.size() + 1));
        if (is_new) nodes.push_back({node, *frame});
        node = found->second;
      }
      leaves.push_back(node);
    }
  }

  std::vector<Node> nodes;
  std::vector<std::uint32_t> leaves;  ///< of each stack
};

}  // namespace

void write_stack_table(const StackTable& table, JsonObject& out) {
  JsonObject columns(out.key("frames"));
  append_column(columns.key("kind"), table.frames,
                [](const Frame& f) { return static_cast<int>(f.kind); });
  append_column(columns.key("function"), table.frames, std::mem_fn(&Frame::function));
  append_column(columns.key("module"), table.frames, std::mem_fn(&Frame::module));
  columns.close();

  const StackTree tree(table.stacks);
  JsonObject nodes(out.key("nodes"));
  append_column(nodes.key("caller"), tree.nodes, std::mem_fn(&StackTree::Node::caller));
  append_column(nodes.key("frame"), tree.nodes, std::mem_fn(&StackTree::Node::frame));
  nodes.close();
  append_column(out.key("stacks"), tree.leaves, std::identity());
}

void read_stack_table(const JsonReader& whole, StackTable& table) {
  read_frames(table, whole);
  read_stacks(table, whole);
}

void write_columns(const Profile& profile, JsonObject& out) {
  write_stack_table(profile, out);
  JsonObject samples(out.key("samples"));
  append_column(samples.key("thread"), profile.samples, std::mem_fn(&SampleCount::thread));
  append_column(samples.key("stack"), profile.samples, std::mem_fn(&SampleCount::stack));
  append_column(samples.key("slice"), profile.samples, std::mem_fn(&SampleCount::slice));
  append_column(samples.key("count"), profile.samples, std::mem_fn(&SampleCount::count));
  samples.close();
}

void read_columns(const JsonReader& whole, Profile& profile) {
  read_stack_table(whole, profile);
  read_samples(profile, whole);
}

}  // namespace vfsprof::reports
