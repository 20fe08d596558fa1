#pragma once

#include <filesystem>
#include <functional>

#include "vfs/engine.h"
#include "vfs/executor/frontend.h"
#include "vfs/fuse/lockstep.h"
#include "vfs/fuse/mount_error.h"
#include "vfs/mount_options.h"

namespace vfsprof::vfs {

/// How a file system is mounted.
struct SessionOptions {
  std::filesystem::path mount_point;  ///< an existing directory that nothing is mounted on
  MountOptions options;
  bool allow_other = false;          ///< other users may enter the mount
  std::function<void()> on_started;  ///< called once the kernel has answered the mount
  Lockstep* lockstep = nullptr;      ///< serve one request at a time; outlives `serve`
};

/// Mounts a file system and serves it until it is unmounted or SIGINT, SIGTERM or SIGHUP arrives;
/// then it is unmounted and every session thread has ended. Each session thread reads requests into
/// a buffer of its own and replies. Errors: MountError, also for an option that the kernel does not
/// offer; nothing stays mounted then. Threads: call it on the main thread, with
/// the three signals blocked before any other thread was started
/// (`block_ending_signals`).
void serve(Engine& engine, Frontend& frontend, const SessionOptions& options);

/// Blocks the signals that `serve` waits for, in this thread and those it starts.
void block_ending_signals();

}  // namespace vfsprof::vfs
