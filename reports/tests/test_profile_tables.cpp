#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "reports/analyze/document_rows.h"
#include "reports/analyze/report.h"
#include "reports/tests/synthetic.h"

namespace vfsprof::reports {
namespace {

using synthetic::add_profile;
using synthetic::hand_off_samples;
using synthetic::kernel;
using synthetic::make_result;
using synthetic::make_round;
using synthetic::StackSamples;
using synthetic::user;

RunResult one_arm(const std::vector<std::vector<StackSamples>>& rounds) {
  RunResult result = make_result({"mutex-pool"});
  for (std::uint32_t i = 0; i < rounds.size(); ++i) {
    Round round = make_round({.block = i, .kind = RoundKind::kProfiling});
    add_profile(round, rounds[i]);
    result.rounds.push_back(round);
  }
  return result;
}

ProfileTables tables_of(const RunResult& result) {
  return *build_report(result, default_rules()).arms[0].profile;
}

const RoleTable& role_of(const ProfileTables& tables, const std::string& name) {
  for (const RoleTable& role : tables.roles) {
    if (role.role == name) return role;
  }
  throw std::runtime_error("no role " + name);
}

const CategoryRow& row_of(const RoleTable& role, std::string_view id) {
  for (const CategoryRow& row : role.rows) {
    if (row.id == id) return row;
  }
  throw std::runtime_error("no row " + std::string(id));
}

void expect_exact_sums(const ProfileTables& tables) {
  std::uint64_t samples = 0, share = 0;
  std::uint64_t weight = 0;
  double exact = 0;
  for (const RoleTable& role : tables.roles) {
    std::uint64_t row_samples = 0, row_share = 0, row_cost = 0, row_weight = 0, last = UINT64_MAX;
    bool has_unclassified = false;
    for (const CategoryRow& row : role.rows) {
      row_samples += row.time.samples;
      row_share += row.time.printed_share;
      row_cost += row.time.printed_cost_ns;
      row_weight += row.time.weight_ns;
      EXPECT_LE(row.time.weight_ns, last) << "rows descend";
      last = row.time.weight_ns;
      has_unclassified |= row.id == kUnclassified;
      EXPECT_NEAR(static_cast<double>(row.time.printed_share) / 10'000, row.time.share.value,
                  0.00021);
    }
    EXPECT_EQ(row_samples, role.time.samples);
    EXPECT_EQ(row_share, role.time.printed_share);
    EXPECT_EQ(row_cost, role.time.printed_cost_ns);
    EXPECT_EQ(row_weight, role.time.weight_ns);
    EXPECT_TRUE(has_unclassified) << role.role;
    samples += role.time.samples;
    share += role.time.printed_share;
    weight += role.time.weight_ns;
    exact += role.time.share.value;
  }
  EXPECT_EQ(samples, tables.samples);
  EXPECT_EQ(share, weight == 0 ? 0U : 10'000U);
  if (weight > 0) {
    EXPECT_NEAR(exact, 1, 1e-9);
  }
}

TEST(ProfileTables, SumsAreExactForRandomProfiles) {
  std::mt19937_64 random(17);
  const std::vector<Frame> frames{kernel("futex_wake"),
                                  kernel("futex_wait"),
                                  kernel("fuse_dev_do_write"),
                                  kernel("do_syscall_64"),
                                  kernel("handle_mm_fault"),
                                  user("memmove"),
                                  user("malloc"),
                                  user("mystery"),
                                  user(""),
                                  kernel("fuse_copy_fill"),
                                  user("pthread_mutex_lock"),
                                  user("start_thread")};
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<std::vector<StackSamples>> rounds(1 + random() % 3);
    for (auto& samples : rounds) {
      for (std::size_t i = random() % 30; i > 0; --i) {
        StackSamples& entry = samples.emplace_back();
        entry.role = std::string("role-") + static_cast<char>('a' + random() % 5);
        for (std::size_t depth = random() % 6; depth > 0; --depth) {
          entry.stack.push_back(frames[random() % frames.size()]);
        }
        entry.count = random() % (random() % 2 == 0 ? 5 : 5'000);
      }
    }
    RunResult result = one_arm(rounds);
    if (trial % 4 == 0) {
      for (Round& round : result.rounds) round.profile->kernel_frames = false;
    }
    expect_exact_sums(tables_of(result));
  }
}

TEST(ProfileTables, SharesAndCostsAreThoseOfTheSamples) {
  const ProfileTables tables = tables_of(one_arm({hand_off_samples(10), hand_off_samples(10)}));
  // 86 weights of 10 samples per round; 2 rounds of 1000 operations.
  EXPECT_EQ(tables.samples, 1'720U);
  EXPECT_EQ(tables.operations, 2'000U);
  EXPECT_NEAR(tables.classified, 85.0 / 86, 1e-12);
  EXPECT_EQ(tables.roles.front().role, "vfs-io-worker");
  const CategoryRow& wake = row_of(tables.roles.front(), "futex-wake");
  EXPECT_EQ(&wake, &tables.roles.front().rows.front());
  EXPECT_EQ(wake.time.samples, 340U);
  EXPECT_NEAR(wake.time.share.value, 17.0 / 86, 1e-12);
  EXPECT_NEAR(wake.time.cost_ns.value, 170'000, 1e-6);
  ASSERT_TRUE(wake.time.share.interval);
  EXPECT_LE(wake.time.share.interval->low, wake.time.share.value);
  EXPECT_GE(wake.time.share.interval->high, wake.time.share.value);
  EXPECT_EQ(wake.deciding.front().name, "futex_wake");
  EXPECT_EQ(wake.leaves.front().name, "try_to_wake_up");
  EXPECT_EQ(role_of(tables, "vfs-async-executor").kernel_name, "vfs-async-execu");
  EXPECT_EQ(tables.groups.front().group, "futex");
  EXPECT_NEAR(tables.groups.front().time.share.value, (17 + 9 + 5 + 7 + 5) / 86.0, 1e-12);
  EXPECT_EQ(tables.groups.front().roles.size(), 3U);
  EXPECT_TRUE(row_of(tables.roles.front(), kUnclassified).thin);
}

TEST(ProfileTables, AFewSamplesAtTheEndDoNotStandForTheWholeRound) {
  // The last of five slices, a block of its own beside two of two, has one sample.
  RunResult result = one_arm({});
  Round round = make_round({.kind = RoundKind::kProfiling});
  add_profile(
      round,
      {{"vfs-io-worker", {user("memcpy")}, 900}, {"vfs-io-worker", {kernel("futex_wake")}, 900}},
      4);
  round.elapsed_ns = 401'000'000;
  round.profile->samples.push_back({round.profile->samples[0].thread, 0, 4, 1});
  result.rounds.push_back(round);
  const Interval interval =
      *row_of(role_of(tables_of(result), "vfs-io-worker"), "memory-copy").time.share.interval;
  EXPECT_GT(interval.low, 0.45);
  EXPECT_LT(interval.high, 0.55);
}

TEST(ProfileTables, OneSampleHasAnIntervalToo) {
  // In rounds of one block each nothing is known of the spread within them.
  const std::vector<StackSamples> round{{"vfs-io-worker", {user("memcpy")}, 1},
                                        {"vfs-io-worker", {kernel("futex_wake")}, 28}};
  RunResult result = make_result({"mutex-pool"});
  for (std::uint32_t i = 0; i < 2; ++i) {
    result.rounds.push_back(make_round({.block = i, .kind = RoundKind::kProfiling}));
    add_profile(result.rounds.back(), round, 1);
  }
  const ProfileTables tables = tables_of(result);
  const CategoryRow& row = row_of(role_of(tables, "vfs-io-worker"), "memory-copy");
  EXPECT_TRUE(row.thin);
  EXPECT_NEAR(row.time.share.interval->low, 0.0095, 0.0001);  // Wilson's, for 2 of 58
  EXPECT_NEAR(row.time.share.interval->high, 0.1173, 0.0001);
  EXPECT_NEAR(row.time.cost_ns.interval->high / row.time.cost_ns.value,
              row.time.share.interval->high / row.time.share.value, 1e-9);
}

TEST(ProfileTables, UnclassifiedIsShownEvenAtZeroWithABound) {
  const ProfileTables tables = tables_of(one_arm({{{"mount_vfs", {kernel("futex_wake")}, 300}}}));
  const CategoryRow& row = row_of(role_of(tables, "mount_vfs"), kUnclassified);
  EXPECT_EQ(row.time.printed_share, 0U);
  EXPECT_DOUBLE_EQ(row.time.share.interval->high, 0.01);
}

TEST(ProfileTables, WithoutKernelSamplesTheSchedulersTimeFillsTheGap) {
  RunResult result = make_result({"mutex-pool"});
  Round round = make_round({.kind = RoundKind::kProfiling});
  add_profile(round,
              {{"vfs-io-worker", {user("memmove")}, 100}, {"mount_vfs", {user("malloc")}, 50}});
  round.profile->kernel_frames = false;
  for (Thread& thread : round.threads) thread.cpu_ns = 0;
  round.threads[0].cpu_ns = 400'000'000;  // vfs-io-worker: 100 ms sampled
  round.threads[1].cpu_ns = 20'000'000;   // mount_vfs: less than was sampled
  round.threads[2].cpu_ns = 30'000'000;   // vfs-async-executor: nothing sampled
  result.rounds.push_back(round);
  const ProfileTables tables = tables_of(result);
  expect_exact_sums(tables);
  EXPECT_FALSE(tables.kernel_frames);
  // Denominator: 400 + 50 + 30 ms.
  const RoleTable& worker = role_of(tables, "vfs-io-worker");
  EXPECT_EQ(row_of(worker, kKernelNotResolved).time.weight_ns, 300'000'000U);
  EXPECT_NEAR(row_of(worker, kKernelNotResolved).time.share.value, 300.0 / 480, 1e-9);
  EXPECT_NEAR(row_of(worker, "memory-copy").time.share.value, 100.0 / 480, 1e-9);
  EXPECT_EQ(row_of(role_of(tables, "mount_vfs"), kKernelNotResolved).time.weight_ns, 0U);
  EXPECT_EQ(row_of(role_of(tables, "vfs-async-executor"), kKernelNotResolved).time.weight_ns,
            30'000'000U);
}

TEST(ProfileTables, EveryRowOfTheDocumentIsFoundOrSaysWhyNot) {
  const Report report = build_report(one_arm({hand_off_samples(10)}), default_rules());
  EXPECT_EQ(report.document_arm, "mutex-pool");
  ASSERT_EQ(report.document_rows.size(), 13U);
  std::size_t found = 0;
  for (const DocumentRow& row : report.document_rows) {
    if (row.absent.empty()) {
      ++found;
      EXPECT_GT(row.time.samples, 0U) << row.title;
    } else {
      EXPECT_NE(row.absent.find("of 860 samples"), std::string::npos) << row.absent;
    }
  }
  // The synthetic profile has no disk cache, no pool index and no pool blocks.
  EXPECT_EQ(found, 10U);
  RunResult other = one_arm({hand_off_samples(1)});
  other.arms[0].name = "sync-path";
  EXPECT_TRUE(build_report(other, default_rules()).document_rows.empty());
}

}  // namespace
}  // namespace vfsprof::reports
