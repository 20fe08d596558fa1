// `vfsprof import` and `vfsprof lint` as a user meets them, and text of the perf that is installed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "harness/tests/command_fixture.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class ImportCommand : public CommandTest {
 protected:
  std::string read_text(const std::string& name) const {
    return CommandTest::read_text(path(name));
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(work_.path() / name, std::ios::binary) << text;
  }
};

constexpr const char* kRecording =
    "vfs-io-worker 12 1.000000: 1000000 cpu-clock: \n"
    "\tffffffff81000000 futex_wake+0x1 ([kernel.kallsyms])\n\n"
    "vfs-async-execu 13 1.001000: 1000000 cpu-clock: \n"
    "\t11 main+0x1 (/bin/subject)\n\n";

TEST_F(ImportCommand, ARecordingEndsInTheSameFilesAsARun) {
  write("a.txt", kRecording);
  const Outcome outcome = run("vfsprof import a.txt --out out");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("### vfs-async-executor: 50.00 % of samples"));
  EXPECT_EQ(outcome.out, read_text("out/report.md"));
  const std::string links = "Flame graphs: [a.txt](flamegraph-a.txt.svg).\n\n";
  const std::size_t at = outcome.out.find(links);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(run("vfsprof report out/import.json").out,
            std::string(outcome.out).erase(at, links.size()));
  const Outcome json = run("vfsprof import a.txt --out out --json");
  EXPECT_EQ(nlohmann::json::parse(json.out)["arms"][0]["profile"]["samples"], 2);
  const Outcome piped = run("cat a.txt | vfsprof import - a.txt --out both");
  EXPECT_EQ(piped.code, 0) << piped.err;
  EXPECT_THAT(piped.out, HasSubstr("`standard input` against `a.txt`"));
  EXPECT_EQ(run("vfsprof lint out/report.md").code, 0);
  EXPECT_EQ(run("vfsprof lint both/report.json").code, 0);
  EXPECT_EQ(run("vfsprof lint both/import.json").code, 0);
  EXPECT_THAT(read_text("both/report.md"), HasSubstr("[difference](flamegraph-diff.svg)"));
  EXPECT_THAT(read_text("both/flamegraph-diff.svg"), HasSubstr("cost is unavailable"));
}

/// Six seconds of a thread that allocates half of its time.
std::string allocating() {
  std::string text;
  for (int i = 0; i < 6000; ++i) {
    char when[16];
    std::snprintf(when, sizeof when, "%d.%03d000", 1 + i / 1000, i % 1000);
    text += "server 10 " + std::string(when) + ": 1000000 cpu-clock: \n\t11 " +
            (i % 2 == 0 ? "malloc+0x1 (/lib/libc.so.6)" : "compute+0x1 (/bin/server)") +
            "\n\t12 serve+0x1 (/bin/server)\n\n";
  }
  return text;
}

TEST_F(ImportCommand, OwnOpportunitiesReplaceAndAdd) {
  const std::string rule = R"({"id": "ID", "title": "TITLE", "applies": "elsewhere",
      "evidence": [{"categories": ["CATEGORY"], "removes": [0.9, 1]}], "problem": ["P."],
      "cause": ["C."], "remedy": {"text": "R."}, "complexity": "low", "why": "w",
      "example": {"role": "server", "stack": ["malloc", "serve"]}})";
  const auto with = [&](std::string text, const char* what, const char* value) {
    return text.replace(text.find(what), std::string_view(what).size(), value);
  };
  const auto named = [&](const char* id, const char* title, const char* category) {
    return with(with(with(rule, "ID", id), "TITLE", title), "CATEGORY", category);
  };
  write("rules.json",
        "{\"opportunities\": [" + named("allocations", "Our arena", "allocator") + "]}");
  write("wrong.json", "{\"opportunities\": [" + named("own", "Own", "unclassified") + "]}");
  write("a.txt", allocating());

  EXPECT_THAT(run("vfsprof import a.txt --out out").out, HasSubstr("Allocate once, not per op"));
  const Outcome replaced = run("vfsprof import a.txt --rules rules.json --out out");
  EXPECT_THAT(replaced.out, HasSubstr("Opportunity 1: Our arena"));
  EXPECT_THAT(replaced.out, Not(HasSubstr("Allocate once")));
  const Outcome added = run("vfsprof report out/import.json --rules wrong.json");
  EXPECT_THAT(added.out, HasSubstr(": Own"));
  EXPECT_THAT(added.out, HasSubstr("Allocate once"));

  EXPECT_EQ(run("vfsprof lint --rules rules.json").code, 0);
  const Outcome wrong = run("vfsprof lint --rules wrong.json");
  EXPECT_EQ(wrong.code, 1);
  EXPECT_THAT(wrong.out, HasSubstr("/opportunities/0/example: example: the example of opp"));
  write("bad.json", R"({"opportunities": [{"id": 3}]})");
  EXPECT_EQ(run("vfsprof lint --rules bad.json").code, 2);
}

