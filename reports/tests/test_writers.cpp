// Every format of the registry: hostile names, widths, and what independent programs read in it.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "reports/analyze/characters.h"
#include "reports/analyze/classified_stacks.h"
#include "reports/model/format_error.h"
#include "reports/model/json.h"
#include "reports/tests/hostile.h"
#include "reports/tests/rendered.h"
#include "reports/write/registry.h"

namespace vfsprof::reports {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// A folder of one test, removed with it.
class Folder {
 public:
  Folder()
      : path_(fs::path(testing::TempDir()) /
              (std::string("vfsprof-writers-") +
               testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
               std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  fs::path path(const std::string& name) const { return path_ / name; }
  /// The exit code of a Python program that is given the folder; 3 where there is no Python.
  int python(const std::string& program) const {
    write("check.py", program);
    const std::string command =
        "python3 '" + (path_ / "check.py").string() + "' '" + path_.string() + "'";
    const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    return WEXITSTATUS(status) == 127 ? 3 : WEXITSTATUS(status);
  }

 private:
  fs::path path_;
};

bool is_shown_as_it_is(char32_t c) {
  const bool is_control = (c < 0x20 && c != '\n') || (c >= 0x7f && c < 0xa0);
  const bool turns_text =
      (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return !is_control && !turns_text && c != 0xfeff && c != 0xfffe && c != 0xffff;
}

TEST(Writers, NoNameBreaksAnyFormat) {
  const Folder folder;
  const RuleSet rules = default_rules();
  int number = 0;
  for (const std::string& name : synthetic::hostile_names()) {
    SCOPED_TRACE(name.substr(0, 60));
    const RunResult result = synthetic::make_hostile_comparison(name);
    const Report report = build_report(result, rules);
    for (const Format& format : all_formats()) {
      SCOPED_TRACE(format.name);
      const std::string text = render({result, rules, report, {}}, format.name);
      ASSERT_TRUE(is_utf8(text));
      if (format.name == "json") {
        EXPECT_TRUE(nlohmann::json::accept(text));
        continue;
      }
      for (std::string_view rest = text; !rest.empty();) {
        const char32_t c = *take_character(rest);
        ASSERT_TRUE(is_shown_as_it_is(c)) << static_cast<unsigned>(c);
      }
      const bool is_svg = text.starts_with("<?xml");
      folder.write(fmt::format("{}-{}.{}", number, format.name, is_svg ? "svg" : format.name),
                   text);
      EXPECT_LT(text.size(), 2'000'000U);
    }
    ++number;
  }
  // What is an element, what a script, what a line of folded stacks: others say it.
  const int code = folder.python(R"(
import pathlib, re, sys
import xml.etree.ElementTree as xml
svg = '{http://www.w3.org/2000/svg}'
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    text = path.read_bytes().decode('utf-8')
    if path.suffix == '.svg':
        tags = {}
        for element in xml.fromstring(text.encode()).iter():
            tags[element.tag] = tags.get(element.tag, 0) + 1
        assert set(tags) <= {svg + t for t in ('svg', 'g', 'rect', 'text', 'title', 'style', 'script')}, (path, tags)
        assert tags[svg + 'script'] == 1 and tags[svg + 'g'] > 30, (path, tags)
    if path.suffix == '.md':
        assert len(text) < 65000, path
        text = re.sub(r'^```\n.*?^```\n', '', text, flags=re.M | re.S)
        for block in re.findall(r'(?:^\|.*\n)+', text, re.M):
            rows = block.split('\n')[:-1]
            bars = {len(re.findall(r'(?<!\\)\|', row)) for row in rows}
            assert len(bars) == 1 and set(rows[1]) <= set('| -:'), (path, block[:500])
        # Outside of code a backslash escapes; within, the next backtick ends it.
        outside = re.sub(r'\\.|`[^`\n]*`', '', text)
        assert '`' not in outside, path
        tags = set(re.findall(r'<[^>\n]*>?', outside))
        assert tags <= {'<details>', '</details>', '<summary>', '</summary>', '<br>'}, (path, tags)
    if path.suffix == '.folded' or path.suffix == '.folded-diff':
        pattern = r'[^;]+(;[^;]+)+ [0-9]+' + (' [0-9]+' if 'diff' in path.suffix else '')
        lines = text.split('\n')
        assert len(lines) > 10 and lines.pop() == '', path
        for line in lines:
            assert re.fullmatch(pattern, line), (path, line[:200])
)");
  if (code == 3) GTEST_SKIP() << "python3 is not installed";
  EXPECT_EQ(code, 0);
}

TEST(Writers, TheSameResultGivesTheSameBytes) {
  const RunResult result = synthetic::make_comparison(6, 0.8);
  for (const Format& format : all_formats()) {
    EXPECT_EQ(render_as(result, format.name), render_as(result, format.name)) << format.name;
  }
}

/// A result as it was saved when versions were at 1 (with no floors, as the first ones were): what
/// was measured once must stay readable. Never saved again.
TEST(Writers, ASavedResultOfVersion1IsRenderedInEveryFormat) {
  const std::string path =
      std::string(VFSPROF_REPORTS_FOLDER) + "/tests/data/result_version_1.json";
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const RunResult result = run_result_from_json(text, path);
  EXPECT_EQ(result.schema_version, 1);
  ASSERT_EQ(result.rounds.size(), 6U);
  const Report report = build_report(result, default_rules());
  EXPECT_EQ(report.arms[0].operations, 2004U);
  for (const Format& format : all_formats()) {
    EXPECT_THAT(render_as(result, format.name), HasSubstr("mount_vfs")) << format.name;
  }
  EXPECT_THAT(render_as(result, "folded"), HasSubstr(";futex_wake"));
}

TEST(Folded, HoldsEverySampleOfTheArm) {
  const RunResult result = synthetic::make_comparison(6, 0.8);
  const Report report = build_report(result, default_rules());
  for (const std::size_t arm : {0U, 1U}) {
    const std::string text = render_as(result, "folded", {.arm = report.arms[arm].arm.name});
    std::uint64_t samples = 0;
    std::map<std::string, std::uint64_t> roles;
    for (const std::string& line : lines_of(text)) {
      const std::uint64_t count = std::stoull(line.substr(line.rfind(' ')));
      samples += count;
      roles[line.substr(0, line.find(';'))] += count;
    }
    EXPECT_EQ(samples, report.arms[arm].profile->samples);
    for (const RoleTable& role : report.arms[arm].profile->roles) {
      EXPECT_EQ(roles[role.role], role.time.samples) << role.role;
    }
    EXPECT_THAT(text, HasSubstr("vfs-io-worker;vfsprof::vfs::Parker::unpark;do_syscall_64;"
                                "__x64_sys_futex;do_futex;futex_wake;wake_up_q;try_to_wake_up "));
  }
  EXPECT_THAT(render_as(result, "folded"), HasSubstr("mutex-pool;vfs-io-worker;"));
}

TEST(Folded, ADifferenceHasBothCounts) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  const Report report = build_report(result, default_rules());
  std::uint64_t before = 0, after = 0;
  for (const std::string& line : lines_of(render_as(result, "folded-diff"))) {
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, std::regex("(.*) (\\d+) (\\d+)"))) << line;
    before += std::stoull(match[2]);
    after += std::stoull(match[3]);
  }
  EXPECT_EQ(before, report.arms[0].profile->samples);
  EXPECT_EQ(after, report.arms[1].profile->samples);
}

TEST(Folded, ADifferenceIsScaledToTheSameOperations) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  const std::uint64_t samples = build_report(result, default_rules()).arms[1].profile->samples;
  // A round of the second arm is void: a third of its samples and operations is missing.
  std::erase_if(result.rounds, [](const Round& round) {
    return round.arm == 1 && round.block == 2 && round.kind == RoundKind::kProfiling;
  });
  std::uint64_t after = 0;
  for (const std::string& line : lines_of(render_as(result, "folded-diff"))) {
    after += std::stoull(line.substr(line.rfind(' ')));
  }
  EXPECT_NEAR(static_cast<double>(after), static_cast<double>(samples),
              0.02 * static_cast<double>(samples));
}

