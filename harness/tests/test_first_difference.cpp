#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/experiment/first_difference.h"
#include "harness/scenario/client.h"
#include "harness/scenario/recording.h"
#include "harness/scenario/tree_hash.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

/// Two arms, a directory each; a fault is planted in the second.
class FirstDifference : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "vfsprof-difference-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  /// 100 files, then a listing, then 100 files more.
  static Scenario scenario() {
    std::string recording = R"({"name": "s", "summary": "a", "stresses": "b"})"
                            "\n";
    const auto make = [&](int i) {
      recording += R"({"client": 0, "op": "mkdir", "path": "d)" + std::to_string(i) + "\"}\n";
    };
    for (int i = 0; i < 100; ++i) make(i);
    recording += R"({"client": 0, "op": "readdir", "path": "nothing/else", "expect": "ENOENT"})"
                 "\n";
    recording += R"({"client": 0, "op": "create", "path": "f", "fd": 0})"
                 "\n";
    recording += R"({"client": 0, "op": "readdir", "path": "f"})"
                 "\n";
    for (int i = 100; i < 200; ++i) make(i);
    return parse_recording(recording, "r");
  }

  RoundOutcome run(std::uint32_t arm, const WatchedOperations& watch = {}) {
    const fs::path root = directory_ / std::to_string(arm);
    fs::create_directory(root);
    if (arm == faulty_ && --faults_ >= 0) plant(root);
    const Scenario what = scenario();
    RoundOutcome outcome;
    {
      ClientProcess clients(what, {.directory = root,
                                   .placement = Placement::kFree,
                                   .watch = watch,
                                   .program = VFSPROF_TEST_CLIENT});
      clients.wait_until_ready();
      clients.go();
      ClientResult result = clients.wait();
      EXPECT_EQ(result.failure, "");
      clients.finish();
      outcome.round.results_hash = result.results_hash;
      outcome.traces = result.traces;
      outcome.kept = result.kept;
    }
    if (arm == faulty_) fs::remove(root / "stray");
    if (arm == faulty_ && break_tree_) break_tree_(root);
    outcome.round.arm = arm;
    outcome.round.tree_hash = hash_tree(root, outcome.tree);
    fs::remove_all(root);
    return outcome;
  }

  /// A file that the listing counts.
  static void plant(const fs::path& root) { std::ofstream(root / "stray") << "x"; }

  std::vector<reports::FirstDifference> find() {
    DifferenceFinder finder(
        [this](std::uint32_t arm, const WatchedOperations& watch) { return run(arm, watch); });
    std::vector<reports::FirstDifference> differences;
    for (std::uint32_t block = 0; block < 2; ++block) {
      // The second block in the reverse order, as experiments do it.
      for (const std::uint32_t arm : {block, 1 - block}) {
        RoundOutcome outcome = run(arm);
        outcome.round.block = block;
        finder.add(outcome, differences);
      }
    }
    return differences;
  }

  fs::path directory_;
  std::uint32_t faulty_ = 1;
  int faults_ = 1000;  ///< how often the fault shows
  void (*break_tree_)(const fs::path& root) = nullptr;
};

TEST_F(FirstDifference, ThereIsNoneBetweenTheSame) {
  faults_ = 0;
  EXPECT_TRUE(find().empty());
}

TEST_F(FirstDifference, NamesClientOperationAndBothResults) {
  const auto differences = find();
  ASSERT_EQ(differences.size(), 1U);
  const reports::FirstDifference& found = differences[0];
  EXPECT_EQ(found.fact, "results");
  EXPECT_EQ(found.before, 0U);
  EXPECT_EQ(found.after, 1U);
  EXPECT_EQ(found.block, 0U);
  EXPECT_EQ(found.client, 0U);
  EXPECT_EQ(found.operation, 103U);
  EXPECT_EQ(found.place, "readdir of f");
  EXPECT_EQ(found.before_value, "103");
  EXPECT_EQ(found.after_value, "104");
}

TEST_F(FirstDifference, SaysSoWhereItDoesNotShowAgain) {
  faults_ = 1;
  const auto differences = find();
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].operation, 0U);
  EXPECT_EQ(differences[0].place,
            "operations 65 to 128; in a second pass they had the same results, so it depends on "
            "chance");
}

TEST_F(FirstDifference, NamesTheEntryOfTheTreeAndBothStates) {
  faults_ = 0;
  break_tree_ = [](const fs::path& root) { std::ofstream(root / "f") << "abc"; };
  auto differences = find();
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].fact, "tree");
  EXPECT_EQ(differences[0].place, "f");
  EXPECT_TRUE(differences[0].before_value.starts_with("mode 100644, 0 bytes, contents "));
  EXPECT_TRUE(differences[0].after_value.starts_with("mode 100644, 3 bytes, contents "));

  break_tree_ = [](const fs::path& root) { fs::remove(root / "d150"); };
  differences = find();
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].place, "d150");
  EXPECT_EQ(differences[0].before_value, "mode 40755");
  EXPECT_EQ(differences[0].after_value, "nothing");

  break_tree_ = [](const fs::path& root) { fs::create_directory(root / "a-stray"); };
  differences = find();
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences[0].place, "a-stray");
  EXPECT_EQ(differences[0].before_value, "nothing");
}

}  // namespace
}  // namespace vfsprof::harness
