#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "reports/rules/rule_set.h"

namespace vfsprof::harness {

/// Declares --rules FILE.
void add_rules_option(CLI::App& command, std::string& file);

/// The default rules, with those of `file` over them unless it is empty.
/// Errors: BadInput, FormatError with file and place.
reports::RuleSet load_rules(const std::string& file);

}  // namespace vfsprof::harness
