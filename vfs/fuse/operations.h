#pragma once

#define FUSE_USE_VERSION 35
#include <fuse_lowlevel.h>

#include <functional>
#include <string>

#include "vfs/engine.h"
#include "vfs/executor/frontend.h"
#include "vfs/mount_options.h"

namespace vfsprof::vfs {

/// What the callbacks serve: libfuse hands a pointer to it to each of them.
struct ServedFileSystem {
  Engine& engine;
  Frontend& frontend;
  MountOptions options;
  std::function<void()> on_started;  ///< called once, when the kernel has said hello
  std::string refusal = {};          ///< which option the kernel does not offer; set instead
};

/// libfuse's low-level callbacks: each translates one request to the engine or its front end, and
/// the result to a reply. They decide nothing; the logic is in the engine.
const fuse_lowlevel_ops& fuse_operations();

}  // namespace vfsprof::vfs
