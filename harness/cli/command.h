#pragma once

#include <CLI/CLI.hpp>

#include "harness/error.h"

namespace vfsprof::harness {

/// A subcommand: declares itself and its options, and sets `exit_code` when it has run. Options
/// live as long as the app: a setup keeps them in a shared_ptr that its callback holds.
using SetupCommand = void (*)(CLI::App& app, ExitCode& exit_code);

void setup_run(CLI::App& app, ExitCode& exit_code);
void setup_compare(CLI::App& app, ExitCode& exit_code);
void setup_gate(CLI::App& app, ExitCode& exit_code);
void setup_profile(CLI::App& app, ExitCode& exit_code);
void setup_import(CLI::App& app, ExitCode& exit_code);
void setup_report(CLI::App& app, ExitCode& exit_code);
void setup_lint(CLI::App& app, ExitCode& exit_code);
void setup_list(CLI::App& app, ExitCode& exit_code);
void setup_doctor(CLI::App& app, ExitCode& exit_code);
void setup_client(CLI::App& app, ExitCode& exit_code);
void setup_generator(CLI::App& app, ExitCode& exit_code);

/// THE list of commands, in the order of --help.
inline constexpr SetupCommand kCommands[] = {
    setup_run,  setup_compare, setup_gate,   setup_profile, setup_import,   setup_report,
    setup_lint, setup_list,    setup_doctor, setup_client,  setup_generator};

}  // namespace vfsprof::harness
