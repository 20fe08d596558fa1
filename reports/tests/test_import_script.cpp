// The reader of perf script's text: every form in which it prints, and damaged text.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "reports/import/import_result.h"
#include "reports/import/perf_script.h"
#include "reports/model/format_error.h"
#include "reports/model/json.h"

namespace vfsprof::reports {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kData = std::string(VFSPROF_REPORTS_FOLDER) + "/tests/data/";

std::string read_fixture(const std::string& name) {
  std::ifstream file(kData + name, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(text.empty()) << name;
  return text;
}

Recording read(std::string_view text) {
  PerfScriptReader reader("f.txt");
  reader.feed(text);
  return reader.finish();
}

std::string error_of(std::string_view text) {
  try {
    read(text);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

/// "function module kind" of each frame, leaf first.
std::vector<std::string> stack_of(const Recording& recording, std::size_t sample) {
  std::vector<std::string> result;
  for (const std::uint32_t index : recording.stacks[recording.samples[sample].stack]) {
    const Frame& frame = recording.frames[index];
    result.push_back(frame.function + " " + frame.module + " " +
                     std::to_string(static_cast<int>(frame.kind)));
  }
  return result;
}

TEST(PerfScript, ReadsEveryFieldOfARecordingWithHeader) {
  const Recording recording = read(read_fixture("script_header.txt"));
  ASSERT_EQ(recording.samples.size(), 2U);
  EXPECT_EQ(recording.samples[0].time_ns, 100'000'000'000U);
  EXPECT_EQ(recording.samples[1].time_ns, 100'001'000'000U);
  ASSERT_EQ(recording.threads.size(), 1U);
  EXPECT_EQ(recording.threads[0].tid, 12);
  EXPECT_EQ(recording.threads[0].name, "Web Content");
  EXPECT_EQ(recording.events[0].name, "cpu-clock:u");
  EXPECT_EQ(recording.events[0].period_sum, 2'002'002U);
  EXPECT_THAT(
      stack_of(recording, 0),
      ElementsAre("futex_wake [kernel] 1", "fuse_dev_write [kernel] 1", "memmove libc.so.6 0",
                  "vfs::Pool<int>::find(int (*)(char)) const my program (deleted) 0",
                  " [unknown] 0"));
  EXPECT_EQ(recording.samples[0].stack, recording.samples[1].stack) << "offsets are not compared";
  EXPECT_EQ(recording.lost, 7U);
  EXPECT_EQ(recording.throttled, 1U);
  EXPECT_EQ(recording.frequency_hz, 999U);
  EXPECT_EQ(recording.environment.kernel, "6.1.0-18-amd64");
  EXPECT_EQ(recording.environment.cpus, 2);
  EXPECT_EQ(recording.environment.memory_bytes, std::uint64_t{8149516} * 1024);
  EXPECT_EQ(recording.malformed.count, 0U);
}

TEST(PerfScript, InlinedFramesShareTheModuleOfTheFrameAroundThem) {
  const Recording recording = read(read_fixture("script_inlined.txt"));
  ASSERT_EQ(recording.samples.size(), 2U);
  for (const std::size_t sample : {0U, 1U}) {
    EXPECT_THAT(stack_of(recording, sample),
                ElementsAre("inner subject 2", "outer subject 0", "main subject 0"));
  }
  EXPECT_EQ(recording.malformed.count, 0U);
}

TEST(PerfScript, WithoutCallChainsTheSymbolStandsOnTheSamplesLine) {
  const Recording recording = read(read_fixture("script_no_chains.txt"));
  ASSERT_EQ(recording.samples.size(), 3U);
  EXPECT_EQ(recording.threads[0].name, "kworker/0:1");
  EXPECT_EQ(recording.threads[1].name, "dd test");
  EXPECT_EQ(recording.threads[1].tid, 12345);
  EXPECT_THAT(stack_of(recording, 0), ElementsAre("schedule [kernel] 1"));
  EXPECT_THAT(stack_of(recording, 1), ElementsAre("clear_page_erms [kernel] 1"));
  EXPECT_THAT(stack_of(recording, 2), ElementsAre("add libm.so.6 0"));
  EXPECT_EQ(recording.malformed.count, 0U);
}

TEST(PerfScript, ReadsWhateverFieldsWerePrinted) {
  const Recording names = read(read_fixture("script_name_only.txt"));
  ASSERT_EQ(names.samples.size(), 2U);
  EXPECT_EQ(names.threads[0].name, "burner x");
  EXPECT_FALSE(names.has_times);
  const Recording frames = read(read_fixture("script_frames_only.txt"));
  ASSERT_EQ(frames.samples.size(), 2U);
  EXPECT_FALSE(frames.has_threads);
  EXPECT_THAT(stack_of(frames, 0), ElementsAre("memmove [unknown] 0", "do_syscall_64 [unknown] 0"));
  const Recording tids = read(read_fixture("script_tid_only.txt"));
  ASSERT_EQ(tids.threads.size(), 2U);
  EXPECT_EQ(tids.threads[1].tid, 20866);
}

TEST(PerfScript, TakesHeadersApart) {
  struct Case {
    const char* line;
    const char* comm;
    std::int32_t tid;
    std::uint64_t time_ns;
    const char* event;
  };
  const Case cases[] = {
      {"swapper     0 [000] 1.000001: 1 cycles: ", "swapper", 0, 1'000'001'000, "cycles"},
      {"foo 12 345/346 [003] 1.000000000: 1 cycles:ppp: ", "foo 12", 346, 1'000'000'000,
       "cycles:ppp"},
      {":-1    -1 2.000000: cpu/event=0x3c/u: ", ":-1", -1, 2'000'000'000, "cpu/event=0x3c/u"},
      {"a b c 7 [001] d..1. 3.500000: sched:sched_switch: prev_comm=x", "a b c", 7, 3'500'000'000,
       "sched:sched_switch"},
      {"bash 9 K    4.000000: 250 instructions:k: ", "bash", 9, 4'000'000'000, "instructions:k"},
      {"bash 9 4.000000: ", "bash", 9, 4'000'000'000, ""},
  };
  for (const Case& each : cases) {
    const auto header = parse_script_header(each.line);
    ASSERT_TRUE(header) << each.line;
    EXPECT_TRUE(header->is_certain) << each.line;
    EXPECT_EQ(header->comm, each.comm) << each.line;
    EXPECT_EQ(header->tid, each.tid) << each.line;
    EXPECT_EQ(header->time_ns, each.time_ns) << each.line;
    EXPECT_EQ(header->event, each.event) << each.line;
  }
}

TEST(PerfScript, MalformedLinesAreCountedAndTheFirstIsShown) {
  const Recording recording = read(read_fixture("script_malformed.txt"));
  EXPECT_EQ(recording.samples.size(), 2U);
  EXPECT_EQ(recording.malformed.count, 2U);
  EXPECT_EQ(recording.malformed.first_line, 4U);
  EXPECT_EQ(recording.malformed.first_text, "worker 12 100.0010: 1000000 cpu-cl");
}

TEST(PerfScript, OtherTextIsRefusedWithFileLineAndWhatWasExpected) {
  EXPECT_THAT(error_of(""), HasSubstr("f.txt: line 0: the text ends without a sample"));
  EXPECT_THAT(error_of("# only\n# comments\n"), HasSubstr("line 2"));
  EXPECT_THAT(error_of("PERFILE2\1\2\3\n"), HasSubstr("perf script -i f.txt"));
  EXPECT_THAT(error_of("\n# x\nThe quick brown fox\njumps\n"),
              HasSubstr("f.txt: line 3: `The quick brown fox` is no text of `perf script`"));
  EXPECT_THAT(error_of("{\n  \"a\": 1,\n  \"b\": 2\n}\n"), HasSubstr("f.txt: line 1"));
  EXPECT_THAT(error_of("bash 9 4.000000: 1 cycles: \n"), HasSubstr("no frames"));
  EXPECT_THAT(error_of(std::string(3'000'000, 'x')), HasSubstr("f.txt: line 1"));
}

TEST(PerfScript, PiecesMayEndAnywhere) {
  const std::string text = read_fixture("script_header.txt") + read_fixture("script_events.txt");
  const Recording whole = read(text);
  for (const std::size_t size : {1U, 2U, 7U, 64U}) {
    PerfScriptReader reader("f.txt");
    for (std::size_t at = 0; at < text.size(); at += size) {
      reader.feed(std::string_view(text).substr(at, size));
    }
    const Recording pieces = reader.finish();
    EXPECT_EQ(pieces.frames, whole.frames);
    ASSERT_EQ(pieces.samples.size(), whole.samples.size());
    for (std::size_t i = 0; i < whole.samples.size(); ++i) {
      EXPECT_EQ(stack_of(pieces, i), stack_of(whole, i));
      EXPECT_EQ(pieces.samples[i].time_ns, whole.samples[i].time_ns);
    }
  }
}

/// Whatever comes: a result that can be saved and read again, or an error in words.
void expect_result_or_error(const std::string& text) {
  try {
    const RunResult result = make_import_result({read(text)}, {});
    EXPECT_EQ(run_result_from_json(to_json(result), "x").rounds.size(), result.rounds.size());
  } catch (const FormatError& error) {
    EXPECT_GT(std::string(error.what()).size(), 10U);
  }
}

TEST(PerfScript, DamagedTextGivesAResultOrAnError) {
  std::mt19937 random(7);
  std::size_t fixtures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kData)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("script_")) continue;
    ++fixtures;
    const std::string text = read_fixture(name);
    for (int i = 0; i < 300; ++i) {
      std::string damaged = text.substr(0, random() % (text.size() + 1));
      for (unsigned changes = random() % 8; changes > 0 && !damaged.empty(); --changes) {
        const std::size_t at = random() % damaged.size();
        switch (random() % 4) {
          case 0:
            damaged[at] = static_cast<char>(random());
            break;
          case 1:
            damaged.erase(at, random() % 20);
            break;
          case 2:
            damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 40));
            break;
          default:
            damaged[at] = "0123456789 \t\n()[]:./+x"[random() % 22];
        }
      }
      SCOPED_TRACE(name + " " + std::to_string(i));
      expect_result_or_error(damaged);
    }
  }
  EXPECT_GE(fixtures, 8U);
}

}  // namespace
}  // namespace vfsprof::reports
