// vfsprof-reports-bench: what scripts/bench needs of this layer and no other program prints.
//
//   coverage RUNS    how often intervals hold the truth in simulated worlds, as JSON
//   result SAMPLES   a result of that many samples, none of which can be merged with another
//   times SAMPLES    CPU seconds for writing, reading, analysing and rendering such a result, as
//   JSON

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

#include "reports/analyze/report.h"
#include "reports/model/json.h"
#include "reports/rules/rule_set.h"
#include "reports/tests/large_result.h"
#include "reports/tests/simulation.h"
#include "reports/write/registry.h"

namespace vfsprof::reports::synthetic {
namespace {

void print_coverage(std::uint64_t runs) {
  fmt::print("[");
  const char* separator = "";
  for (const World& world : promised_worlds()) {
    const CoverageOfBoth found = measure_coverage(world, runs, 5);
    fmt::print("{}{{\"world\": \"{}\", \"intervals\": {}, \"share\": {:.4f}, \"cost\": {:.4f}}}",
               separator, world.name, found.share.intervals, found.share.value(),
               found.cost.value());
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

int run(int argc, char** argv) {
  const std::string_view command = argc == 3 ? argv[1] : "";
  const std::string_view text = argc == 3 ? argv[2] : "";
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool good = error == std::errc() && end == text.data() + text.size() && count > 0;
  if (good && command == "coverage") {
    print_coverage(count);
  } else if (good && command == "result") {
    fmt::print("{}", to_json(make_large_result({.samples = count})));
  } else if (good && command == "times") {
    print_times(count);
  } else {
    fmt::print(stderr,
               "usage: vfsprof-reports-bench coverage RUNS | result SAMPLES | times SAMPLES\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace vfsprof::reports::synthetic

int main(int argc, char** argv) { return vfsprof::reports::synthetic::run(argc, argv); }
