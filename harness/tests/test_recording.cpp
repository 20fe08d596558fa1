// Recordings: what their parser refuses, who waits for whom, and what a replay compares.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/run/work_directory.h"
#include "harness/scenario/budget.h"
#include "harness/scenario/client.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/recording.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kHeader = R"({"format": 1, "name": "r", "summary": "a", "stresses": "b"})"
                            "\n";

std::string recording(const std::vector<std::string>& operations,
                      const std::string& existing = "") {
  std::string text = kHeader + existing;
  for (const std::string& operation : operations) text += operation + "\n";
  return text + R"({"end": {"operations": )" + std::to_string(operations.size()) + "}}\n";
}

std::string refusal(const std::string& text) {
  try {
    measure_footprint(parse_recording(text, "r.jsonl"), 1);
    return {};
  } catch (const BadInput& error) {
    return error.what();
  }
}

constexpr const char* kCreate = R"({"client": 0, "op": "create", "path": "x", "fd": 0})";
constexpr const char* kClose = R"({"client": 0, "op": "close", "fd": 0})";

TEST(Recording, ErrorsNameTheLineTheValueAndWhatIsAllowed) {
  EXPECT_EQ(refusal(recording({kCreate, kClose})), "");
  EXPECT_THAT(refusal(recording({R"({"client": 64, "op": "stat", "path": "x"})"})),
              AllOf(HasSubstr("r.jsonl, line 2"), HasSubstr("64"), HasSubstr("63")));
  EXPECT_THAT(refusal(recording({R"({"client": 0, "op": "stat", "path": "../x"})"})),
              AllOf(HasSubstr("line 2"), HasSubstr("'../x' is not allowed")));
  EXPECT_THAT(refusal(recording({R"({"client": 0, "op": "mkdir", "path": "/etc"})"})),
              HasSubstr("'/etc' is not allowed"));
  EXPECT_THAT(refusal(recording({R"({"client": 0, "op": "unlink", "path": "."})"})),
              HasSubstr("'.' is not allowed"));
  EXPECT_THAT(refusal(recording({}, R"({"exists": "file", "path": "a/../../x"})"
                                    "\n")),
              HasSubstr("is not allowed"));
  EXPECT_THAT(refusal(recording({}, R"({"exists": "symlink", "path": "l", "target": "/etc"})"
                                    "\n")),
              HasSubstr("leads out"));
  EXPECT_THAT(
      refusal(recording(
          {kCreate, R"({"client": 0, "op": "write", "fd": 0, "offset": 0, "size": 17000000})"})),
      AllOf(HasSubstr("line 3"), HasSubstr("17000000")));
  EXPECT_THAT(refusal(recording(
                  {kCreate, R"({"client": 0, "op": "read", "fd": 0, "offset": -1, "size": 1})"})),
              HasSubstr("line 3"));
  EXPECT_THAT(
      refusal(recording(
          {kCreate,
           R"({"client": 0, "op": "read", "fd": 0, "offset": 99999999999999999999999, "size": 1})"})),
      HasSubstr("line 3"));
  EXPECT_THAT(refusal(recording({"{\"client\": 0, \"op\": \"stat\", \"path\": \"\xff\"}"})),
              HasSubstr("line 2"));
  EXPECT_THAT(
      refusal("{\"format\": 2, \"name\": \"r\", \"summary\": \"a\", \"stresses\": \"b\"}\n"),
      AllOf(HasSubstr("line 1"), HasSubstr("/format")));
  EXPECT_THAT(refusal(""), HasSubstr("line 1"));
}

TEST(Recording, WhatWasCutOffIsRefusedWhereverItWasCut) {
  const std::string whole = recording(
      {kCreate, R"({"client": 0, "op": "write", "fd": 0, "offset": 0, "size": 10})", kClose});
  ASSERT_EQ(refusal(whole), "");
  // Without its last line's end it is whole.
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
  }
}

TEST(Recording, CorruptBytesAreRefusedOrHarmless) {
  const std::string whole = recording(
      {kCreate, R"({"client": 1, "op": "write", "fd": 0, "offset": 0, "size": 10})", kClose},
      R"({"exists": "directory", "path": "d"})"
      "\n");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'\0', '"', '{', '9', '/', '.', '\xff'}) {
      std::string text = whole;
      text[at] = byte;
      refusal(text);  // nothing but BadInput is thrown
    }
  }
}

