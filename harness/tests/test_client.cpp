#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include "harness/error.h"
#include "harness/process.h"
#include "harness/scenario/client.h"
#include "harness/scenario/client_plan.h"
#include "harness/scenario/operations.h"
#include "harness/scenario/tree_hash.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// What a built-in scenario asks of a plain directory within a test: fewer operations and bytes,
/// the same kinds. Steps are cut in the text, as that is what the client process is told.
Scenario scaled_down(const std::string& name) {
  std::string text = load_scenario(name).document;
  text = std::regex_replace(text, std::regex("\"64m\""), "\"1m\"");
  text = std::regex_replace(text, std::regex("\"repeat\": *[0-9]{3,}"), "\"repeat\": 40");
  Scenario scenario = parse_scenario(text, name);
  for (Job& job : scenario.jobs) {
    job.loops = std::min(job.loops, job.form == JobForm::kSteps ? 3U : job.loops);
    job.bs = std::min<std::uint64_t>(job.bs, 4 << 10);
    job.size = std::min<std::uint64_t>(job.size, 256 << 10);
    job.number_ios = std::min<std::uint64_t>(job.number_ios, 200);
    job.thinktime = std::min<std::chrono::nanoseconds>(job.thinktime, 1ms);
    job.numjobs = std::min(job.numjobs, 16U);
  }
  return scenario;
}

Scenario one_job(const Job& job) {
  Scenario scenario;
  scenario.name = "test";
  scenario.summary = "a";
  scenario.stresses = "b";
  scenario.jobs = {job};
  return scenario;
}

struct Outcome {
  ClientResult result;
  std::string tree_hash;
};

class Client : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "vfsprof-client-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  ClientOptions options(std::uint64_t seed = 1) const {
    return {.directory = directory_,
            .placement = Placement::kFree,
            .seed = seed,
            .program = VFSPROF_TEST_CLIENT};
  }

  /// A whole round in an empty directory.
  Outcome run(const Scenario& scenario, std::uint64_t seed = 1) {
    for (const auto& entry : fs::directory_iterator(directory_)) fs::remove_all(entry);
    ClientProcess clients(scenario, options(seed));
    clients.wait_until_ready();
    clients.go();
    Outcome outcome;
    outcome.result = clients.wait();
    clients.finish();
    outcome.tree_hash = hash_tree(directory_);
    return outcome;
  }

  std::string setup_error(const Scenario& scenario) {
    try {
      ClientProcess clients(scenario, options());
      clients.wait_until_ready();
      return {};
    } catch (const EnvironmentError& error) {
      return error.what();
    }
  }

  fs::path directory_;
};

class ClientOfBuiltIn : public Client, public testing::WithParamInterface<std::string> {};

TEST_P(ClientOfBuiltIn, CountsItsOperations) {
  const Scenario scenario = scaled_down(GetParam());
  std::map<std::string, std::uint64_t> expected;
  std::map<std::string, std::uint64_t> expected_errors;
  std::map<std::string, std::uint64_t> expected_bytes;
  for (const ClientPlan& plan : plan_clients(scenario, 1)) {
    OperationStream stream(plan);
    Operation operation;
    while (stream.next_of_setup(operation)) {
    }
    while (stream.next(operation)) {
      if (operation.kind >= OperationKind::kPause) continue;
      const std::string kind(kOperationNames[static_cast<std::size_t>(operation.kind)]);
      ++expected[kind];
      if (operation.expected < 0 && operation.expected != kInFull) ++expected_errors[kind];
      if (moves_data(operation.kind)) expected_bytes[kind] += operation.size;
    }
  }
  const ClientResult result = run(scenario).result;
  EXPECT_EQ(result.failure, "");
  EXPECT_GT(result.elapsed_ns, 0U);
  EXPECT_GT(result.cpu_ns, 0U);
  std::map<std::string, std::uint64_t> counted;
  for (const reports::OperationStats& stats : result.operations) {
    counted[stats.kind] = stats.count;
    EXPECT_EQ(stats.errors, expected_errors[stats.kind]) << stats.kind;
    EXPECT_EQ(stats.service_time_ns.count(), stats.count) << stats.kind;
    EXPECT_GT(stats.service_time_ns.max(), 0U) << stats.kind;
    EXPECT_EQ(stats.bytes, expected_bytes[stats.kind]) << stats.kind;
  }
  EXPECT_EQ(counted, expected);
}

TEST_P(ClientOfBuiltIn, GivesTheSameResultsAndTheSameTreeWithTheSameSeed) {
  const Scenario scenario = scaled_down(GetParam());
  const Outcome first = run(scenario, 5);
  const Outcome second = run(scenario, 5);
  EXPECT_EQ(first.result.failure, "");
  if (scenario.racy) return;
  EXPECT_EQ(first.result.results_hash, second.result.results_hash);
  EXPECT_EQ(first.tree_hash, second.tree_hash);
  EXPECT_NE(first.tree_hash, run(scenario, 6).tree_hash);
}