TEST_F(ImportCommand, ATerminalGetsATerminalsView) {
  if (run("script --version").code != 0) GTEST_SKIP() << "script is not installed (util-linux)";
  write("a.txt", kRecording);
  const std::string terminal =
      "TERM=xterm script -qec 'stty cols 70; vfsprof import a.txt --out out' typescript";
  EXPECT_THAT(run(terminal).out, HasSubstr("\033[1;34mvfs-async-executor"));
  const Outcome quiet = run("NO_COLOR=1 " + terminal);
  EXPECT_THAT(quiet.out, HasSubstr("vfs-async-executor: 50.00 % of samples"));
  EXPECT_THAT(quiet.out, Not(HasSubstr("\033[")));
  EXPECT_THAT(quiet.out, Not(HasSubstr("**")));
  EXPECT_THAT(run("vfsprof report out/import.json --format text").out, Not(HasSubstr("\033[")));
  EXPECT_THAT(run("vfsprof report out/import.json --format text --color always").out,
              HasSubstr("\033["));
}

TEST_F(ImportCommand, LintRefusesWhatIsNoReport) {
  write("bytes", std::string("ab\0cd", 5));
  write("other.json", "{\"a\": 1}");
  write("damaged.json", "{\"rounds\": [");
  for (const char* file : {"bytes", "other.json", "damaged.json"}) {
    const Outcome outcome = run(std::string("vfsprof lint ") + file);
    EXPECT_EQ(outcome.code, 2) << file;
    EXPECT_THAT(outcome.err, HasSubstr(file));
  }
}

TEST_F(ImportCommand, BadInputNamesTheFileThePlaceAndWhatToDo) {
  write("data", "PERFILE2 and so on\n");
  write("text.txt", "Dear reader,\nthis is a letter.\n");
  write("empty", "");
  struct Case {
    const char* command;
    const char* said;
  };
  const Case cases[] = {
      {"vfsprof import data", "perf script -i data > data.txt"},
      {"vfsprof import text.txt", "text.txt: line 1: `Dear reader,`"},
      {"vfsprof import empty", "empty: line 0"},
      {"vfsprof import absent.txt", "absent.txt: it does not exist"},
      {"vfsprof import .", "it is a folder"},
      {"vfsprof lint absent.md", "absent.md"},
      {"vfsprof lint empty", "it is empty"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.command);
    const Outcome outcome = run(each.command);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr(each.said));
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(ImportCommand, LintSaysFileLineAndRule) {
  write("r.md",
        "n = 100 samples in 2 s at 99 Hz, 5 MB/s\nMachine: 2 CPUs\n\n## worker: 90 % of samples\n\n"
        "| Row | Share |\n|---|---|\n| copy | 70 % |\n");
  const Outcome outcome = run("vfsprof lint r.md");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("r.md:4: row-sum: the rows of worker add up to 70.00 %"));
  EXPECT_THAT(outcome.out, HasSubstr("r.md:4: thread-sum: "));
  const Outcome json = run("vfsprof lint --json r.md");
  EXPECT_EQ(json.code, 1);
  EXPECT_EQ(nlohmann::json::parse(json.out)["findings"].size(), 2U);
}

