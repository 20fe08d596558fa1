#include "harness/cli/report_options.h"

namespace vfsprof::harness {

void add_report_options(CLI::App& command, reports::ReportOptions& options) {
  command
      .add_option_function<double>(
          "--threshold", [&options](double percent) { options.threshold = percent / 100; },
          "List opportunities whose impact is at least so many per cent, by its lower bound "
          "(default: 5)")
      ->check(CLI::Range(0.0, 100.0));
}

}  // namespace vfsprof::harness
