#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/scenario/scenario.h"

namespace vfsprof::harness {
namespace {

using namespace std::chrono_literals;

/// A document with one job, to which `job` and `scenario` add keys.
std::string document(const std::string& job, const std::string& scenario = "") {
  return R"({"name": "s", "summary": "a", "stresses": "b")" + scenario +
         R"(, "jobs": [{"name": "j", "rw": "write", "size": "8k")" + job + "}]}";
}

/// The message with which the text is refused; empty if it is not.
std::string refusal(const std::string& text) {
  try {
    parse_scenario(text, "x.json");
    return {};
  } catch (const BadInput& error) {
    return error.what();
  }
}

testing::AssertionResult contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text << "' does not contain '" << part << "'";
}

TEST(ScenarioParser, ReadsEveryKey) {
  const Scenario scenario = parse_scenario(
      R"({"name": "all-keys", "summary": "a", "stresses": "b", "seed": 18446744073709551615,
          "placement": "free", "racy": true, "runtime_cap": "1500ms",
          "jobs": [{"name": "mix", "rw": "randrw", "rwmixread": 30, "bs": "8k", "size": "1m", "numjobs": 3,
                    "nrfiles": 2, "number_ios": 7, "loops": 5, "fsync": 4, "end_fsync": true, "prefill": true,
                    "reopen": true, "create": false, "verify": true, "thinktime": "250us"}]})",
      "x.json");
  EXPECT_EQ(scenario.name, "all-keys");
  EXPECT_EQ(scenario.seed, UINT64_MAX);
  EXPECT_EQ(scenario.placement, Placement::kFree);
  EXPECT_TRUE(scenario.racy);
  EXPECT_EQ(scenario.runtime_cap, 1500ms);
  ASSERT_EQ(scenario.jobs.size(), 1U);
  const Job& job = scenario.jobs[0];
  EXPECT_EQ(job.rw, AccessPattern::kRandReadWrite);
  EXPECT_EQ(job.rwmixread, 30U);
  EXPECT_EQ(job.bs, 8192U);
  EXPECT_EQ(job.size, 1U << 20);
  EXPECT_EQ(job.numjobs, 3U);
  EXPECT_EQ(job.nrfiles, 2U);
  EXPECT_EQ(job.number_ios, 7U);
  EXPECT_EQ(job.loops, 5U);
  EXPECT_EQ(job.fsync, 4U);
  EXPECT_TRUE(job.end_fsync && job.prefill && job.reopen && job.verify);
  EXPECT_FALSE(job.create);
  EXPECT_EQ(job.thinktime, 250us);
}

