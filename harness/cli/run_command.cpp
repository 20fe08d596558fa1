#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/measure.h"
#include "harness/error.h"

namespace vfsprof::harness {

void setup_run(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<MeasureOptions>();
  options->command = "run";
  // Six pairs of rounds are the fewest that give the cost of observing an interval.
  options->timing_rounds = 6;
  options->profiling_rounds = 6;
  options->counting_rounds = 6;
  CLI::App* const command = app.add_subcommand(
      "run", "Run a scenario under one variant and report where every thread spends its time");
  add_measure_options(*command, *options);
  command
      ->add_option("--variant", options->variants,
                   "NAME, or NAME followed by changes: mutex-pool,pool=tbb (vfsprof list variants)")
      ->expected(1)
      ->default_str("default");
  command
      ->add_option("--budget", options->budget,
                   "Fewer rounds, but two of each kind, where all would take longer: 90s, 2m")
      ->default_str("20s, where no number of rounds is given");
  command->callback([options, command, &exit_code] {
    if (options->targets.size() > 1) {
      throw BadInput("run takes one --target: use compare to see several beside each other");
    }
    options->default_rounds = command->count("--rounds") + command->count("--profile-rounds") +
                                  command->count("--trace-rounds") ==
                              0;
    exit_code = measure(*options);
  });
}

}  // namespace vfsprof::harness
