#include "harness/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace vfsprof::harness {
namespace {

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return value == nullptr ? "" : value;
}

}  // namespace

void add_color_option(CLI::App& command, std::string& color) {
  color = "auto";
  command.add_option("--color", color, "Colour in the terminal view")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
}

bool is_terminal_output() { return ::isatty(STDOUT_FILENO) == 1; }

reports::RenderOptions terminal_options(const std::string& color) {
  reports::RenderOptions options;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    options.width = size.ws_col;
  }
  options.color =
      color == "always" || (color == "auto" && is_terminal_output() &&
                            environment("NO_COLOR").empty() && environment("TERM") != "dumb");
  return options;
}

}  // namespace vfsprof::harness
