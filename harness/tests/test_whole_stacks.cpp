#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/collect/collector.h"
#include "harness/collect/perf_event.h"
#include "harness/collect/sampler.h"
#include "harness/collect/user_stack.h"
#include "harness/tests/collect_subject.h"

namespace vfsprof::harness {
namespace {

using reports::Frame;
using reports::FrameKind;

/// What is expected of the stacks in a mode of the subject: first `leaves` (if there are any,
/// stacks that do not begin with one are not looked at: making threads, the work of oneTBB), then
/// frames of other objects, then `parent`.
struct KnownTree {
  std::string mode;
  std::vector<std::string> leaves;  ///< "" is code without a name: the linkage table
  std::string parent;
  std::string object = "stack_subject";
};

/// Whether the parent of the user leaf is right; nothing for a stack that is not looked at.
std::optional<bool> has_known_parent(const std::vector<Frame>& stack, const KnownTree& tree) {
  auto frame =
      std::ranges::find_if(stack, [](const Frame& each) { return each.kind == FrameKind::kUser; });
  if (frame == stack.end()) return std::nullopt;
  const auto is_leaf = [&](const Frame& each) {
    return std::ranges::count(tree.leaves, each.function) > 0;
  };
  if (!tree.leaves.empty() && !is_leaf(*frame)) return std::nullopt;
  const auto is_between = [&](const Frame& each) {
    return is_leaf(each) || each.module != tree.object || each.function.empty() ||
           each.kind != FrameKind::kUser;
  };
  while (frame != stack.end() && is_between(*frame)) ++frame;
  return frame != stack.end() && frame->function == tree.parent;
}

struct Shares {
  std::uint64_t samples = 0;
  double right_parent = 0;
  double whole = 0;
  std::size_t deepest = 0;
};

/// A number of samples that makes a share of 99 % mean something, whatever the machine is busy
/// with.
constexpr std::uint64_t kCpuMs = 400;

/// Like let_use_cpu(), threads that have ended included.
void let_process_use_cpu(pid_t pid, std::uint64_t milliseconds) {
  clockid_t clock = 0;
  ASSERT_EQ(::clock_getcpuclockid(pid, &clock), 0);
  for (timespec used{};
       static_cast<std::uint64_t>(used.tv_sec * 1000 + used.tv_nsec / 1'000'000) < milliseconds;
       ::usleep(1000)) {
    ::clock_gettime(clock, &used);
  }
}

Shares observe(const KnownTree& tree, UnwindMethod method, const CollectorOptions& shared = {}) {
  Subject subject(tree.mode.c_str(), VFSPROF_STACK_SUBJECT);
  CollectorOptions options = shared;
  options.unwind = method;
  const auto sampler = make_sampler(options);
  sampler->attach({.pid = subject.pid(), .counter_page = std::nullopt});
  sampler->start();
  subject.say();
  let_process_use_cpu(subject.pid(), kCpuMs);
  sampler->stop();
  reports::Round round;
  sampler->collect(round);
  Shares shares;
  const reports::Profile& profile = round.profile.value();
  std::map<std::string, std::uint64_t> wrong;
  for (const reports::SampleCount& sample : profile.samples) {
    if (round.threads.at(sample.thread).role != "late-worker") continue;
    std::vector<Frame> stack;
    std::string text;
    for (const std::uint32_t index : profile.stacks.at(sample.stack)) {
      stack.push_back(profile.frames.at(index));
      text += fmt::format(" < {}({})", stack.back().function, stack.back().module);
    }
    const std::optional<bool> right = has_known_parent(stack, tree);
    if (!right) continue;
    shares.samples += sample.count;
    shares.deepest = std::max(shares.deepest, stack.size());
    if (*right) {
      shares.right_parent += static_cast<double>(sample.count);
    } else {
      wrong[text] += sample.count;
    }
  }
  shares.right_parent /= static_cast<double>(std::max<std::uint64_t>(1, shares.samples));
  const auto walked = profile.whole_stacks + profile.cut_short_stacks;
  shares.whole = static_cast<double>(profile.whole_stacks) /
                 static_cast<double>(std::max<std::uint64_t>(1, walked));
  if (method == UnwindMethod::kAuto) {
    for (const auto& [text, count] : wrong) {
      fmt::print("  {}: {} samples:{}\n", tree.mode, count, text.substr(0, 300));
    }
  }
  EXPECT_EQ(profile.lost, 0u);
  return shares;
}

/// Why whole stacks cannot be tested here; empty if they can.
std::string obstacle() {
  const EventChoice choice = choose_sampling_event({}, ::getpid());
  if (!choice.event) return choice.detail;
  return choice.event->unwind_refusal;
}

void expect_whole_stacks(const KnownTree& tree) {
  if (const std::string why = obstacle(); !why.empty()) GTEST_SKIP() << why;
  const Shares both = observe(tree, UnwindMethod::kAuto);
  fmt::print("{}: n = {}, parent right {:.2f} %, whole {:.2f} %\n", tree.mode, both.samples,
             100 * both.right_parent, 100 * both.whole);
  EXPECT_GT(both.samples, 100u);
  EXPECT_GE(both.right_parent, 0.99);
  EXPECT_GE(both.whole, 0.99);
  if (tree.mode.starts_with('/')) return;  // deleted by now
  const Shares pointers = observe(tree, UnwindMethod::kFramePointers);
  fmt::print("{}: n = {}, parent right {:.2f} % by frame pointers alone\n", tree.mode,
             pointers.samples, 100 * pointers.right_parent);
}

TEST(WholeStacks, ThroughTheCallbackOfQsort) {
  expect_whole_stacks(
      {"qsort", {"stack_subject_leaf", "stack_subject_compare"}, "stack_subject_sort"});
}
TEST(WholeStacks, FromMemmove) { expect_whole_stacks({"memmove", {}, "stack_subject_move"}); }
TEST(WholeStacks, FromAMutexInTheKernel) {
  expect_whole_stacks({"mutex", {}, "stack_subject_lock"});
}
TEST(WholeStacks, FromAConditionVariableInTheKernel) {
  expect_whole_stacks({"condition", {}, "stack_subject_hand_over"});
}
TEST(WholeStacks, ThroughOneTbb) {
  expect_whole_stacks({"tbb", {"stack_subject_leaf"}, "stack_subject_tbb_body"});
}
TEST(WholeStacks, ThroughASignalHandler) {
  expect_whole_stacks(
      {"signal", {"stack_subject_leaf", "stack_subject_handler"}, "stack_subject_interrupted"});
}
TEST(WholeStacks, OfThreadsThatLiveFewMilliseconds) {
  expect_whole_stacks({"short_lived", {"stack_subject_leaf"}, "stack_subject_short_lived"});
}

TEST(WholeStacks, ThroughAnOpenedAndDeletedObjectWithoutFramePointersAndItsLinkageTable) {
  std::string path = ::testing::TempDir() + "vfsprof-stack-XXXXXX";
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  const std::filesystem::path folder = path;
  const auto object = folder / "libobject.so";
  std::filesystem::copy_file(VFSPROF_STACK_OBJECT, object);
  expect_whole_stacks({object.string(),
                       {"stack_subject_object_callee", ""},
                       "stack_subject_object_caller",
                       "libobject.so"});
  std::filesystem::remove_all(folder);
}

TEST(WholeStacks, BeyondTheCopyOfTheStackFramePointersLeadOn) {
  if (const std::string why = obstacle(); !why.empty()) GTEST_SKIP() << why;
  const KnownTree tree{
      "deep", {"stack_subject_leaf", "stack_subject_deep"}, "stack_subject_deep_root"};
  const Shares both = observe(tree, UnwindMethod::kAuto);
  EXPECT_GE(both.right_parent, 0.99);
  EXPECT_GE(both.deepest, 66u);
  const Shares tables = observe(tree, UnwindMethod::kTables);
  EXPECT_LT(tables.right_parent, 0.01);
  EXPECT_LT(tables.whole, 0.01);
}

TEST(WholeStacks, RoundsTakeWhatThoseBeforeThemHaveLacked) {
  if (const std::string why = obstacle(); !why.empty()) GTEST_SKIP() << why;
  const KnownTree deep{"deep", {}, "stack_subject_deep_root"};
  const CollectorOptions shared;
  for (const std::uint32_t bytes : {4096u, 8192u, 16384u, 32768u}) {
    EXPECT_EQ(shared.stack_copy->bytes(), bytes);
    observe(deep, UnwindMethod::kTables, shared);
  }
  EXPECT_EQ(shared.stack_copy->bytes(), StackCopySize::kMost);
}

TEST(WholeStacks, CopiesGrowForMoreThanOneStackInAHundred) {
  StackCopySize size;
  size.learn(0, 0);
  size.learn(1000, 10);
  EXPECT_EQ(size.bytes(), StackCopySize::kLeast);
  size.learn(1000, 11);
  EXPECT_EQ(size.bytes(), 2 * StackCopySize::kLeast);
  StackCopySize asked_for(61440);
  asked_for.learn(1, 1);
  EXPECT_EQ(asked_for.bytes(), 61440u);
}

TEST(WholeStacks, ChainsAreJoinedBehindTheLongestCommonPart) {
  std::vector<std::uint64_t> walked{1, 2, 7, 7};
  EXPECT_TRUE(join_chains(walked, std::vector<std::uint64_t>{2, 7, 7, 7, 8}));
  EXPECT_EQ(walked, (std::vector<std::uint64_t>{1, 2, 7, 7, 7, 8}));
  EXPECT_FALSE(join_chains(walked, std::vector<std::uint64_t>{3, 4}));
}

TEST(WholeStacks, WhereOnlyStackCopiesAreRefusedFramePointersAreUsedAndItIsSaid) {
  const auto choice = choose_sampling_event(
      {}, 1, [](const perf_event_attr& attributes, EventPlace) -> Result<UniqueFd> {
        if ((attributes.sample_type & PERF_SAMPLE_STACK_USER) != 0) return fail(EOPNOTSUPP);
        return UniqueFd(::dup(STDERR_FILENO));
      });
  ASSERT_TRUE(choice.event);
  EXPECT_EQ(choice.event->unwind, UnwindMethod::kFramePointers);
  EXPECT_FALSE(choice.event->unwind_refusal.empty());
  EXPECT_EQ(choice.event->attributes.sample_stack_user, 0u);
}

}  // namespace
}  // namespace vfsprof::harness
