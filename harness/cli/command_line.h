#pragma once

namespace vfsprof::harness {

/// The `vfsprof` program: parses the command line, runs the command, and returns its exit code
/// (error.h). Everything that is thrown below arrives here, once.
int run_command_line(int argc, char** argv);

}  // namespace vfsprof::harness