TEST(FlameGraph, AgreesWithTheTables) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  for (const bool has_kernel : {true, false}) {
    for (Round& round : result.rounds) {
      if (round.profile) round.profile->kernel_frames = has_kernel;
    }
    const RuleSet rules = default_rules();
    const Report report = build_report(result, rules);
    const ClassifiedStacks stacks = classify_stacks(result, 0, rules);
    const ProfileTables& tables = *report.arms[0].profile;
    EXPECT_EQ(stacks.samples, tables.samples);
    EXPECT_EQ(stacks.operations, tables.operations);
    std::map<std::string, std::uint64_t> weights;
    for (const ClassifiedStack& stack : stacks.stacks) weights[stack.role] += stack.weight_ns;
    for (const RoleTable& role : tables.roles) {
      EXPECT_EQ(weights[role.role], role.time.weight_ns) << role.role;
    }
    const std::string svg = render_as(result, "flamegraph", {.arm = "mutex-pool"});
    for (const RoleTable& role : tables.roles) {
      EXPECT_THAT(svg, HasSubstr(fmt::format("<title>{}\n{:.1f} % of the CPU time ({:} samples)",
                                             role.role, 100 * role.time.share.value,
                                             role.time.samples >= 1000
                                                 ? fmt::format("1,{:03}", role.time.samples - 1000)
                                                 : std::to_string(role.time.samples))));
    }
    EXPECT_EQ(has_kernel, svg.find("[kernel, not resolved]") == std::string::npos);
  }
}