std::vector<std::string> names_of_built_ins() {
  std::vector<std::string> names;
  for (const ScenarioSummary& summary : built_in_scenarios()) names.push_back(summary.name);
  return names;
}

/// gtest takes letters, digits and underscores only.
std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Scenarios, ClientOfBuiltIn, testing::ValuesIn(names_of_built_ins()),
                         test_name);

TEST_F(Client, StaysInsideItsDirectory) {
  const fs::path outside = directory_ / "outside";
  const fs::path inside = directory_ / "inside";
  fs::create_directories(outside);
  fs::create_directories(inside);
  const std::string before = hash_tree(outside);
  directory_ = inside;
  EXPECT_EQ(run(scaled_down("smoke")).result.failure, "");
  directory_ = inside.parent_path();
  EXPECT_EQ(hash_tree(outside), before);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(inside)) names.insert(entry.path().filename());
  EXPECT_EQ(names.size(), 12U + 5U);  // files of jobs in fio's words, directories of sets
  EXPECT_TRUE(names.contains("c0-f0"));
}

TEST_F(Client, HoldsFilesOpenUntilItFinishes) {
  Job job{.name = "job", .size = 8192, .prefill = true};
  const Scenario scenario = one_job(job);
  ClientProcess clients(scenario, options());
  clients.wait_until_ready();
  clients.go();
  EXPECT_EQ(clients.wait().failure, "");
  const fs::path fds = "/proc/" + std::to_string(clients.pid()) + "/fd";
  const auto holds_file = [&] {
    return std::ranges::any_of(fs::directory_iterator(fds), [&](const auto& entry) {
      std::error_code ignored;
      return fs::read_symlink(entry.path(), ignored) == directory_ / "c0-f0";
    });
  };
  EXPECT_TRUE(holds_file());
  clients.finish();
}

