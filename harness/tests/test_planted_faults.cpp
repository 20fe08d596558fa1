// What reports recommend for programs with a planted fault, as they run: `vfsprof profile` on
// planted_faults. scripts/bench opportunities does it for all faults, and by perf.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "harness/process.h"
#include "harness/run/work_directory.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct PlantedFault {
  const char* fault;
  const char* rule;  ///< empty: nothing is to be recommended
  const char* category;
};

void PrintTo(const PlantedFault& planted, std::ostream* out) { *out << planted.fault; }

/// Observes planted_faults.
class Observed : public ::testing::Test {
 protected:
  Observed() : work_(fs::temp_directory_path()) {}

  /// The report of so many seconds of CPU time of the program with this fault.
  Json profile(const std::string& fault, const std::string& seconds = "1") const {
    const fs::path folder = program_directory(), report = work_.path() / "report.json";
    const std::string command =
        "cd '" + work_.path().string() + "' && '" + (folder / "vfsprof").string() +
        "' profile --frequency 4999 --json --out out -- '" + (folder / "planted_faults").string() +
        "' " + fault + " " + seconds + " >'" + report.string() + "' 2>stderr.txt </dev/null";
    const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    std::ifstream file(report);
    return status == 0 ? Json::parse(file, nullptr, false) : Json();
  }

  WorkDirectory work_;
};

class PlantedFaults : public Observed, public ::testing::WithParamInterface<PlantedFault> {};

TEST_P(PlantedFaults, AreRecommendedAndNothingElse) {
  const Json report = profile(GetParam().fault);
  ASSERT_TRUE(report.is_object()) << "vfsprof profile failed";
  const Json& table = report["arms"][0]["profile"];
  if (table.is_null() || !table["kernel_frames"].get<bool>()) {
    GTEST_SKIP() << "kernel code cannot be sampled here (perf_event_paranoid)";
  }
  if (table["samples"].get<int>() < 300) {
    GTEST_SKIP() << "only " << table["samples"] << " samples: the machine is too busy to judge";
  }
  const Json& listed = report["opportunities"][0]["listed"];
  if (*GetParam().rule == '\0') {
    EXPECT_TRUE(listed.empty()) << listed.dump(1);
    return;
  }
  ASSERT_EQ(listed.size(), 1U) << report["opportunities"][0].dump(1);
  EXPECT_EQ(listed[0]["id"], GetParam().rule);
  EXPECT_EQ(listed[0]["evidence"]["cells"][0]["role"], "server");
  EXPECT_EQ(listed[0]["evidence"]["cells"][0]["category"], GetParam().category);
  EXPECT_FALSE(listed[0]["remedy"].get<std::string>().empty());
}

/// What the ledgers of waits must show; such a program takes hardly any CPU time.
struct PlantedWait {
  const char* fault;
  const char* rule;  ///< empty: nothing is to be recommended
  const char* seconds;
};

void PrintTo(const PlantedWait& planted, std::ostream* out) { *out << planted.fault; }

class PlantedWaits : public Observed, public ::testing::WithParamInterface<PlantedWait> {};

TEST_P(PlantedWaits, AreRecommendedAndNothingElse) {
  const PlantedWait& planted = GetParam();
  const Json report = profile(planted.fault, planted.seconds);
  ASSERT_TRUE(report.is_object()) << "vfsprof profile failed";
  const Json& waits = report["opportunities"][0]["waits"];
  if (const std::string missing = waits["missing"]; !missing.empty()) {
    GTEST_SKIP() << "not observed here: " << missing;
  }
  const Json& ledgers = report["arms"][0]["waits"];
  if (ledgers.is_null() || ledgers["elapsed_ns"].get<double>() < 2e8) {
    GTEST_SKIP() << "traced for less than 0.2 s: the machine is too busy to judge";
  }
  const Json& listed = waits["listed"];
  if (*planted.rule == '\0') {
    EXPECT_TRUE(listed.empty()) << listed.dump(1);
    return;
  }
  // Whether so short a profile bounds the impact well enough to list it is for synthetic results to
  // say (test_wait_opportunities.cpp).
  const auto is_planted = [&planted](const Json& found) { return found["id"] == planted.rule; };
  EXPECT_TRUE(std::ranges::any_of(listed, is_planted) ||
              std::ranges::any_of(waits["below_threshold"], is_planted))
      << waits.dump(1);
  for (const Json& found : listed) {
    EXPECT_TRUE(is_planted(found)) << found.dump(1);
    EXPECT_EQ(found["evidence"]["parts"][0]["role"], "server");
    EXPECT_FALSE(found["remedy"].get<std::string>().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Live, PlantedWaits,
                         ::testing::Values(PlantedWait{"queue", "lock-wait", "0.6"},
                                           PlantedWait{"queue-of-one", "", "0.6"},
                                           PlantedWait{"knocks", "useless-wakes", "1"},
                                           PlantedWait{"late-sleeps", "failed-sleeps", "1"}));

INSTANTIATE_TEST_SUITE_P(Live, PlantedFaults,
                         ::testing::Values(PlantedFault{"copies", "extra-copies", "memory-copy"},
                                           PlantedFault{"faults", "fault-storm", "page-faults"},
                                           PlantedFault{"hash", "slow-key-hash", "key-hash"},
                                           PlantedFault{"clean", "", ""}));

}  // namespace
}  // namespace vfsprof::harness