TEST(ScenarioParser, WritesADocumentThatGivesTheSameScenario) {
  for (const ScenarioSummary& summary : built_in_scenarios()) {
    const Scenario scenario = load_scenario(summary.name);
    const std::string text = to_document(scenario);
    EXPECT_EQ(to_document(parse_scenario(text, "again")), text);
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST(ScenarioParser, MalformedTextIsRefusedWithLineAndColumn) {
  EXPECT_TRUE(contains(refusal("{\n  \"name\": \"s\",\n  \"jobs\" [\n"),
                       "x.json:3:10: not a JSON document: syntax error"));
  EXPECT_TRUE(contains(refusal(""), "x.json:1:1: not a JSON document"));
  EXPECT_TRUE(contains(refusal("{\n\"seed\": 1E999}"), "x.json:2:9: 1E999 is too large"));
  EXPECT_TRUE(
      contains(refusal(std::string("{\"name\": \"\xff\"}")), "x.json:1:11: not a JSON document"));
  EXPECT_TRUE(
      contains(refusal(R"({"name": "a", "name": "b"})"), "x.json: key 'name' appears twice"));
}

TEST(ScenarioParser, UnknownKeysAreRefusedWithTheNearestAndTheAllowed) {
  const std::string message = refusal(document(R"(, "numjob": 4)"));
  EXPECT_TRUE(
      contains(message, "x.json: /jobs/0: unknown key \"numjob\" (did you mean \"numjobs\"?)"));
  EXPECT_TRUE(contains(message, "allowed are name, rw, rwmixread, bs, size"));
  EXPECT_TRUE(
      contains(refusal(document("", R"(, "runtime": "3s")")), "(did you mean \"runtime_cap\"?)"));
  EXPECT_FALSE(contains(refusal(document(R"(, "qqqqqqqqqq": 4)")), "did you mean"));
}

TEST(ScenarioParser, ValuesAreRefusedWithTheirPlaceAndWhatIsAllowed) {
  struct Case {
    std::string text;
    std::string place_and_value;
    std::string allowed;
  };
  const Case cases[] = {
      {document(R"(, "bs": "4kb")"), R"(x.json: /jobs/0/bs: "4kb" is not allowed)",
       "from 512 to 16m"},
      {document(R"(, "bs": 100)"), "/jobs/0/bs: 100 is not allowed", "\"4k\""},
      {document(R"(, "bs": "99999999999999999999g")"), "/jobs/0/bs", "16m"},
      {document(R"(, "bs": "18014398509481985k")"), "/jobs/0/bs", "16m"},  // 2^64 + 1024 bytes
      {document(R"(, "numjobs": 0)"), "/jobs/0/numjobs: 0", "from 1 to 256"},
      {document(R"(, "numjobs": -1)"), "/jobs/0/numjobs: -1", "from 1 to 256"},
      {document(R"(, "numjobs": 1.5)"), "/jobs/0/numjobs: 1.5", "whole number"},
      {document(R"(, "prefill": 1)"), "/jobs/0/prefill: 1", "true or false"},
      {document(R"(, "thinktime": 5)"), "/jobs/0/thinktime: 5", "\"500ms\""},
      {document(R"(, "thinktime": "61s")"), R"(/jobs/0/thinktime: "61s")", "from 0us to 1m"},
      {document("", R"(, "placement": "pinned")"), R"(/placement: "pinned")",
       "packed, split, free"},
      {document("", R"(, "runtime_cap": "0s")"), R"(/runtime_cap: "0s")", "from 1ms to 60m"},
      {document("", R"(, "seed": -3)"), "/seed: -3", "whole number"},
      {R"([1])", "(document): [1]", "object"},
      {R"({"name": "s", "summary": "a", "stresses": "b"})", "(document)", "\"jobs\" is missing"},
      {R"({"name": "s", "summary": "a", "stresses": "b", "jobs": []})", "/jobs", "1 to 256 jobs"},
      {R"({"name": "S!", "summary": "a", "stresses": "b", "jobs": []})", R"(/name: "S!")",
       "lower-case"},
      {R"({"name": "s", "summary": "a\nb", "stresses": "b", "jobs": []})", "/summary", "one line"},
      {R"({"name": "s", "summary": "a", "stresses": "b", "jobs": [{"name": "j", "rw": "trim", "size": 8192}]})",
       R"(/jobs/0/rw: "trim")", "write, randwrite, read, randread, rw, randrw"},
  };
  for (const Case& c : cases) {
    const std::string message = refusal(c.text);
    EXPECT_TRUE(contains(message, c.place_and_value)) << c.text;
    EXPECT_TRUE(contains(message, c.allowed)) << c.text;
    EXPECT_TRUE(contains(message, "scenarios/README.md")) << c.text;
  }
}

TEST(ScenarioParser, KeysThatContradictEachOtherAreRefused) {
  struct Case {
    std::string text;
    std::string part;
  };
  const std::string reading = R"({"name": "s", "summary": "a", "stresses": "b", "jobs":
      [{"name": "j", "rw": "randread", "size": "8k")";
  const Case cases[] = {
      {document(R"(, "bs": "3k")"), "/jobs/0/size: size 8192 is not a multiple of bs 3072"},
      {document(R"(, "bs": "16k")"), "/jobs/0/size"},
      {document(R"(, "create": true, "prefill": true)"), "/jobs/0/prefill: with create"},
      {document(R"(, "rwmixread": 20)"), "/jobs/0/rwmixread: rw=write mixes nothing"},
      {document(R"(, "verify": true, "number_ios": 1)"),
       "/jobs/0/verify: reading back needs files without holes"},
      {reading + "}]}", "/jobs/0/prefill: rw=randread reads"},
      {reading + R"(, "prefill": true, "fsync": 3}]})", "/jobs/0/fsync: rw=randread never writes"},
      {reading + R"(, "prefill": true}, {"name": "j", "rw": "write", "size": "8k"}]})",
       "/jobs/1/name: two jobs"},
      {document(R"(, "numjobs": 64, "nrfiles": 900)"), "/jobs: asks for 57600 files"},
      {document(R"(, "number_ios": 100000000, "loops": 1000000)"),
       "/jobs: asks for 100000004000000 operations"},
      {document(R"(, "number_ios": 90000000)"),
       "/jobs: asks for 368640000000 bytes read and written"},
  };
  for (const Case& c : cases) EXPECT_TRUE(contains(refusal(c.text), c.part)) << c.text;
}

TEST(ScenarioCatalog, BuiltInScenariosAreNamedAsTheirFilesAndSorted) {
  std::vector<std::string> names;
  for (const ScenarioSummary& summary : built_in_scenarios()) {
    EXPECT_EQ(load_scenario(summary.name).name, summary.name);
    EXPECT_FALSE(summary.summary.empty() || summary.stresses.empty());
    names.push_back(summary.name);
  }
  EXPECT_TRUE(std::ranges::is_sorted(names));
  for (const char* name : {"analysis-burst", "dirty-overwrite", "smoke"}) {
    EXPECT_EQ(std::ranges::count(names, name), 1) << name;
  }
}

TEST(ScenarioCatalog, UnknownNamesAndPathsAreRefusedWithWhatThereIs) {
  const auto message_for = [](const std::string& name) -> std::string {
    try {
      load_scenario(name);
      return {};
    } catch (const BadInput& error) {
      return error.what();
    }
  };
  EXPECT_TRUE(contains(message_for("smok"), "unknown scenario 'smok' (did you mean 'smoke'?)"));
  EXPECT_TRUE(contains(message_for("smok"), "analysis-burst, append-log"));
  EXPECT_TRUE(contains(message_for("none.json"),
                       "cannot read the scenario file none.json: No such file or directory"));
  EXPECT_TRUE(contains(message_for("/"), "cannot read the scenario file /"));
  EXPECT_TRUE(contains(message_for("/dev/zero"), "larger than 1 MiB"));
}

TEST(ScenarioCatalog, AFileIsLoadedByItsPath) {
  const std::string path =
      testing::TempDir() + "vfsprof-scenario-" + std::to_string(::getpid()) + ".json";
  std::ofstream(path) << document(R"(, "numjobs": 2)");
  EXPECT_EQ(load_scenario(path).jobs[0].numjobs, 2U);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace vfsprof::harness
