#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/scenario/operations.h"

namespace vfsprof::harness {
namespace {

std::vector<Operation> measured(const Job& job, OperationStream::Identity identity = {}) {
  OperationStream stream(job, identity);
  std::vector<Operation> operations;
  for (Operation operation; stream.next(operation);) operations.push_back(operation);
  return operations;
}

/// One letter per operation with its file, as in "create0 write0@4096".
std::string script(const std::vector<Operation>& operations) {
  std::string text;
  for (const Operation& operation : operations) {
    text += text.empty() ? "" : " ";
    text += kOperationNames[static_cast<std::size_t>(operation.kind)];
    if (operation.kind == OperationKind::kPause) continue;
    text += std::to_string(operation.file);
    if (operation.size > 0) text += "@" + std::to_string(operation.offset);
  }
  return text;
}

Job two_blocks() {
  Job job;
  job.size = 8192;
  return job;
}

TEST(OperationStream, GivesTheSameOperationsForTheSameSeed) {
  for (const ScenarioSummary& summary : built_in_scenarios()) {
    const Scenario scenario = load_scenario(summary.name);
    for (const Job& job : scenario.jobs) {
      if (job.form != JobForm::kPattern) continue;
      const auto operations = measured(job, {.seed = 7, .client = 3});
      EXPECT_FALSE(operations.empty());
      EXPECT_EQ(operations, measured(job, {.seed = 7, .client = 3})) << summary.name;
      if (!is_random(job.rw)) continue;
      EXPECT_NE(operations, measured(job, {.seed = 8, .client = 3})) << summary.name;
      EXPECT_NE(operations, measured(job, {.seed = 7, .client = 4})) << summary.name;
    }
  }
}

TEST(OperationStream, WritesSequentiallyThroughAllFiles) {
  Job job = two_blocks();
  job.nrfiles = 2;
  EXPECT_EQ(script(measured(job)), "write0@0 write0@4096 write1@0 write1@4096");
  job.number_ios = 5;
  EXPECT_EQ(script(measured(job)), "write0@0 write0@4096 write1@0 write1@4096 write0@0");
  EXPECT_EQ(script(setup_operations(job)), "create0 create1");
  EXPECT_EQ(script(closing_operations(job)), "close0 close1");
}

TEST(OperationStream, CreatesFreshFilesInEachLoop) {
  Job job = two_blocks();
  job.create = true;
  job.end_fsync = true;
  job.loops = 2;
  job.thinktime = std::chrono::seconds(1);
  const std::string burst = "create0 write0@0 write0@4096 fsync0 close0";
  EXPECT_EQ(script(measured(job)), burst + " pause unlink0 " + burst);
  EXPECT_EQ(script(setup_operations(job)), "");
  EXPECT_EQ(script(closing_operations(job)), "");
}

TEST(OperationStream, ReadsBackWhatItVerifies) {
  Job job = two_blocks();
  job.verify = true;
  job.reopen = true;
  EXPECT_EQ(script(measured(job)), "open0 write0@0 write0@4096 read0@0 read0@4096 close0");
  EXPECT_EQ(script(setup_operations(job)), "create0 close0");
}

TEST(OperationStream, SyncsAfterEveryNthWriteToAFile) {
  Job job = two_blocks();
  job.fsync = 2;
  job.nrfiles = 2;
  job.loops = 2;
  const std::string loop = "write0@0 write0@4096 fsync0 write1@0 write1@4096 fsync1";
  EXPECT_EQ(script(measured(job)), loop + " " + loop);
}

TEST(OperationStream, SyncsFilesThatStayOpenOnceAtTheEnd) {
  Job job = two_blocks();
  job.end_fsync = true;
  job.loops = 2;
  EXPECT_EQ(script(measured(job)), "write0@0 write0@4096 write0@0 write0@4096 fsync0");
}

TEST(OperationStream, MixesReadsAndWritesInTheShareAskedFor) {
  Job job = two_blocks();
  job.rw = AccessPattern::kRandReadWrite;
  job.prefill = true;
  job.number_ios = 20000;
  for (const unsigned share : {0U, 30U, 100U}) {
    job.rwmixread = share;
    const auto reads = std::ranges::count(measured(job), OperationKind::kRead, &Operation::kind);
    EXPECT_NEAR(static_cast<double>(reads) / 20000, share / 100.0, 0.02);
  }
}

TEST(OperationStream, RandomOffsetsCoverAllBlocksEvenlyAndStayInside) {
  Job job;
  job.rw = AccessPattern::kRandWrite;
  job.size = 16 * 4096;
  job.nrfiles = 2;
  job.number_ios = 32'000;
  std::map<std::pair<std::uint32_t, std::uint64_t>, int> counts;
  for (const Operation& operation : measured(job)) ++counts[{operation.file, operation.offset}];
  EXPECT_EQ(counts.size(), 32U);
  for (const auto& [block, count] : counts) {
    EXPECT_LT(block.first, 2U);
    EXPECT_LT(block.second, job.size);
    EXPECT_NEAR(count, 1000, 200);
  }
}

TEST(OperationStream, NumbersTheWritesOfAClient) {
  Job job = two_blocks();
  job.loops = 2;
  std::set<std::uint64_t> sequences;
  for (const Operation& operation : measured(job)) sequences.insert(operation.sequence);
  EXPECT_EQ(sequences, (std::set<std::uint64_t>{1, 2, 3, 4}));
}

TEST(SetupOperations, PrefillInWholeBlocksAndLeaveNoHole) {
  Job job;
  job.bs = 768 * 1024;
  job.size = 5 * job.bs;
  job.prefill = true;
  std::uint64_t end = 0;
  for (const Operation& operation : setup_operations(job)) {
    if (operation.kind != OperationKind::kWrite) continue;
    EXPECT_EQ(operation.offset, end);
    EXPECT_EQ(operation.size % job.bs, 0U);
    EXPECT_LE(operation.size, kPrefillBytes);
    end += operation.size;
  }
  EXPECT_EQ(end, job.size);
}

}  // namespace
}  // namespace vfsprof::harness
