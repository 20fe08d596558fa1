#include <fmt/format.h>

#include <memory>
#include <string>

#include "harness/cli/command.h"
#include "harness/scenario/generator_cost.h"

namespace vfsprof::harness {

void setup_generator(CLI::App& app, ExitCode&) {
  struct Options {
    std::string scenario;
    std::uint64_t operations = 1'000'000;
    double scale = 1;
  };
  const auto options = std::make_shared<Options>();
  CLI::App* const command = app.add_subcommand(
      "generator", "What the generator of a scenario's operations costs by itself, as JSON");
  command->group("");  // hidden: for scripts/bench
  command->add_option("--scenario", options->scenario, "As for run")->required();
  command->add_option("--operations", options->operations, "Of each job at most")
      ->capture_default_str();
  command
      ->add_option("--scale", options->scale, "As for run: what a few operations cost says little")
      ->check(CLI::Range(0.001, 1000.0))
      ->capture_default_str();
  command->callback([options] {
    Scenario scenario = load_scenario(options->scenario);
    if (options->scale != 1) scale(scenario, options->scale);
    const GeneratorCost cost = measure_generator(scenario, scenario.seed, options->operations);
    fmt::print(
        "{{\"operations\": {}, \"ns_per_operation\": {:.2f}, \"ns_without_clocks\": {:.2f}}}\n",
        cost.operations, cost.ns_per_operation, cost.ns_without_clocks);
  });
}

}  // namespace vfsprof::harness
