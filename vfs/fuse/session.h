#pragma once

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>

#include "vfs/engine.h"
#include "vfs/executor/frontend.h"

namespace vfsprof::vfs {

/// The machine does not let us mount: no /dev/fuse, no permission. The message names the remedy.
class MountError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How a file system is mounted.
struct SessionOptions {
  std::filesystem::path mount_point;  ///< an existing directory that nothing is mounted on
  std::uint32_t max_write = 4096;     ///< bytes of payload per write request
  unsigned threads = 1;               ///< session threads, `mount_vfs`
  bool allow_other = false;           ///< other users may enter the mount
  std::function<void()> on_started;   ///< called once the kernel has answered the mount
};

/// Mounts a file system and serves it until it is unmounted or SIGINT, SIGTERM or SIGHUP arrives;
/// then it is unmounted and every session thread has ended. Each session thread reads requests into
/// a buffer of its own and replies. Errors: MountError. Threads: call it on the main thread, with
/// the three signals blocked before any other thread was started
/// (`block_ending_signals`).
void serve(Engine& engine, Frontend& frontend, const SessionOptions& options);

/// Blocks the signals that `serve` waits for, in this thread and those it starts.
void block_ending_signals();

}  // namespace vfsprof::vfs