TEST(Recording, WhatIsNotThereOrNotOpenIsKnownBeforehand) {
  EXPECT_THAT(refusal(recording({kClose})),
              AllOf(HasSubstr("line 2"), HasSubstr("fd 0 is not open by then")));
  EXPECT_THAT(refusal(recording({kCreate, kCreate})), HasSubstr("fd 0 is still open by then"));
  EXPECT_THAT(refusal(recording({R"({"client": 0, "op": "unlink", "path": "x"})"})),
              HasSubstr("'x' does not exist by then"));
  EXPECT_THAT(refusal(recording({R"({"client": 0, "op": "mkdir", "path": "d/e"})"})),
              HasSubstr("lies in no directory"));
  EXPECT_EQ(
      refusal(recording({R"({"client": 0, "op": "unlink", "path": "x", "expect": "ENOENT"})"})),
      "");
  EXPECT_THAT(refusal(recording({kCreate}, R"({"exists": "file", "path": "d/x"})"
                                           "\n")),
              HasSubstr(R"(add {"exists": "directory", "path": "d"})"));
}

TEST(Recording, ItsBudgetIsReckonedWithRenamedDirectories) {
  const std::string text =
      recording({R"({"client": 0, "op": "mkdir", "path": "d"})", kCreate,
                 R"({"client": 0, "op": "rename", "path": "x", "to": "d/x"})",
                 R"({"client": 1, "op": "rename", "path": "d", "to": "e"})",
                 R"({"client": 1, "op": "write", "fd": 0, "offset": 1000000, "size": 24})", kClose,
                 R"({"client": 1, "op": "unlink", "path": "e/x"})"},
                R"({"exists": "file", "path": "old", "size": 1000})"
                "\n");
  const Scenario scenario = parse_recording(text, "r");
  EXPECT_EQ(scenario.recording->peak_bytes, 3U * 4096 + 1000 + 1000024);
  EXPECT_EQ(scenario.recording->existing_files, 1U);
  EXPECT_THAT(scenario.summary, HasSubstr("made beforehand: 1 files with 1000 bytes"));
}

/// "client: client<count, ..." for each operation that waits.
std::vector<std::string> waits_of(const std::vector<std::string>& operations,
                                  const std::string& existing = "") {
  const Scenario scenario = parse_recording(recording(operations, existing), "r");
  std::vector<std::string> result;
  for (const Job& job : scenario.jobs) {
    std::size_t first = 0;
    for (const Turn& turn : job.operations->turns) {
      std::string text = "line " + std::to_string(turn.line);
      for (std::size_t i = first; i < turn.wait_end; ++i) {
        const Wait& wait = job.operations->waits[i];
        text += " for " + std::to_string(wait.count) + " of " + std::to_string(wait.client);
      }
      if (turn.wait_end > first) result.push_back(text);
      first = turn.wait_end;
    }
  }
  return result;
}

TEST(Recording, OperationsOnOneFileWaitForEachOther) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(waits_of({kCreate, R"({"client": 1, "op": "write", "fd": 0, "offset": 0, "size": 1})",
                      R"({"client": 2, "op": "stat", "path": "x", "expect": 1})",
                      R"({"client": 2, "op": "mkdir", "path": "free"})", kClose}),
            (Lines{"line 6 for 1 of 2", "line 3 for 1 of 0", "line 4 for 1 of 0 for 1 of 1"}));
}

TEST(Recording, ADirectoryWaitsForWhatIsDoneBelowIt) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(
      waits_of({R"({"client": 0, "op": "mkdir", "path": "d"})",
                R"({"client": 1, "op": "mkdir", "path": "d/e"})",
                R"({"client": 2, "op": "mkdir", "path": "d/f"})",
                R"({"client": 3, "op": "readdir", "path": "d", "expect": 4})",
                R"({"client": 0, "op": "rename", "path": "d", "to": "g"})",
                R"({"client": 1, "op": "stat", "path": "g/e"})"}),
      (Lines{"line 6 for 1 of 1 for 1 of 2 for 1 of 3", "line 3 for 1 of 0", "line 7 for 2 of 0",
             "line 4 for 1 of 0", "line 5 for 1 of 0 for 1 of 1 for 1 of 2"}));
}

class Replay : public ::testing::Test {
 protected:
  Replay() : work_(fs::temp_directory_path()) {}

  ClientResult run(const Scenario& scenario) {
    const fs::path directory = work_.path() / std::to_string(++runs_);
    fs::create_directory(directory);
    directory_ = directory;
    ClientProcess clients(
        scenario,
        {.directory = directory, .placement = Placement::kFree, .program = VFSPROF_TEST_CLIENT});
    clients.wait_until_ready();
    clients.go();
    ClientResult result = clients.wait();
    clients.finish();
    return result;
  }

