#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/process.h"
#include "harness/scenario/scenario.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

const fs::path kScenarios = fs::path(VFSPROF_SOURCE_DIR) / "scenarios";

/// Prints a line "1" or "0" for each document: whether the schema accepts it.
constexpr const char* kValidator = R"(
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for path in sys.argv[2:]:
    print(int(validator.is_valid(json.load(open(path)))))
)";

std::string output_of(const std::vector<std::string>& command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return "no pipe";
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  ChildProcess child({.command = command, .fds = {{out.get(), 1}}, .before_exec = {}});
  out.reset();
  std::string text;
  std::array<char, 4096> chunk;
  for (ssize_t n; (n = ::read(in.get(), chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
  return child.wait().ok() ? text : "validator failed";
}

bool has_validator() {
  return fs::exists("/usr/bin/python3") &&
         output_of({"/usr/bin/python3", "-c", "import jsonschema; jsonschema.Draft202012Validator"})
             .empty();
}

std::string verdicts_of_schema(const std::vector<fs::path>& documents) {
  std::vector<std::string> command{"/usr/bin/python3", "-c", kValidator,
                                   kScenarios / "schema.json"};
  command.insert(command.end(), documents.begin(), documents.end());
  return output_of(command);
}

std::string verdicts_of_parser(const std::vector<fs::path>& documents) {
  std::string verdicts;
  for (const fs::path& path : documents) {
    try {
      load_scenario(path);
      verdicts += "1\n";
    } catch (const BadInput&) {
      verdicts += "0\n";
    }
  }
  return verdicts;
}

TEST(ScenarioSchema, AcceptsEveryScenarioOfTheFolder) {
  if (!has_validator())
    GTEST_SKIP() << "python3-jsonschema is not installed (./scripts/setup does that)";
  std::vector<fs::path> documents;
  std::string accepted;
  for (const auto& entry : fs::directory_iterator(kScenarios)) {
    if (entry.path().extension() != ".json" || entry.path().filename() == "schema.json") continue;
    documents.push_back(entry.path());
    accepted += "1\n";
  }
  ASSERT_EQ(documents.size(), built_in_scenarios().size());
  EXPECT_EQ(verdicts_of_schema(documents), accepted);
  EXPECT_EQ(verdicts_of_parser(documents), accepted);
}

/// Jobs and top-level keys at and beyond every limit that a single value can break. All are 4 KiB
/// files, so that no check across keys is met.
const std::vector<std::string> kJobKeys{R"()",
                                        R"("bs": 512)",
                                        R"("bs": 511)",
                                        R"("bs": "4k")",
                                        R"("bs": "4q")",
                                        R"("bs": "k")",
                                        R"("bs": true)",
                                        R"("bs": null)",
                                        R"("bs": -4096)",
                                        R"("bs": 16777217)",
                                        R"("bs": "4g")",
                                        R"("numjobs": 256)",
                                        R"("numjobs": 257)",
                                        R"("numjobs": 0)",
                                        R"("numjobs": "2")",
                                        R"("nrfiles": 900)",
                                        R"("nrfiles": 901)",
                                        R"("nrfiles": 0)",
                                        R"("number_ios": 0)",
                                        R"("number_ios": 100000001)",
                                        R"("number_ios": 1.5)",
                                        R"("loops": 0)",
                                        R"("loops": 1000000)",
                                        R"("loops": 1000001)",
                                        R"("fsync": 1)",
                                        R"("fsync": -1)",
                                        R"("end_fsync": true)",
                                        R"("end_fsync": "true")",
                                        R"("prefill": true)",
                                        R"("prefill": 0)",
                                        R"("reopen": true)",
                                        R"("reopen": [])",
                                        R"("create": true)",
                                        R"("create": {})",
                                        R"("verify": true)",
                                        R"("verify": 1)",
                                        R"("thinktime": "5ms")",
                                        R"("thinktime": 5)",
                                        R"("thinktime": "5")",
                                        R"("thinktime": "5 ms")",
                                        R"("thinktime": "-5ms")",
                                        R"("rwmixread": 50)",
                                        R"("blocksize": 4096)",
                                        R"("BS": 4096)"};
const std::vector<std::string> kTopKeys{R"("seed": 0)",
                                        R"("seed": 18446744073709551615)",
                                        R"("seed": 18446744073709551616)",
                                        R"("seed": -1)",
                                        R"("seed": "1")",
                                        R"("placement": "split")",
                                        R"("placement": "Split")",
                                        R"("racy": true)",
                                        R"("racy": "no")",
                                        R"("runtime_cap": "30s")",
                                        R"("runtime_cap": 30)",
                                        R"("runtime_cap": "s")",
                                        R"("runtime_cap": "2m")",
                                        R"("version": 1)"};
const std::vector<std::string> kWholeDocuments{
    "[]",
    "{}",
    "null",
    R"({"name": "s", "summary": "a", "stresses": "b"})",
    R"({"name": "s", "summary": "a", "stresses": "b", "jobs": {}})",
    R"({"name": "s", "summary": "a", "stresses": "b", "jobs": []})",
    R"({"name": "s", "summary": "a", "stresses": "b", "jobs": [1]})",
    R"({"name": "s", "summary": "a", "stresses": "b", "jobs": [{"name": "j", "size": "4k"}]})",
    R"({"name": "s", "summary": "a", "stresses": "b", "jobs": [{"name": "j", "rw": "write"}]})",
    R"({"name": "s", "summary": "a", "stresses": "b", "jobs": [{"rw": "write", "size": "4k"}]})",
    R"({"name": "", "summary": "a", "stresses": "b", "jobs": [{"name": "j", "rw": "write", "size": "4k"}]})",
    R"({"name": "a b", "summary": "a", "stresses": "b", "jobs": [{"name": "j", "rw": "write", "size": "4k"}]})",
    R"({"name": "s", "summary": "", "stresses": "b", "jobs": [{"name": "j", "rw": "write", "size": "4k"}]})",
    R"({"name": "s", "summary": "a", "stresses": 1, "jobs": [{"name": "j", "rw": "write", "size": "4k"}]})",
    R"({"name": "s", "summary": "a", "stresses": "b", "jobs": [{"name": "j", "rw": "Write", "size": "4k"}]})",
    R"({"name": "s", "summary": "a", "stresses": "b",
        "jobs": [{"name": "j", "rw": "rw", "rwmixread": 100, "prefill": true, "size": "4k"}]})",
    R"({"name": "s", "summary": "a", "stresses": "b",
        "jobs": [{"name": "j", "rw": "rw", "rwmixread": 101, "prefill": true, "size": "4k"}]})"};

