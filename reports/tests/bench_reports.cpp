// vfsprof-reports-bench: what scripts/bench needs of this layer and no other program prints.
//
//   coverage RUNS [SEED [WORLD]]   how often intervals hold the truth in simulated worlds, as JSON;
//                    of all, or of the one with that index
//   result SAMPLES   a result of that many samples, none of which can be merged with another
//   times SAMPLES    CPU seconds for writing, reading, analysing and rendering such a result, as
//   JSON

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/analyze/report.h"
#include "reports/model/json.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/large_result.h"
#include "reports/tests/simulation.h"
#include "reports/write/registry.h"

namespace vfsprof::reports::synthetic {
namespace {

struct CoverageOptions {
  std::uint64_t runs = 0;
  std::uint64_t seed = 5;
  std::optional<std::uint64_t> world = {};  ///< index into promised_worlds(); nothing: all
};

void print_coverage(const CoverageOptions& options) {
  fmt::print("[");
  const char* separator = "";
  const std::vector<World> worlds = promised_worlds();
  for (std::size_t i = 0; i < worlds.size(); ++i) {
    if (options.world && *options.world != i) continue;
    // Each world has chance of its own.
    const CoverageOfBoth found =
        measure_coverage(worlds[i], options.runs, 1'000 * options.seed + i);
    fmt::print(
        "{}{{\"world\": \"{}\", \"runs\": {}, \"seed\": {}, \"intervals\": {}, \"share\": "
        "{:.4f}, \"cost\": {:.4f}}}",
        separator, worlds[i].name, options.runs, options.seed, found.share.intervals,
        found.share.value(), found.cost.value());
    std::fflush(stdout);
    separator = ",\n ";
  }
  fmt::print("]\n");
}

void print_times(std::uint64_t samples) {
  std::clock_t last = std::clock();
  const auto lap = [&last] {
    const std::clock_t now = std::clock();
    return static_cast<double>(now - std::exchange(last, now)) / CLOCKS_PER_SEC;
  };
  RunResult result = make_large_result({.samples = samples});
  lap();
  const std::string text = to_json(result);
  const double writing = lap();
  result = run_result_from_json(text, "result");
  const double reading = lap();
  const Report report = build_report(result, default_rules());
  const double analysing = lap();
  const std::size_t bytes = render(report, "json").size() + render(report, "md").size();
  fmt::print(
      "{{\"samples\": {}, \"bytes\": {}, \"write_s\": {:.3f}, \"read_s\": {:.3f}, \"analyse_s\": "
      "{:.3f}, \"render_s\": {:.3f}, \"report_bytes\": {}}}\n",
      samples, text.size(), writing, reading, analysing, lap(), bytes);
}

/// The number that `text` is, and nothing else; 0 is none.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int usage() {
  fmt::print(stderr,
             "usage: vfsprof-reports-bench coverage RUNS [SEED [WORLD]] | result SAMPLES | times "
             "SAMPLES\n");
  return 2;
}

int run(const std::vector<std::string_view>& arguments) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const auto value = number(arguments[i]);
    if (!value) return usage();
    numbers.push_back(*value);
  }
  if (numbers.empty() || numbers[0] == 0) return usage();
  const std::string_view command = arguments[0];
  if (command == "coverage" && numbers.size() <= 3) {
    CoverageOptions options{.runs = numbers[0]};
    if (numbers.size() > 1) options.seed = numbers[1];
    if (numbers.size() > 2) options.world = numbers[2];
    print_coverage(options);
  } else if (command == "result" && numbers.size() == 1) {
    fmt::print("{}", to_json(make_large_result({.samples = numbers[0]})));
  } else if (command == "times" && numbers.size() == 1) {
    print_times(numbers[0]);
  } else {
    return usage();
  }
  return 0;
}

}  // namespace
}  // namespace vfsprof::reports::synthetic

int main(int argc, char** argv) {
  return vfsprof::reports::synthetic::run({argv + 1, argv + argc});
}
