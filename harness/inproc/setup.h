#pragma once

#include <string>

namespace vfsprof::harness {

/// How the reference file system is set up in the clients' process.
struct InProcessSetup {
  std::string variant;          ///< canonical text
  std::string cache_directory;  ///< exists
  std::string store;            ///< as vfsprof-mount takes it
  std::string counter_page;     ///< the file to publish the counters in (vfs/counters.h)
  int engine_cpu = -1;          ///< where the file system's own threads run; -1: as this thread
  bool lockstep = false;        ///< after each request wait until its workers are idle
};

}  // namespace vfsprof::harness
