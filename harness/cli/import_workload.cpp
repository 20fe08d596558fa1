#include "harness/cli/import_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness/error.h"
#include "harness/scenario/import/workload_import.h"
#include "harness/scenario/recording.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProfiles = "perf-script";
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

/// The format asked for, or that of the file's start; null for profiles.
const WorkloadFormat* format_of(const std::string& file, const std::string& from) {
  std::string start(from.empty() ? 4096 : 0, '\0');
  if (from.empty()) {
    std::ifstream in(file, std::ios::binary);
    in.read(start.data(), static_cast<std::streamsize>(start.size()));
    start.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  }
  for (const WorkloadFormat& format : workload_formats()) {
    if (from.empty() ? format.recognises(start) : from == format.name) return &format;
  }
  return nullptr;
}

std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path)) {
    throw BadInput(fmt::format("cannot read {}: {}", path,
                               fs::exists(path) ? "it is no readable file" : "it does not exist"));
  }
  if (fs::is_regular_file(path) && fs::file_size(path) > kMostBytes) {
    throw BadInput(fmt::format("{} is larger than {} MiB: cut it", path, kMostBytes >> 20));
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

void print_counts(const char* title, const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  fmt::print("{}: {}\n", title, sum);
  for (const auto& [name, count] : counts) fmt::print("  {:>8}  {}\n", count, name);
}

}  // namespace

void add_import_workload_options(CLI::App& command, ImportWorkloadOptions& options) {
  std::vector<std::string> names{std::string(kProfiles)};
  std::string description = "What FILE is (default: told by how it begins). perf-script: a profile";
  for (const WorkloadFormat& format : workload_formats()) {
    names.emplace_back(format.name);
    description += fmt::format("; {}: {}", format.name, format.summary);
  }
  command.add_option("--from", options.from, description)->check(CLI::IsMember(names));
  command.add_option("--root", options.root,
                     "Of a workload: the directory that the programs worked in; what lies outside "
                     "is left out");
}

bool import_workload(const std::vector<std::string>& files, const ImportWorkloadOptions& options,
                     const std::string& out) {
  if (files.front() == "-" && (options.from.empty() || options.from == kProfiles)) return false;
  const WorkloadFormat* const format = format_of(files.front(), options.from);
  if (format == nullptr) {
    if (!options.root.empty()) {
      throw BadInput(
          "--root is of workloads, and FILE is none: leave it out, or say what FILE is "
          "with --from");
    }
    return false;
  }
  if (format->needs_root && options.root.empty()) {
    throw BadInput(fmt::format(
        "{} is a log of all files: name the directory that the workload is about with --root",
        files.front()));
  }
  const fs::path target =
      out.empty() ? fs::path("vfsprof-out") / (fs::path(files.front()).stem().string() + ".jsonl")
                  : fs::path(out);
  if (target.extension() != ".jsonl") {
    throw BadInput(
        fmt::format("--out {}: a workload becomes one file that ends in .jsonl", target.string()));
  }
  std::vector<WorkloadSource> sources;
  for (const std::string& file : files) sources.push_back({file, read_whole(file)});
  const ImportedWorkload workload = format->import(
      sources,
      {.root = options.root.empty() ? "" : fs::absolute(options.root).lexically_normal().string()});
  parse_recording(workload.recording, target.string());  // nothing is written that cannot be run
  if (target.has_parent_path()) fs::create_directories(target.parent_path());
  std::ofstream file(target, std::ios::binary);
  file << workload.recording << std::flush;
  if (!file) throw EnvironmentError(fmt::format("cannot write {}", target.string()));
  fmt::print("read ({}): {}\n", format->name, workload.read);
  print_counts("mapped to operations", workload.mapped);
  print_counts("left out", workload.left_out);
  fmt::print("wrote {}: run it with vfsprof run --scenario {} --variant default\n", target.string(),
             target.string());
  return true;
}

}  // namespace vfsprof::harness
