#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/scenario/budget.h"
#include "harness/scenario/operations.h"

// Every scenario of the library against the mix and the sizes of its source, on the operations that
// its clients make. The figures stand in the sources that scenarios/README.md names for each.

namespace vfsprof::harness {
namespace {

using Kind = OperationKind;

/// All operations of a scenario's measured phase, per job.
struct Made {
  std::map<std::string, std::vector<Operation>> jobs;
  std::vector<Operation> all;
  std::vector<std::string> names;  ///< of files of sets

  std::vector<Operation> of(Kind kind) const {
    return filter([&](const Operation& o) { return o.kind == kind; });
  }
  std::vector<Operation> filter(const std::function<bool(const Operation&)>& wanted) const {
    std::vector<Operation> found;
    std::ranges::copy_if(all, std::back_inserter(found), wanted);
    return found;
  }
  /// Those on entries of a set.
  std::vector<Operation> on(Kind kind, const std::string& set) const {
    return filter(
        [&](const Operation& o) { return o.kind == kind && names[o.file].starts_with(set + "/"); });
  }
  double count(Kind kind) const { return static_cast<double>(of(kind).size()); }
};

Made make(const std::string& name) {
  static std::map<std::string, Scenario> scenarios;
  const Scenario& scenario = scenarios.try_emplace(name, load_scenario(name)).first->second;
  Made made;
  for (const ClientPlan& plan : plan_clients(scenario, scenario.seed)) {
    OperationStream stream(plan);
    Operation operation;
    while (stream.next_of_setup(operation)) {
    }
    while (stream.next(operation)) {
      made.jobs[plan.job->name].push_back(operation);
      made.all.push_back(operation);
    }
    if (plan.job->form == JobForm::kSteps) made.names = *plan.names;
  }
  return made;
}

double mean_size(const std::vector<Operation>& operations) {
  double sum = 0;
  for (const Operation& operation : operations) sum += static_cast<double>(operation.size);
  return sum / static_cast<double>(operations.size());
}

/// Share of the operations whose size is from `least` up to below `end`.
double share_of_sizes(const std::vector<Operation>& operations, std::uint64_t least,
                      std::uint64_t end) {
  const auto within = std::ranges::count_if(
      operations, [&](const Operation& o) { return o.size >= least && o.size < end; });
  return static_cast<double>(within) / static_cast<double>(operations.size());
}

double mean_of_set(const Scenario& scenario, std::size_t set) {
  double sum = 0;
  const FileSet& files = scenario.filesets[set];
  for (std::uint64_t i = 0; i < files.nrfiles; ++i)
    sum += static_cast<double>(size_of_entry(files, i));
  return sum / static_cast<double>(files.nrfiles);
}

/// The measured value is the source's within 1 %.
void expect_within_1_percent(double measured, double source, const std::string& what) {
  EXPECT_NEAR(measured, source, source * 0.01) << what;
}

/// Shares of the kinds among all operations.
void expect_mix(const Made& made, const std::map<Kind, double>& shares) {
  double covered = 0;
  for (const auto& [kind, share] : shares) {
    expect_within_1_percent(made.count(kind) / static_cast<double>(made.all.size()), share,
                            std::string(kOperationNames[static_cast<std::size_t>(kind)]));
    covered += made.count(kind);
  }
  EXPECT_EQ(covered, static_cast<double>(made.all.size())) << "kinds that the source does not have";
}

// filebench workloads/varmail.f: 13 operations a loop, 16 threads, 1000 files (here 320) gamma(1.5)
// of 16 KiB, 80 % there at first, appends of 16 KiB on average.
TEST(ScenarioLibrary, Varmail) {
  const Scenario scenario = load_scenario("varmail");
  const Made made = make("varmail");
  EXPECT_EQ(scenario.jobs[0].numjobs, 16U);
  EXPECT_EQ(scenario.filesets[0].nrfiles, 320U);
  expect_mix(made, {{Kind::kUnlink, 1 / 13.0},
                    {Kind::kCreate, 1 / 13.0},
                    {Kind::kOpen, 2 / 13.0},
                    {Kind::kWrite, 2 / 13.0},
                    {Kind::kFsync, 2 / 13.0},
                    {Kind::kRead, 2 / 13.0},
                    {Kind::kClose, 3 / 13.0}});
  expect_within_1_percent(mean_of_set(scenario, 0), 16384, "size of files");
  expect_within_1_percent(mean_size(made.of(Kind::kWrite)), 16384, "size of appends");
}

// fileserver.f: 11 operations a loop, 50 threads, files of 128 KiB on average (10 000; here 500),
// append 16 KiB, requests of 1 MiB.
TEST(ScenarioLibrary, Fileserver) {
  const Scenario scenario = load_scenario("fileserver");
  const Made made = make("fileserver");
  EXPECT_EQ(scenario.jobs[0].numjobs, 50U);
  expect_mix(made, {{Kind::kCreate, 1 / 11.0},
                    {Kind::kWrite, 2 / 11.0},
                    {Kind::kClose, 3 / 11.0},
                    {Kind::kOpen, 2 / 11.0},
                    {Kind::kRead, 1 / 11.0},
                    {Kind::kUnlink, 1 / 11.0},
                    {Kind::kStat, 1 / 11.0}});
  expect_within_1_percent(made.count(Kind::kWrite) / made.count(Kind::kRead), 2, "writes to reads");
  expect_within_1_percent(mean_of_set(scenario, 0), 131072, "size of files");
  std::vector<Operation> appends =
      made.filter([](const Operation& o) { return o.kind == Kind::kWrite && o.offset > 0; });
  expect_within_1_percent(mean_size(appends), 16384, "size of appends");
}

// webserver.f: ten times open, read whole, close, then an append of 16 KiB to the shared log; 100
// threads, 1000 files (here 200) of 16 KiB.
TEST(ScenarioLibrary, Webserver) {
  const Scenario scenario = load_scenario("webserver");
  const Made made = make("webserver");
  EXPECT_EQ(scenario.jobs[0].numjobs, 100U);
  expect_mix(made, {{Kind::kOpen, 10 / 31.0},
                    {Kind::kRead, 10 / 31.0},
                    {Kind::kClose, 10 / 31.0},
                    {Kind::kWrite, 1 / 31.0}});
  expect_within_1_percent(mean_of_set(scenario, 0), 16384, "size of files");
  expect_within_1_percent(mean_size(made.of(Kind::kWrite)), 16384, "size of appends");
}

// oltp.f: 200 readers of 2 KiB; 3200 reads let one log write of 256 KiB go, 1000 let a batch of 100
// writes of 2 KiB go; both synchronous.
TEST(ScenarioLibrary, Oltp) {
  const Scenario scenario = load_scenario("oltp");
  const Made made = make("oltp");
  EXPECT_EQ(scenario.jobs[0].numjobs, 200U);
  const double reads = made.count(Kind::kRead);
  const auto jobs = made.jobs;
  expect_within_1_percent(reads / static_cast<double>(jobs.at("writer").size()), 1000 / 100.0,
                          "reads to writes");
  expect_within_1_percent(reads / static_cast<double>(jobs.at("log-writer").size()), 3200,
                          "reads to log writes");
  EXPECT_EQ(mean_size(jobs.at("reader")), 2048);
  EXPECT_EQ(mean_size(jobs.at("writer")), 2048);
  EXPECT_EQ(mean_size(jobs.at("log-writer")), 256 << 10);
}

// fs_mark README: by default files of 10 240 bytes in requests of 16 KiB, an fsync for each.
TEST(ScenarioLibrary, FsMark) {
  const Made synced = make("fsync-heavy");
  expect_mix(
      synced,
      {{Kind::kCreate, 0.25}, {Kind::kWrite, 0.25}, {Kind::kFsync, 0.25}, {Kind::kClose, 0.25}});
  EXPECT_EQ(mean_size(synced.of(Kind::kWrite)), 10240);
  const Made fresh = make("fresh-files");
  expect_mix(fresh, {{Kind::kCreate, 1 / 3.0}, {Kind::kWrite, 1 / 3.0}, {Kind::kClose, 1 / 3.0}});
  EXPECT_EQ(mean_size(fresh.of(Kind::kWrite)), 10240);
}

// SQLite 3.40.1, WAL, synchronous=FULL, 500 transactions of one row, by strace: for each 1.06
// frames of 24 and 4096 bytes to the log and 1.006 fdatasync; the checkpoint writes 17 pages.
TEST(ScenarioLibrary, SqliteWal) {
  const Made made = make("sqlite-wal");
  const std::vector<Operation> frames = made.on(Kind::kWrite, "wal");
  expect_within_1_percent(share_of_sizes(frames, 24, 25) * static_cast<double>(frames.size()), 530,
                          "frame headers");
  expect_within_1_percent(share_of_sizes(frames, 4096, 4097) * static_cast<double>(frames.size()),
                          530, "frame pages");
  expect_within_1_percent(made.count(Kind::kFdatasync), 503, "fdatasync");
  EXPECT_EQ(made.on(Kind::kWrite, "database").size(), 17U);
  EXPECT_EQ(mean_size(made.on(Kind::kWrite, "database")), 4096);
}

// git clone of a repository of 154 files, by strace.
TEST(ScenarioLibrary, GitClone) {
  const double loops = load_scenario("git-clone").jobs[0].loops;
  const Made made = make("git-clone");
  const std::vector<Operation> tree = made.on(Kind::kWrite, "dirs");
  expect_within_1_percent(static_cast<double>(tree.size()), 238 * loops,
                          "writes to the working tree");
  expect_within_1_percent(mean_size(tree), 8400, "their size");
  expect_within_1_percent(share_of_sizes(tree, 0, 512), 0.16, "below 512 bytes");
  expect_within_1_percent(share_of_sizes(tree, 512, 4096), 0.27, "below 4 KiB");
  expect_within_1_percent(share_of_sizes(tree, 4096, 16385), 0.56, "up to 16 KiB");
  const std::vector<Operation> git = made.filter([&](const Operation& o) {
    return o.kind == Kind::kWrite && !made.names[o.file].starts_with("dirs/");
  });
  expect_within_1_percent(static_cast<double>(git.size()), 1092 * loops, "writes to .git");
  expect_within_1_percent(mean_size(git), 7900, "their size");
  expect_within_1_percent(
      static_cast<double>(made.on(Kind::kWrite, "packs").size()) / static_cast<double>(git.size()),
      0.95, "of one pack");
  expect_within_1_percent(made.count(Kind::kRename), 15 * loops, "renames");
  expect_within_1_percent(made.count(Kind::kMkdir), 17 * loops, "mkdir");
  expect_within_1_percent(made.count(Kind::kChmod), 10 * loops, "chmod");
  const std::vector<Operation> stats = made.of(Kind::kStat);
  expect_within_1_percent(static_cast<double>(stats.size()), 373 * loops, "stat");
  EXPECT_TRUE(std::ranges::all_of(stats, [](const Operation& o) { return o.expected == -ENOENT; }));
}

// tar -x of 154 files in 31 directories, 2.0 MB, by strace.
TEST(ScenarioLibrary, Untar) {
  const double loops = load_scenario("untar").jobs[0].loops;
  const Made made = make("untar");
  const std::vector<Operation> writes = made.of(Kind::kWrite);
  expect_within_1_percent(static_cast<double>(writes.size()), 341 * loops, "writes");
  expect_within_1_percent(mean_size(writes) * static_cast<double>(writes.size()), 2.0e6 * loops,
                          "bytes");
  expect_within_1_percent(share_of_sizes(writes, 0, 512), 0.15, "below 512 bytes");
  expect_within_1_percent(share_of_sizes(writes, 512, 4096), 0.26, "0.5 to 4 KiB");
  expect_within_1_percent(share_of_sizes(writes, 4096, 16385), 0.58, "4 to 16 KiB");
  for (const auto& [kind, count] : std::map<Kind, double>{{Kind::kCreate, 154},
                                                          {Kind::kChown, 154},
                                                          {Kind::kChmod, 154},
                                                          {Kind::kUtimens, 185},
                                                          {Kind::kMkdir, 31}}) {
    expect_within_1_percent(made.count(kind), count * loops,
                            std::string(kOperationNames[static_cast<std::size_t>(kind)]));
  }
}

// LevelDB db/log_writer.cc and benchmarks/db_bench.cc: a put is one write of 138 bytes; tables go
// through a buffer of 64 KiB (util/env_posix.cc).
TEST(ScenarioLibrary, LeveldbFillseq) {
  const Made made = make("leveldb-fillseq");
  EXPECT_EQ(mean_size(made.on(Kind::kWrite, "logs")), 138);
  const std::vector<Operation> table = made.on(Kind::kWrite, "tables");
  expect_within_1_percent(mean_size(table), 65536, "writes of tables");
  // 16 bytes of key and 100 of value for each put.
  expect_within_1_percent(mean_size(table) * static_cast<double>(table.size()),
                          116.0 * static_cast<double>(made.on(Kind::kWrite, "logs").size()),
                          "bytes of tables");
}

// arXiv 2512.24511: hundreds to thousands of files per rank, many below 64 KiB, few of 64 MiB and
// more written in sequence; each synced and renamed.
TEST(ScenarioLibrary, MlCheckpoint) {
  const Made made = make("ml-checkpoint");
  std::map<std::uint32_t, std::uint64_t> bytes;
  for (const Operation& write : made.of(Kind::kWrite)) bytes[write.file] += write.size;
  const auto small =
      std::ranges::count_if(bytes, [](const auto& file) { return file.second < 64 << 10; });
  const auto large =
      std::ranges::count_if(bytes, [](const auto& file) { return file.second >= 64 << 20; });
  EXPECT_EQ(small, 200);
  EXPECT_EQ(large, 2);
  EXPECT_EQ(bytes.size(), 202U);
  EXPECT_EQ(made.count(Kind::kFsync), 202);
  EXPECT_EQ(made.count(Kind::kRename), 202);
}

// Those that this project defines itself: what their summaries say.
TEST(ScenarioLibrary, OwnScenariosDoWhatTheySay) {
  const Made mixed = make("mixed-read-write");
  expect_within_1_percent(mixed.count(Kind::kRead) / static_cast<double>(mixed.all.size()), 0.70,
                          "reads");
  EXPECT_EQ(mean_size(mixed.all), 4096);
  const Made log = make("append-log");
  EXPECT_EQ(mean_size(log.of(Kind::kWrite)), 512);
  EXPECT_EQ(log.count(Kind::kWrite), 64 * log.count(Kind::kFdatasync));
  const Made shared = make("shared-file-writers");
  EXPECT_EQ(shared.count(Kind::kWrite), 20'000);
  EXPECT_EQ(mean_size(shared.all), 4096);
  const Made cow = make("cow-first-write");
  std::map<std::uint32_t, int> writes;
  for (const Operation& write : cow.of(Kind::kWrite)) ++writes[write.file];
  EXPECT_EQ(writes.size(), 256U);
  EXPECT_TRUE(std::ranges::all_of(writes, [](const auto& file) { return file.second == 1; }));
  const Made dirty = make("dirty-overwrite");
  EXPECT_EQ(dirty.count(Kind::kWrite), static_cast<double>(dirty.all.size()));
}

TEST(ScenarioLibrary, EveryScenarioKeepsToItsBudgetAndScales) {
  for (const ScenarioSummary& summary : built_in_scenarios()) {
    SCOPED_TRACE(summary.name);
    Scenario scenario = load_scenario(summary.name);
    const Footprint whole = measure_footprint(scenario, scenario.seed);
    EXPECT_LE(whole.peak_bytes, 4ULL << 30);
    EXPECT_LE(whole.operations, 200'000U);
    scale(scenario, 2);
    const Footprint twice = measure_footprint(scenario, scenario.seed);
    expect_within_1_percent(static_cast<double>(twice.operations),
                            2.0 * static_cast<double>(whole.operations), "twice");
    scale(scenario, 0.05);
    const Footprint less = measure_footprint(scenario, scenario.seed);
    EXPECT_LT(less.operations, whole.operations + 1);
  }
}

}  // namespace
}  // namespace vfsprof::harness
