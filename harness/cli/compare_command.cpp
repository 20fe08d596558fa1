#include <memory>

#include "harness/cli/command.h"
#include "harness/cli/measure.h"

namespace vfsprof::harness {

void setup_compare(CLI::App& app, ExitCode& exit_code) {
  const auto options = std::make_shared<MeasureOptions>();
  options->command = "compare";
  // Six pairs of rounds are the fewest that give the cost of observing an interval.
  options->timing_rounds = 8;
  options->profiling_rounds = 6;
  options->counting_rounds = 6;
  CLI::App* const command = app.add_subcommand(
      "compare", "Run a scenario under several variants in turn and say which is faster, and why");
  add_measure_options(*command, *options);
  command->add_option(
      "--variant", options->variants,
      "Give it twice or more: the first is \"before\", each other is compared with it; "
      "with --binary once, for all");
  command->add_option("--binary", options->binaries,
                      "Folder of a build with its own vfsprof-mount; give it twice or more, the "
                      "first is \"before\"");
  command->add_option("--budget", options->budget,
                      "Time for all rounds, for example 2m, instead of --rounds; ends earlier once "
                      "the verdict is there (at one of three looks, planned beforehand)");
  command->add_flag("!--no-control", options->control,
                    "Leave out the control arm, the first one once more, without which a verdict "
                    "cannot be told from the machine's moods");
  options->control = true;
  command
      ->add_option("--margin", options->equivalence_margin,
                   "Two variants within this ratio of each other count as equivalent")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  command->add_flag("--require-verdict", options->require_verdict,
                    "Exit with code 5 if the main metric stays undecided");
  const CLI::Option* const rounds = command->get_option("--rounds");
  command->callback([options, rounds, &exit_code] {
    options->default_rounds = rounds->empty();
    if (options->variants.size() < 2 && options->binaries.empty() && options->targets.size() < 2) {
      throw BadInput(
          "compare needs two variants or more: give --variant twice, for example "
          "--variant mutex-pool --variant sync-path; or one variant on several targets, "
          "--target inproc --target fuse");
    }
    exit_code = measure(*options);
  });
}

}  // namespace vfsprof::harness