TEST(FlameGraph, IsOneFileThatLoadsNothing) {
  const RunResult result = synthetic::make_comparison(6, 0.8);
  for (const char* format : {"flamegraph", "flamegraph-diff"}) {
    const std::string svg = render_as(result, format);
    for (const char* loader : {"href", "@import", "url(", "src=", "fetch(", "XMLHttp"}) {
      EXPECT_EQ(svg.find(loader), std::string::npos) << format << loader;
    }
    EXPECT_EQ(svg.find("http", svg.find("xmlns")), svg.find("http://www.w3.org/2000/svg"));
  }
}

TEST(FlameGraph, ZoomSearchAndResetWork) {
  const Folder folder;
  const RunResult plain = synthetic::make_comparison(6, 0.8);
  const RunResult hostile = synthetic::make_hostile_comparison("</title>]]><a&\"'>\\u0000");
  for (const RunResult* result : {&plain, &hostile}) {
    for (const char* format : {"flamegraph", "flamegraph-diff"}) {
      SCOPED_TRACE(format);
      folder.write("graph.svg", render_as(*result, format));
      const std::string command = "node '" VFSPROF_REPORTS_FOLDER "/tests/flamegraph_dom.js' '" +
                                  folder.path("graph.svg").string() + "'";
      const int status = std::system(command.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
      if (WEXITSTATUS(status) == 127) GTEST_SKIP() << "nodejs is not installed";
      EXPECT_EQ(status, 0);
    }
  }
}

TEST(FlameGraph, ADifferenceShowsCostAndWhatVanished) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  // The second arm copies no more, wakes half as much; everything else stays.
  for (Round& round : result.rounds) {
    if (round.arm == 0 || !round.profile) continue;
    Profile& profile = *round.profile;
    std::erase_if(profile.samples, [&](const SampleCount& sample) {
      const auto& stack = profile.stacks[sample.stack];
      return profile.frames[stack[0]].function.starts_with("__memmove") ||
             (profile.frames[stack[0]].function == "try_to_wake_up" && sample.slice % 2 == 0);
    });
  }
  const std::string svg = render_as(result, "flamegraph-diff");
  EXPECT_THAT(svg, HasSubstr("After: sharded-pool"));
  EXPECT_THAT(svg, HasSubstr("Before: mutex-pool"));
  const std::size_t before = svg.find("Before: mutex-pool");
  std::smatch gone;
  const std::string lower = svg.substr(before), upper = svg.substr(0, before);
  ASSERT_TRUE(std::regex_search(lower, gone, std::regex("__memmove[^<]*\\(gone\\)")));
  EXPECT_EQ(upper.find("<title>__memmove_avx_unaligned_erms\nbefore 4"), std::string::npos);
  // Half of the wakes is 8.7 us of 43 for the workers.
  EXPECT_TRUE(std::regex_search(
      upper, std::regex("futex_wake\nbefore 8[^\n]*\nafter 4[^\n]*\nchange -4.* µs")))
      << upper;
  EXPECT_THAT(upper, HasSubstr("within the noise of the counts"));
}