TEST_F(ImportCommand, ReadsWhatTheInstalledPerfPrints) {
  if (run("perf --version").code != 0) GTEST_SKIP() << "perf is not installed (linux-perf)";
  // Three bursts of about 150 ms, half a second apart.
  const Outcome recorded =
      run("perf record -o p.data -e cpu-clock -F 999 -g -- python3 -c 'import time\n"
          "for _ in range(3):\n"
          "  end = time.process_time() + 0.15\n"
          "  while time.process_time() < end: pass\n"
          "  time.sleep(0.5)\n'");
  if (recorded.code != 0) GTEST_SKIP() << "perf cannot record here: " << recorded.err;
  const char* const forms[] = {
      "",
      "--header",
      "--ns",
      "-G",
      "-F comm,pid,tid,time,period,event,ip,sym,dso",
      "-F comm,tid,time,event,ip,sym,symoff,dso,srcline --full-source-path",
      "-F comm,tid,time,ip,sym",
      "-F comm,ip,sym,dso",
      "-F tid,ip,sym",
      "-F ip,sym",
      "--show-task-events --show-lost-events",
  };
  std::size_t samples = 0;
  for (const std::string form : forms) {
    SCOPED_TRACE(form);
    if (run("perf script -i p.data " + form + " > f.txt").code != 0) continue;
    const Outcome outcome = run("vfsprof import f.txt --json --out out");
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const nlohmann::json report = nlohmann::json::parse(outcome.out);
    const nlohmann::json& profile = report["arms"][0]["profile"];
    if (samples == 0) samples = profile["samples"];
    EXPECT_EQ(profile["samples"], samples);
    for (const nlohmann::json& capability : report["capabilities"]) {
      EXPECT_NE(capability["name"], "lines of f.txt") << capability["detail"];
    }
    // A busy machine may cut a burst in two; half a second of sleep is a gap on any.
    if (form.empty()) {
      EXPECT_GE(profile["rounds"], 2);
    }
  }
  EXPECT_GT(samples, 100U);
}

TEST_F(ImportCommand, ALogOfStraceBecomesAWorkloadThatRuns) {
  write("work.log",
        "9  1700000000.000100 mkdir(\"/w/d\", 0755) = 0\n"
        "9  1700000000.000200 mkdir(\"/elsewhere\", 0755) = 0\n");
  const Outcome without_root = run("vfsprof import work.log");
  EXPECT_EQ(without_root.code, 2);
  EXPECT_THAT(without_root.err, HasSubstr("--root"));
  EXPECT_EQ(run("vfsprof import work.log --root /w --out work").code, 2);
  const Outcome imported = run("vfsprof import work.log --root /w --out work.jsonl");
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("read (strace): 2"));
  EXPECT_THAT(imported.out, HasSubstr("1  outside of the root"));
  const std::string rounds = " --rounds 1 --profile-rounds 0 --trace-rounds 0 --no-floor --out o";
  const Outcome replayed =
      run("mkdir t; vfsprof run --scenario work.jsonl --timing recorded --target dir=t" + rounds);
  EXPECT_EQ(replayed.code, 0) << replayed.err;
  EXPECT_THAT(read_text("o/run.json"),
              HasSubstr("left out by whoever recorded: outside of the root"));
  const Outcome untimed = run("vfsprof run --scenario smoke --speed 2 --target dir=t" + rounds);
  EXPECT_EQ(untimed.code, 2);
  EXPECT_THAT(untimed.err, HasSubstr("is no recording"));
  EXPECT_EQ(run("vfsprof import work.log --from fio-iolog").code, 2);
}

TEST_F(ImportCommand, AReplayWithOtherResultsIsVoid) {
  write("r.jsonl",
        R"({"format": 1, "name": "r", "summary": "a", "stresses": "b"}
{"client": 0, "op": "stat", "path": "x", "expect": "ENOENT"}
{"client": 0, "op": "mkdir", "path": "x", "expect": "EEXIST"}
{"end": {"operations": 2}}
)");
  const Outcome outcome =
      run("mkdir t; vfsprof run --scenario r.jsonl --target dir=t --rounds 1 --profile-rounds 0 "
          "--trace-rounds 0 --no-floor --out o");
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err,
              HasSubstr("1 of 2 results differ from the recorded ones: line 3: mkdir of x"));
}

}  // namespace
}  // namespace vfsprof::harness