std::string with_keys(const std::string& top, const std::string& job) {
  const auto joined = [](const std::string& keys) { return keys.empty() ? "" : ", " + keys; };
  return R"({"name": "s", "summary": "a", "stresses": "b")" + joined(top) +
         R"(, "jobs": [{"name": "j", "rw": "write", "size": "4k")" + joined(job) + "}]}";
}

TEST(ScenarioSchema, AgreesWithTheParserOnEveryKey) {
  if (!has_validator())
    GTEST_SKIP() << "python3-jsonschema is not installed (./scripts/setup does that)";
  std::vector<std::string> texts = kWholeDocuments;
  for (const std::string& keys : kJobKeys) texts.push_back(with_keys("", keys));
  for (const std::string& keys : kTopKeys) texts.push_back(with_keys(keys, ""));
  const fs::path folder = testing::TempDir() + "vfsprof-schema-" + std::to_string(::getpid());
  fs::create_directories(folder);
  std::vector<fs::path> documents;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    documents.push_back(folder / (std::to_string(i) + ".json"));
    std::ofstream(documents.back()) << texts[i];
  }
  const std::string schema = verdicts_of_schema(documents);
  const std::string parser = verdicts_of_parser(documents);
  fs::remove_all(folder);
  ASSERT_EQ(schema.size(), parser.size()) << schema;
  // Both verdicts occur, else this would prove nothing.
  EXPECT_NE(parser.find('1'), std::string::npos);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(schema[2 * i], parser[2 * i]) << "schema and parser differ on " << texts[i];
  }
}

}  // namespace
}  // namespace vfsprof::harness
