#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "reports/write/registry.h"

namespace vfsprof::harness {

/// Declares `--color auto|always|never`.
void add_color_option(CLI::App& command, std::string& color);

/// Whether standard output is a terminal, which then gets the terminal view.
bool is_terminal_output();

/// Width and colour of the terminal view. `color` is `auto`, `always` or `never`; `auto` means a
/// terminal that is not "dumb", and no NO_COLOR in the environment (no-color.org).
reports::RenderOptions terminal_options(const std::string& color);

}  // namespace vfsprof::harness
