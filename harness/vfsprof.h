#pragma once

// The public C++ API of vfsprof: everything that the command line does, for programs of your own.
// In the order in which it is used:
//
//   1. describe   Scenario load_scenario(name or path); ArmSpec parse_arm(variant); TargetSpec
//   parse_target(text)
//   2. measure    ExperimentOutcome run_experiment(options, progress): raw values, nothing derived
//   3. keep       std::string to_json(result); RunResult run_result_from_json(text, origin)
//   4. understand Report build_report(result, rules); render({result, rules, report}, "md")
//
// Recordings of other tools come in with PerfScriptReader and make_import_result; lint_markdown
// checks the figures of a report.
//
// Link with vfsprof::harness. The programs `vfsprof` (its hidden command `client`) and
// `vfsprof-mount` must lie beside the calling program: they are the processes of a round.
//
// Errors: BadInput and EnvironmentError (harness/error.h), FormatError
// (reports/model/format_error.h). Threads: one experiment at a time in a process; the values and
// the functions over them are free of that.

#include "harness/error.h"                  // IWYU pragma: export
#include "harness/experiment/experiment.h"  // IWYU pragma: export
#include "harness/scenario/scenario.h"      // IWYU pragma: export
#include "harness/target/target.h"          // IWYU pragma: export
#include "reports/analyze/report.h"         // IWYU pragma: export
#include "reports/import/import_result.h"   // IWYU pragma: export
#include "reports/import/perf_script.h"     // IWYU pragma: export
#include "reports/lint/linter.h"            // IWYU pragma: export
#include "reports/model/json.h"             // IWYU pragma: export
#include "reports/model/run_result.h"       // IWYU pragma: export
#include "reports/rules/rule_set.h"         // IWYU pragma: export
#include "reports/write/registry.h"         // IWYU pragma: export