TEST_F(Client, NamesItsThreads) {
  Job job{.name = "job", .size = 8192, .numjobs = 3};
  const Scenario scenario = one_job(job);
  ClientProcess clients(scenario, options());
  clients.wait_until_ready();
  std::set<std::string> names;
  for (const auto& entry :
       fs::directory_iterator("/proc/" + std::to_string(clients.pid()) + "/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    names.insert(name);
  }
  for (const char* name : {"client-0", "client-1", "client-2"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST_F(Client, RunsWhereItsPlacementSays) {
  if (!can_place(Placement::kPacked)) GTEST_SKIP() << "one CPU only";
  Job job{.name = "job", .size = 8192};
  const Scenario scenario = one_job(job);
  const HarnessPlacement harness(Placement::kPacked);
  cpu_set_t ours;
  ASSERT_EQ(::sched_getaffinity(0, sizeof ours, &ours), 0);
  ClientOptions packed = options();
  packed.placement = Placement::kPacked;
  ClientProcess clients(scenario, packed);
  clients.wait_until_ready();
  cpu_set_t theirs;
  ASSERT_EQ(::sched_getaffinity(clients.pid(), sizeof theirs, &theirs), 0);
  EXPECT_EQ(CPU_COUNT(&theirs), 1);
  cpu_set_t common;
  CPU_AND(&common, &ours, &theirs);
  EXPECT_EQ(CPU_COUNT(&common), 0);
}

TEST_F(Client, NeverOverwritesWhatWasThere) {
  std::ofstream(directory_ / "c0-f0") << "somebody else's";
  Job job{.name = "job", .size = 8192, .prefill = true};
  EXPECT_EQ(setup_error(one_job(job)),
            "the clients could not set up their files: create of c0-f0 failed: File exists");
  std::string text;
  std::getline(std::ifstream(directory_ / "c0-f0"), text);
  EXPECT_EQ(text, "somebody else's");
}

TEST_F(Client, NamesADirectoryThatIsNotThere) {
  directory_ /= "missing";
  EXPECT_EQ(
      setup_error(scaled_down("smoke")),
      "cannot open the clients' directory " + directory_.string() + ": No such file or directory");
  directory_ = directory_.parent_path();
}

TEST_F(Client, FailsWhenItsDirectoryIsRemoved) {
  Job job{.name = "job", .size = 8192, .create = true};
  const Scenario scenario = one_job(job);
  ClientProcess clients(scenario, options());
  clients.wait_until_ready();
  fs::remove(directory_);
  clients.go();
  const ClientResult result = clients.wait();
  EXPECT_EQ(result.failure, "create of c0-f0 failed: No such file or directory");
  ASSERT_EQ(result.operations.size(), 1U);
  EXPECT_EQ(result.operations[0].errors, 1U);
  EXPECT_NO_THROW(clients.finish());
}

TEST_F(Client, FindsDataThatNobodyWroteThere) {
  Job job{.name = "job",
          .rw = AccessPattern::kRead,
          .size = 64 << 10,
          .prefill = true,
          .reopen = true,
          .verify = true};
  const Scenario scenario = one_job(job);
  ClientProcess clients(scenario, options());
  clients.wait_until_ready();
  std::fstream file(directory_ / "c0-f0", std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(12'388);
  const char original = static_cast<char>(file.get());
  file.seekp(12'388);
  file.put(static_cast<char>(original ^ 1));
  file.close();
  clients.go();
  EXPECT_EQ(clients.wait().failure,
            "read of c0-f0 at offset 12288 returned other data than write 0 put there, from byte "
            "100 of the block on");
}

TEST_F(Client, FindsAFileThatIsTooShort) {
  Job job{.name = "job", .rw = AccessPattern::kRead, .size = 8192, .prefill = true, .reopen = true};
  const Scenario scenario = one_job(job);
  ClientProcess clients(scenario, options());
  clients.wait_until_ready();
  fs::resize_file(directory_ / "c0-f0", 5000);
  clients.go();
  EXPECT_EQ(clients.wait().failure, "read of c0-f0 at offset 4096 was short: 904 of 4096 bytes");
}

TEST_F(Client, ACapThatFiresStopsAllClients) {
  Scenario scenario =
      one_job(Job{.name = "job", .size = 1 << 20, .numjobs = 4, .loops = 2, .thinktime = 60s});
  scenario.runtime_cap = 1ms;
  ClientProcess clients(scenario, options());
  std::string failure;
  try {
    // A machine that is slow enough is stopped in set-up already.
    clients.wait_until_ready();
    clients.go();
    failure = clients.wait().failure;
  } catch (const EnvironmentError& error) {
    failure = error.what();
  }
  EXPECT_NE(failure.find("the runtime_cap of 1 ms was over before the clients were done"),
            std::string::npos)
      << failure;
}

class ClientOnFullDisk : public Client {
 protected:
  void SetUp() override {
    Client::SetUp();
    if (::mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=256k") != 0) {
      GTEST_SKIP() << "mounting a tmpfs needs root";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(directory_.c_str(), MNT_DETACH);
    Client::TearDown();
  }
  bool mounted_ = false;
};

TEST_F(ClientOnFullDisk, NamesTheWriteThatFoundNoSpace) {
  const Scenario scenario = one_job(Job{.name = "job", .size = 128 << 10});
  ClientProcess clients(scenario, options());
  clients.wait_until_ready();
  // Somebody else takes the space that was there before the start.
  std::ofstream(directory_ / "filler") << std::string(200 << 10, 'x');
  clients.go();
  const std::string failure = clients.wait().failure;
  EXPECT_TRUE(failure.starts_with("write of c0-f0 at offset ")) << failure;
  EXPECT_TRUE(failure.ends_with(" failed: No space left on device")) << failure;
}

TEST_F(ClientOnFullDisk, RefusesWhatHasNoRoomBeforeAnythingIsWritten) {
  EXPECT_EQ(setup_error(one_job(Job{.name = "job", .size = 1 << 20})),
            "the clients could not set up their files: scenario 'test' holds up to 1052672 bytes, "
            "and 262144 are free: choose another place (--work-dir, --target), or scale it down "
            "(--scale)");
  EXPECT_TRUE(fs::is_empty(directory_));
}

TEST_F(Client, AnswersToNobodyOnceItsParentIsGone) {
  const Scenario scenario = one_job(Job{.name = "job", .size = 8192, .loops = 2, .thinktime = 60s});
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    ClientProcess clients(scenario, options());
    clients.wait_until_ready();
    clients.go();
    const pid_t pid = clients.pid();
    [[maybe_unused]] const ssize_t n = ::write(ends[1], &pid, sizeof pid);
    ::pause();
    ::_exit(0);
  }
  pid_t client = 0;
  ASSERT_EQ(::read(ends[0], &client, sizeof client), ssize_t{sizeof client});
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, client, 0)));
  ::kill(parent, SIGKILL);
  ASSERT_TRUE(pidfd);
  EXPECT_TRUE(wait_readable(pidfd.get(), -1));
  ::close(ends[0]);
  ::close(ends[1]);
  ::waitpid(parent, nullptr, 0);
}

TEST_F(Client, AProcessThatEndsUnexpectedlyIsNamed) {
  const Scenario scenario = one_job(Job{.name = "job", .size = 8192, .loops = 2, .thinktime = 60s});
  ClientProcess clients(scenario, options());
  clients.wait_until_ready();
  clients.go();
  ::kill(clients.pid(), SIGKILL);
  try {
    clients.wait();
    FAIL() << "there was a result";
  } catch (const EnvironmentError& error) {
    EXPECT_STREQ(error.what(),
                 "the client process ended unexpectedly: it was ended by signal 9 (Killed)");
  }
}

}  // namespace
}  // namespace vfsprof::harness
