#include "harness/cli/command_line.h"

#include <fmt/format.h>
#include <signal.h>

#include <cstdio>
#include <exception>
#include <string>

#include "harness/cli/command.h"
#include "harness/collect/environment.h"
#include "harness/error.h"
#include "harness/process.h"
#include "reports/model/format_error.h"

namespace vfsprof::harness {
namespace {

constexpr const char* kFooter = R"(
Start here:
  vfsprof list                              what can be run, compared and measured
  vfsprof doctor                            what this machine allows, and how to get the rest
  vfsprof run --scenario smoke --variant mutex-pool
  vfsprof compare --scenario dirty-overwrite --variant mutex-pool --variant sync-path
  vfsprof profile --pid PID                 the same report on any program that runs
  vfsprof import recording.txt              the report on a recording: the text of perf script

Exit codes: 0 success, 1 a check said no, 2 bad input, 3 the environment lacks something,
4 internal error, 5 undecided (only where a verdict was required).)";

int fail(ExitCode code, const char* message) {
  fmt::print(stderr, "vfsprof: {}\n", message);
  return static_cast<int>(code);
}

/// CLI11 would only say that a command is required.
void refuse_unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return;
  std::string allowed;
  for (const CLI::App* const command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == argv[1]) return;
    if (command->get_group().empty()) continue;  // hidden
    allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", command->get_name());
  }
  throw BadInput(
      fmt::format("unknown command '{}': allowed are {}; see vfsprof --help", argv[1], allowed));
}

/// Lets an interrupt take its default course, so that a calling shell sees it.
[[noreturn]] void end_by_signal(int number) {
  std::fflush(nullptr);
  ::signal(number, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, number);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(number);
  std::_Exit(static_cast<int>(ExitCode::kInternalError));
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{
      "Profiles and benchmarks userspace file systems: where every thread spends its time, "
      "and which of two designs is faster on this machine."};
  app.name("vfsprof");
  app.footer(kFooter);
  app.set_version_flag("--version", [] { return read_environment().tool_version; });
  app.require_subcommand(1);
  ExitCode exit_code = ExitCode::kSuccess;
  for (const SetupCommand setup : kCommands) setup(app, exit_code);
  try {
    refuse_unknown_command(app, argc, argv);
    app.parse(argc, argv);
    return static_cast<int>(exit_code);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::kBadInput);
  } catch (const BadInput& error) {
    return fail(ExitCode::kBadInput, error.what());
  } catch (const reports::FormatError& error) {
    return fail(ExitCode::kBadInput, error.what());
  } catch (const EnvironmentError& error) {
    return fail(ExitCode::kEnvironment, error.what());
  } catch (const Interrupted& interrupted) {
    end_by_signal(interrupted.signal_number());
  } catch (const std::exception& error) {
    return fail(ExitCode::kInternalError, error.what());
  }
}

}  // namespace vfsprof::harness
