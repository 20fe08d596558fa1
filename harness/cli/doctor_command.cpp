#include <fmt/color.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

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

/// What is unavailable and keeps every run of the reference file system from being possible.
bool is_obstacle(const reports::Capability& capability) {
  return capability.state == reports::CapabilityState::kUnavailable && is_required(capability);
}

void print_table(const reports::Environment& machine,
                 const std::vector<reports::Capability>& capabilities) {
  fmt::print("{}, kernel {}, {} x {}, {}\n\n", machine.distribution, machine.kernel, machine.cpus,
             machine.cpu_model, machine.user);
  for (const reports::Capability& capability : capabilities) {
    fmt::print("{:<7} {:<25} {}\n",
               fmt::format(style(capability.state), "{}", word(capability.state)), capability.name,
               capability.detail);
    if (!capability.remedy.empty()) fmt::print("{:<33} enable it: {}\n", "", capability.remedy);
  }
}

void print_json(const reports::Environment& machine,
                const std::vector<reports::Capability>& capabilities) {
  using Json = nlohmann::ordered_json;
  constexpr const char* kStates[] = {"available", "degraded", "unavailable"};
  Json document{{"distribution", machine.distribution},
                {"kernel", machine.kernel},
                {"cpus", machine.cpus},
                {"cpu_model", machine.cpu_model},
                {"hypervisor", machine.hypervisor},
                {"user", machine.user},
                {"perf_event_paranoid", machine.perf_event_paranoid},
                {"kptr_restrict", machine.kptr_restrict},
                {"capabilities", Json::array()}};
  for (const reports::Capability& capability : capabilities) {
    document["capabilities"].push_back(
        {{"name", capability.name},
         {"state", kStates[static_cast<std::size_t>(capability.state)]},
         {"detail", capability.detail},
         {"remedy", capability.remedy},
         {"required", is_required(capability)}});
  }
  fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

void setup_doctor(CLI::App& app, ExitCode& exit_code) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* const command = app.add_subcommand(
      "doctor", "Say what this machine lets vfsprof measure, and how to enable the rest");
  command->add_flag("--json", *json, "Print it as JSON");
  command->callback([json, &exit_code] {
    const reports::Environment machine = read_environment();
    const std::vector<reports::Capability> capabilities = probe_capabilities();
    if (*json) {
      print_json(machine, capabilities);
    } else {
      print_table(machine, capabilities);
    }
    if (std::ranges::any_of(capabilities, is_obstacle)) exit_code = ExitCode::kEnvironment;
  });
}

}  // namespace vfsprof::harness
