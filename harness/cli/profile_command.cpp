#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/cli/command.h"
#include "harness/cli/measure.h"
#include "harness/cli/progress.h"
#include "harness/cli/report_options.h"
#include "harness/cli/result_files.h"
#include "harness/cli/rules_option.h"
#include "harness/cli/terminal.h"
#include "harness/experiment/profile.h"
#include "harness/process.h"
#include "reports/analyze/report.h"
#include "reports/rules/rule_set.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

struct ProfileCommand {
  int pid = 0;
  std::vector<std::string> command;
  double duration_s = 0;
  std::string rules;
  std::string out;
  bool no_children = false;
  bool json = false;
  std::string counters;
  std::string color;
  reports::ReportOptions report;
  CollectorOptions collect;
};

ProfileOptions to_profile(const ProfileCommand& options) {
  if ((options.pid != 0) == !options.command.empty()) {
    throw BadInput(
        "profile needs a program: either --pid PID, or -- COMMAND and its arguments (vfsprof "
        "profile -- ls -l)");
  }
  ProfileOptions result;
  result.pid = options.pid;
  result.command = options.command;
  if (options.duration_s > 0) {
    result.duration = Nanoseconds(std::llround(options.duration_s * 1e9));
  }
  result.follow_children = !options.no_children;
  result.output_to_stderr = options.json;
  result.collect = complete_collector_options(options.collect, options.counters);
  // Other people's programs often need more than the least, and short ones have few stretches to
  // learn it in.
  result.collect.stack_copy = std::make_shared<StackCopySize>(2 * StackCopySize::kLeast);
  return result;
}

void say_how_it_ended(const ProfileOutcome& outcome, bool is_command) {
  const std::string& name = outcome.result.arms.front().name;
  if (outcome.status) {
    fmt::print(stderr, "vfsprof: {} {}\n", name, describe(*outcome.status));
  } else if (is_command) {
    fmt::print(stderr, "vfsprof: {} still ran and was ended\n", name);
  } else if (outcome.end == ProfileEnd::kProgramEnded) {
    fmt::print(stderr, "vfsprof: {} ended\n", name);
  }
  if (!outcome.left_running.empty()) {
    fmt::print(stderr,
               "vfsprof: {} left processes behind, which still run: {}; observe them with --pid\n",
               name, fmt::join(outcome.left_running, ", "));
  }
}

void profile(const ProfileCommand& options) {
  const ProfileOptions profile_options = to_profile(options);
  const reports::RuleSet rules = load_rules(options.rules);
  fs::path out = options.out;
  if (out.empty()) {
    out = fs::path("vfsprof-out") /
          fmt::format("profile-{}", options.pid != 0
                                        ? std::to_string(options.pid)
                                        : fs::path(options.command.front()).filename().string());
  }
  prepare_output_directory(out);
  catch_interrupts();
  ProfileOutcome outcome;
  {
    ProgressBar bar;
    outcome = run_profile(profile_options, [&bar](const ProgressStep& step) { bar.show(step); });
  }
  say_how_it_ended(outcome, options.pid == 0);
  write_report_files({.directory = out,
                      .result_name = "profile.json",
                      .json = options.json,
                      .color = options.color,
                      .report = options.report},
                     outcome.result, rules);
  if (outcome.result.partial) throw Interrupted(outcome.interrupted_by);
}

}  // namespace

void setup_profile(CLI::App& app, ExitCode&) {
  const auto options = std::make_shared<ProfileCommand>();
  CLI::App* const command = app.add_subcommand(
      "profile",
      "Observe any program, running or started here, and report where every thread "
      "spends its time");
  command->add_option("--pid", options->pid, "The process to observe, until it ends or Ctrl-C")
      ->check(CLI::PositiveNumber);
  command->add_option("COMMAND", options->command,
                      "After --: the program to start, and its arguments. It is observed from its "
                      "first instruction until it ends; with --json its standard output goes to "
                      "standard error. Keep a daemon in the foreground (-f)");
  command
      ->add_option("--duration", options->duration_s,
                   "Seconds to observe; a command that still runs then is ended")
      ->check(CLI::PositiveNumber);
  command->add_flag("--no-children", options->no_children, "Leave child processes out");
  add_rules_option(*command, options->rules);
  add_report_options(*command, options->report);
  command->add_option("--out", options->out,
                      "Directory for results (default: vfsprof-out/profile-NAME)");
  add_collector_options(*command, options->collect, options->counters);
  command->add_flag("--json", options->json,
                    "Print the report as JSON (default: for a terminal, else as Markdown)");
  add_color_option(*command, options->color);
  command->callback([options] { profile(*options); });
}

}  // namespace vfsprof::harness
