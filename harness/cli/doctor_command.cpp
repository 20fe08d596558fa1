#include <fmt/color.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "harness/cli/command.h"
#include "harness/collect/capabilities.h"
#include "harness/collect/environment.h"

namespace vfsprof::harness {
namespace {

std::string_view word(reports::CapabilityState state) {
  switch (state) {
    case reports::CapabilityState::kAvailable:
      return "yes";
    case reports::CapabilityState::kDegraded:
      return "partly";
    case reports::CapabilityState::kUnavailable:
      return "no";
  }
  return "";
}

fmt::text_style style(reports::CapabilityState state) {
  if (::isatty(STDOUT_FILENO) == 0) return {};
  switch (state) {
    case reports::CapabilityState::kAvailable:
      return fmt::fg(fmt::terminal_color::green);
    case reports::CapabilityState::kDegraded:
      return fmt::fg(fmt::terminal_color::yellow);
    case reports::CapabilityState::kUnavailable:
      return fmt::fg(fmt::terminal_color::red);
  }
  return {};
}

/// Without these nothing can be mounted, and no run of the reference file system is possible.
bool is_required(const reports::Capability& capability) {
  return capability.name == "FUSE device" || capability.name == "fusermount3";
}

}  // namespace

void setup_doctor(CLI::App& app, ExitCode& exit_code) {
  CLI::App* const command = app.add_subcommand(
      "doctor", "Say what this machine lets vfsprof measure, and how to enable the rest");
  command->callback([&exit_code] {
    const reports::Environment machine = read_environment();
    fmt::print("{}, kernel {}, {} x {}, {}\n\n", machine.distribution, machine.kernel, machine.cpus,
               machine.cpu_model, machine.user);
    for (const reports::Capability& capability : probe_capabilities()) {
      fmt::print("{:<7} {:<22} {}\n",
                 fmt::format(style(capability.state), "{}", word(capability.state)),
                 capability.name, capability.detail);
      if (!capability.remedy.empty()) fmt::print("{:<30} enable it: {}\n", "", capability.remedy);
      if (capability.state == reports::CapabilityState::kUnavailable && is_required(capability)) {
        exit_code = ExitCode::kEnvironment;
      }
    }
  });
}

}  // namespace vfsprof::harness
