// vfsprof-gate-bench, for scripts/bench: coverage of the gate's intervals as a line of JSON.

#include <fmt/format.h>

#include "reports/tests/gate_simulation.h"

int main() {
  using namespace vfsprof::reports;  // NOLINT(google-build-using-namespace): a program's main
  std::string text;
  for (std::size_t i = 0; i < kNoiseNames.size(); ++i) {
    const SimulationOptions options{.noise = static_cast<Noise>(i)};
    const Coverage coverage = simulate_coverage(options);
    text += fmt::format(
        "{}\"{}\": {{\"sets\": {}, \"pairs\": {}, \"coverage\": {:.5f}, \"exact\": {:.5f}, "
        "\"is_exact\": {}}}",
        text.empty() ? "" : ", ", kNoiseNames[i], options.sets, options.pairs, coverage.share,
        coverage.exact, is_exact(options.noise));
  }
  fmt::print("{{{}}}\n", text);
}
