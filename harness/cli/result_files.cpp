#include "harness/cli/result_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <system_error>

#include "harness/cli/terminal.h"
#include "harness/error.h"
#include "reports/model/json.h"
#include "reports/write/registry.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

void prepare_output_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (!error && ::access(directory.c_str(), W_OK | X_OK) == 0) return;
  throw BadInput(fmt::format("cannot write results to {}: {}; name another directory with --out",
                             directory.string(), error ? error.message() : describe(Errno{errno})));
}

void write_file(const fs::path& path, std::string_view text) {
  const std::string temporary = fmt::format("{}.{}.tmp", path.string(), ::getpid());
  UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file || !write_all(file.get(), text) || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string reason = describe(Errno{errno});
    ::unlink(temporary.c_str());
    throw EnvironmentError(
        fmt::format("cannot write {}: {}; free some space or name another directory with --out",
                    path.string(), reason));
  }
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || !fs::is_regular_file(path)) {
    throw BadInput(fmt::format("cannot read {}: {}", path.string(),
                               fs::exists(path) ? "it is no readable file" : "it does not exist"));
  }
  // Results are many megabytes: not character by character.
  std::string text(static_cast<std::size_t>(fs::file_size(path)), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

reports::Report write_report_files(const ReportOutput& output, const reports::RunResult& result,
                                   const reports::RuleSet& rules) {
  const fs::path& out = output.directory;
  write_file(out / output.result_name, reports::to_json(result));
  const reports::Report report = reports::build_report(result, rules, output.report);
  reports::RenderOptions options = terminal_options(output.color);
  for (const reports::FlameGraphFile& graph : reports::flame_graph_files(report)) {
    options.links.push_back({graph.title, graph.file});
    reports::RenderOptions of_arm;
    of_arm.arm = graph.arm;
    write_file(out / graph.file, reports::render({result, rules, report, of_arm}, graph.format));
  }
  const reports::Rendering rendering{result, rules, report, options};
  const std::string json = reports::render(rendering, "json");
  const std::string markdown = reports::render(rendering, "md");
  write_file(out / "report.json", json);
  write_file(out / "report.md", markdown);
  const std::string text =
      !output.json && is_terminal_output() ? reports::render(rendering, "text") : "";
  fmt::print("{}", output.json ? json : text.empty() ? markdown : text);
  std::fflush(stdout);
  fmt::print(stderr, "vfsprof: wrote {0}/{1}, {0}/report.json, {0}/report.md{2}\n", out.string(),
             output.result_name, options.links.empty() ? "" : " and its flame graphs");
  return report;
}

}  // namespace vfsprof::harness
