#include "harness/cli/command.h"
#include "harness/scenario/client.h"

namespace vfsprof::harness {

void setup_client(CLI::App& app, ExitCode& exit_code) {
  CLI::App* const command =
      app.add_subcommand("client", "The clients of one round; started by vfsprof itself");
  command->group("");  // hidden
  command->callback([&exit_code] { exit_code = static_cast<ExitCode>(client_main()); });
}

}  // namespace vfsprof::harness
