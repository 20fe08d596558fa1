#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "harness/inproc/setup.h"
#include "harness/run/placement.h"

namespace vfsprof::harness {

struct TargetInfo;

/// A place where a scenario can run: `fuse`, `inproc`, `dir=PATH`, `external=PATH`.
struct TargetSpec {
  const TargetInfo* info = nullptr;  ///< an entry of the list of targets
  std::filesystem::path path;        ///< for those that take one
};

/// Parses what `--target` takes. Throws BadInput naming what is allowed.
TargetSpec parse_target(const std::string& text);
std::string to_string(const TargetSpec& spec);

/// What one round needs from its target.
struct TargetOptions {
  std::string variant;  ///< canonical variant text, of the reference file system only
  std::filesystem::path
      directory;  ///< of the round's own; the target may fill it and need not empty it
  Placement placement = Placement::kPacked;
  bool lockstep = false;  ///< serve one request at a time, where the target is ours
  /// A directory whose files are the objects of the store; empty: none. Only where the target has a
  /// store (TargetInfo).
  std::filesystem::path objects = {};
  /// Folder of the daemon's program; empty: beside vfsprof. fuse only.
  std::filesystem::path binary = {};
};

/// A target, running. The destructor stops it whatever happened: unmounts, ends its process, leaves
/// nothing behind.
class Target {
 public:
  virtual ~Target() = default;

  /// The directory that clients work in. Exists and is writable.
  virtual std::filesystem::path root() const = 0;
  /// The process to observe, if this target has one of its own.
  virtual std::optional<pid_t> observed_process() const = 0;
  /// The daemon's page of counters (vfs/counters.h), if it publishes one.
  virtual std::optional<std::filesystem::path> counter_page() const = 0;
  /// Set where the file system runs in the clients' process, which is observed then.
  virtual const InProcessSetup* in_process() const { return nullptr; }
  /// In lockstep: ClientOptions::settle_fd.
  virtual int settle_fd() const { return -1; }
  /// Stops in good order, and says what went wrong: throws EnvironmentError if the daemon crashed
  /// or failed.
  virtual void stop() = 0;
};

/// An entry of THE list of targets (target.cpp).
struct TargetInfo {
  std::string_view name;
  std::string_view summary;
  bool takes_path = false;  ///< a place that is not the reference file system: no variants
  bool has_store = false;   ///< takes TargetOptions::objects
  bool mounts = false;      ///< starts a daemon, whose mount options count
  std::unique_ptr<Target> (*start)(const TargetSpec& spec, const TargetOptions& options);
};
std::span<const TargetInfo> all_targets();

/// Starts a target and returns once it serves (it waits for an event, never for a time).
/// Errors: EnvironmentError with the target's own message.
std::unique_ptr<Target> start_target(const TargetSpec& spec, const TargetOptions& options);

}  // namespace vfsprof::harness