TEST(FlameGraph, WithoutOperationsAShareIsAllThereIs) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  std::erase_if(result.rounds, [](const Round& round) { return !round.profile; });
  for (Round& round : result.rounds) {
    round.counts_operations = false;
    round.operations.clear();
  }
  result.command = "import";
  EXPECT_THAT(render_as(result, "flamegraph-diff"), HasSubstr("cost is unavailable"));
  EXPECT_THAT(render_as(result, "flamegraph"), HasSubstr("operations not counted"));
}

TEST(FlameGraph, WhatCannotBeShownIsAnError) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  const auto error = [&](std::string_view format, const RenderOptions& options) -> std::string {
    try {
      render_as(result, format, options);
    } catch (const FormatError& caught) {
      return caught.what();
    }
    return "none";
  };
  EXPECT_THAT(error("flamegraph", {.arm = "absent"}), HasSubstr("\"sharded-pool\""));
  EXPECT_THAT(error("flamegraph-diff", {.arm = "mutex-pool"}), HasSubstr("name another"));
  EXPECT_EQ(error("flamegraph-diff", {.arm = "#2"}), "none");
  result.rounds[1].tree_hash = "other";
  EXPECT_THAT(error("flamegraph-diff", {}), HasSubstr("void"));
  EXPECT_EQ(error("flamegraph", {}), "none");
  std::erase_if(result.rounds, [](const Round& round) { return round.profile.has_value(); });
  EXPECT_THAT(error("folded", {}), HasSubstr("no profiling round"));
}

TEST(FlameGraph, FilesAreNamedAfterTheArms) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  result.arms[1].name = "../mutex pool,hash=fx";
  const auto files = flame_graph_files(build_report(result, default_rules()));
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].file, "flamegraph-diff.svg");
  EXPECT_EQ(files[1].file, "flamegraph-mutex-pool.svg");
  EXPECT_EQ(files[2].file, "flamegraph-..-mutex-pool-hash=fx.svg");
  result.arms[1].name = "mutex-pool";
  EXPECT_EQ(flame_graph_files(build_report(result, default_rules()))[2].file,
            "flamegraph-mutex-pool-2.svg");
  RenderOptions options;
  options.links = {{"mutex|pool", "flamegraph-mutex-pool.svg"}};
  EXPECT_THAT(render_as(result, "md", options),
              HasSubstr("Flame graphs: [mutex|pool](flamegraph-mutex-pool.svg)."));
}

TEST(FlameGraph, AnArmThatOnlyWaitedHasNone) {
  RunResult result = synthetic::make_comparison(6, 0.8);
  for (Round& round : result.rounds) {
    if (round.arm == 1 && round.profile) round.profile->samples.clear();
  }
  const auto files = flame_graph_files(build_report(result, default_rules()));
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].arm, "#1");
}

}  // namespace
}  // namespace vfsprof::reports