  WorkDirectory work_;
  fs::path directory_;
  int runs_ = 0;
};

TEST_F(Replay, ClientsShareFilesAndKeepTheirOrder) {
  // Four clients append to one file in turns; whoever is out of turn reads another size.
  std::vector<std::string> operations{
      R"({"client": 0, "op": "create", "path": "x", "fd": 7, "flags": ["append"]})"};
  for (int i = 1; i <= 400; ++i) {
    const std::string client = std::to_string(i * 7 % 4);
    operations.push_back(R"({"client": )" + client +
                         R"(, "op": "write", "fd": 7, "offset": 0, "size": 10, "expect": 10})");
    operations.push_back(R"({"client": )" + std::to_string(i * 5 % 3) +
                         R"(, "op": "stat", "path": "x", "expect": )" + std::to_string(i * 10) +
                         "}");
  }
  const Scenario scenario = parse_recording(recording(operations), "r");
  const ClientResult result = run(scenario);
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(fs::file_size(directory_ / "x"), 4000U);
  EXPECT_EQ(run(scenario).results_hash, result.results_hash);
}

TEST_F(Replay, WhatExistedIsMadeBeforehand) {
  const ClientResult result = run(parse_recording(
      recording(
          {R"({"client": 3, "op": "open", "path": "d/x", "fd": 1, "flags": ["read-only"]})",
           R"({"client": 4, "op": "read", "fd": 1, "offset": 2000000, "size": 4096, "expect": 97152})",
           R"({"client": 4, "op": "readlink", "path": "l", "expect": 3})"},
          R"({"exists": "file", "path": "d/x", "size": 2097152})"
          "\n"
          R"({"exists": "symlink", "path": "l", "target": "d/x"})"
          "\n"
          R"({"exists": "directory", "path": "d"})"
          "\n"),
      "r"));
  EXPECT_THAT(result.failure,
              HasSubstr("1 of 3 results differ from the recorded ones: line 6: read "
                        "of d/x at offset 2000000 gave '4096' where '97152'"));
}

TEST_F(Replay, AllDifferencesAreCountedAndTheFirstListed) {
  std::vector<std::string> operations;
  for (int i = 0; i < 30; ++i) {
    operations.push_back(R"({"client": )" + std::to_string(i % 3) +
                         R"(, "op": "stat", "path": "x", "expect": )" +
                         (i % 2 == 0 ? "\"ENOENT\"}" : "\"EISDIR\"}"));
  }
  const std::string failure = run(parse_recording(recording(operations), "r")).failure;
  EXPECT_THAT(failure,
              HasSubstr("15 of 30 results differ from the recorded ones: line 3: stat of x"));
  EXPECT_THAT(failure, HasSubstr("; line 21: "));
  EXPECT_THAT(failure, ::testing::Not(HasSubstr("line 23")));
}

TEST_F(Replay, AtTheRecordedPaceNothingStartsBeforeItsTime) {
  std::vector<std::string> operations;
  for (int i = 0; i < 20; ++i) {
    operations.push_back(R"({"client": )" + std::to_string(i % 2) + R"(, "at_ns": )" +
                         std::to_string(i * 20'000'000) +
                         R"(, "op": "stat", "path": "x", "expect": "ENOENT"})");
  }
  Scenario scenario = parse_recording(recording(operations), "r");
  set_replay(scenario, {.timing = "recorded", .speed = 1});
  // The clients' own time begins some microseconds after that from which operations are due.
  EXPECT_GE(run(scenario).elapsed_ns, 379'000'000U);
  set_replay(scenario, {.timing = "", .speed = 4});
  const std::uint64_t fast_ns = run(scenario).elapsed_ns;
  EXPECT_GE(fast_ns, 94'000'000U);
  set_replay(scenario, {.timing = "closed", .speed = 1});
  EXPECT_LT(run(scenario).elapsed_ns, fast_ns);
}

TEST_F(Replay, NothingOutsideOfTheDirectoryIsReached) {
  const ClientResult result = run(parse_recording(
      recording({R"({"client": 0, "op": "symlink", "path": "up", "target": "d"})",
                 R"({"client": 0, "op": "create", "path": "up/x", "fd": 1, "expect": "ELOOP"})",
                 R"({"client": 0, "op": "stat", "path": "up/x", "expect": "ELOOP"})"}),
      "r"));
  EXPECT_EQ(result.failure, "");
}

}  // namespace
}  // namespace vfsprof::harness
