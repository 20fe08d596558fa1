// vfsprof-mount: the reference file system as a daemon.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "vfs/counters.h"
#include "vfs/durability/disk_cache.h"
#include "vfs/executor/frontend.h"
#include "vfs/executor/worker_pool.h"
#include "vfs/fuse/lockstep.h"
#include "vfs/fuse/session.h"
#include "vfs/fuse/unmount.h"
#include "vfs/null_engine.h"
#include "vfs/record/request_recorder.h"
#include "vfs/store/object_store.h"
#include "vfs/variant.h"
#include "vfs/wait_counts.h"
#include "vfs/word_names.h"

namespace vfsprof::vfs {
namespace {

// The exit codes of every vfsprof command (design.md section 5).
constexpr int kBadInput = 2;
constexpr int kEnvironment = 3;
constexpr int kInternalError = 4;

struct Options {
  std::filesystem::path mount_point;
  std::string variant = "default";
  std::filesystem::path cache_directory;
  std::string store = "memory";
  std::uint64_t memory_budget_bytes = std::uint64_t{4} << 30;
  std::string counter_page;
  std::filesystem::path record;
  int ready_fd = -1;
  int lockstep_fd = -1;
  bool allow_other = false;
};

void declare(CLI::App& app, Options& options) {
  app.add_option("MOUNTPOINT", options.mount_point, "An existing directory to mount on")
      ->required();
  app.add_option("--variant", options.variant,
                 "NAME, or NAME followed by changes: mutex-pool,pool=tbb,threads=4 "
                 "(vfsprof list variants shows what there is)")
      ->capture_default_str();
  app.add_option("--cache-dir", options.cache_directory,
                 "Directory on a disk for what is written back; files found there are served again "
                 "(required, but for a variant that keeps no contents)");
  app.add_option("--store", options.store,
                 fmt::format("Backing object store: {}. objects: held from the start; TIME: what "
                             "every call takes longer, for example 5ms; CALL:N: each N-th call of "
                             "list, fetch or put fails, for example fetch:3",
                             kStoreUsage))
      ->capture_default_str();
  app.add_option("--memory-budget", options.memory_budget_bytes,
                 "Cached data kept in memory, for example 512MB or 4GB")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("4GB");
  app.add_option(
      "--counters", options.counter_page,
      "Publish the daemon's counters in this file (vfs/counters.h), and the names of its "
      "locks and queues beside it in FILE.words (vfs/word_names.h)");
  app.add_option(
      "--record", options.record,
      "Write the requests served to this file, as a list of operations that 'vfsprof run "
      "--scenario FILE.jsonl' replays; complete once the file system is unmounted, or "
      "after Ctrl-C");
  app.add_option("--ready-fd", options.ready_fd,
                 "Write a line to this open descriptor once the file system serves");
  app.add_option("--lockstep-fd", options.lockstep_fd,
                 "Serve one request at a time, and answer each byte from this open socket once "
                 "nothing is left to do (vfs/fuse/lockstep.h)");
  app.add_flag("--allow-other", options.allow_other,
               "Let other users enter (needs user_allow_other in /etc/fuse.conf unless root)");
}

/// What is wrong with the mount point, and what to do; empty if nothing is.
std::string mount_point_problem(const std::filesystem::path& path) {
  switch (mount_point_state(path)) {
    case MountPointState::kFree:
      return "";
    case MountPointState::kMissing:
      return fmt::format("mount point {} does not exist: create it with 'mkdir -p {}'",
                         path.string(), path.string());
    case MountPointState::kNotADirectory:
      return fmt::format("mount point {} is not a directory: name one", path.string());
    case MountPointState::kMounted:
      return fmt::format(
          "mount point {} is busy, something is mounted there: choose another, or unmount it with "
          "'umount {}'",
          path.string(), path.string());
    case MountPointState::kDisconnected:
      return fmt::format(
          "mount point {} is a FUSE mount whose daemon is gone: free it with 'fusermount3 -u -z "
          "{}'",
          path.string(), path.string());
  }
  return "";
}

void tell_ready(int ready_fd) {
  if (ready_fd < 0) return;
  constexpr std::string_view kLine = "ready\n";
  [[maybe_unused]] const auto put = ::write(ready_fd, kLine.data(), kLine.size());
  ::close(ready_fd);
}

int report(int exit_code, const std::string& message) {
  fmt::print(stderr, "vfsprof-mount: {}\n", message);
  return exit_code;
}

std::unique_ptr<Frontend> frontend_of(const Variant& variant, Engine& engine, WorkerPool& workers) {
  if (!variant.has_strategies()) return std::make_unique<DirectFrontend>(engine);
  return make_frontend(variant.executor(), engine, workers);
}

/// Records while it is in scope; a failure is known once it has ended.
class Recording {
 public:
  /// Errors: std::system_error.
  explicit Recording(const Options& options) {
    if (options.record.empty()) return;
    recorder_.emplace(options.record,
                      fmt::format("requests that vfsprof-mount served ({})", options.variant));
    request_recorder = &*recorder_;
  }
  ~Recording() { request_recorder = nullptr; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// Once nobody is served any more. Returns the errno that made the file incomplete, or 0.
  int finish() {
    request_recorder = nullptr;
    return recorder_ ? recorder_->finish() : 0;
  }

 private:
  std::optional<RequestRecorder> recorder_;
};

int run(const Options& options) {
  block_ending_signals();
  const Variant variant = parse_variant(options.variant);
  if (variant.has_strategies() && options.cache_directory.empty()) {
    return report(kBadInput, "--cache-dir is required: name a directory on a disk");
  }
  if (const std::string problem = mount_point_problem(options.mount_point); !problem.empty()) {
    return report(kBadInput, problem);
  }
  if (!options.counter_page.empty() && !publish_counters(options.counter_page.c_str())) {
    return report(kBadInput, fmt::format("cannot write the counter page {}: {}",
                                         options.counter_page, describe(Errno{errno})));
  }
  if (const std::string names = options.counter_page + ".words";
      !options.counter_page.empty() && !publish_word_names(names.c_str())) {
    return report(kBadInput, fmt::format("cannot write the names of locks and queues to {}: {}",
                                         names, describe(Errno{errno})));
  }
  if (const std::string waits = options.counter_page + ".waits";
      !options.counter_page.empty() && !publish_wait_counts(waits.c_str())) {
    return report(kBadInput, fmt::format("cannot write the counts of waits to {}: {}", waits,
                                         describe(Errno{errno})));
  }
  if (!options.record.empty() && options.record.extension() != ".jsonl") {
    return report(kBadInput, fmt::format("--record {}: name a file that ends in .jsonl",
                                         options.record.string()));
  }
  Recording recording(options);
  const std::unique_ptr<ObjectStore> store = open_store(options.store);
  // In this order: whoever posts to the workers goes before they do.
  WorkerPool workers(variant.has_strategies() ? kWorkers : 0);
  const std::unique_ptr<Engine> engine = make_engine(
      variant,
      {.cache_directory = options.cache_directory,
       .memory_budget_bytes = options.memory_budget_bytes,
       .store = store.get(),
       .spawn = [&workers](std::function<void()> work) { workers.post_work(std::move(work)); },
       .on_fault =
           [](const std::string& fault) { fmt::print(stderr, "vfsprof-mount: {}\n", fault); }});
  {
    const std::unique_ptr<Frontend> frontend = frontend_of(variant, *engine, workers);
    std::optional<Lockstep> lockstep;
    if (options.lockstep_fd >= 0) {
      lockstep.emplace(UniqueFd(options.lockstep_fd), [&workers] { workers.wait_until_idle(); });
    }
    serve(*engine, *frontend,
          {.mount_point = options.mount_point,
           .options = variant.options,
           .allow_other = options.allow_other,
           .on_started = [&options] { tell_ready(options.ready_fd); },
           .lockstep = lockstep ? &*lockstep : nullptr});
  }
  // First what people have written: a recording that fails must not cost them that.
  int exit_code = 0;
  if (const Result<void> written = engine->write_back_all(); !written) {
    exit_code = report(kEnvironment,
                       fmt::format("what was still dirty could not be written back to {}: {}",
                                   options.cache_directory.string(), describe(written.error())));
  }
  if (const int error = recording.finish(); error != 0) {
    exit_code = report(kEnvironment, fmt::format("the recording {} is not complete: {}",
                                                 options.record.string(), describe(Errno{error})));
  }
  return exit_code;
}

}  // namespace
}  // namespace vfsprof::vfs

int main(int argc, char** argv) {
  using namespace vfsprof::vfs;  // NOLINT(google-build-using-namespace): main is this program's
                                 // only outside name
  CLI::App app{
      "Mounts vfsprof's reference file system and serves it until it is unmounted or Ctrl-C."};
  Options options;
  declare(app, options);
  try {
    app.parse(argc, argv);
    return run(options);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadInput;
  } catch (const VariantError& error) {
    return report(kBadInput, error.what());
  } catch (const StoreError& error) {
    return report(kBadInput, error.what());
  } catch (const CacheDirectoryError& error) {
    return report(kEnvironment, error.what());
  } catch (const std::system_error& error) {
    return report(kEnvironment, error.what());
  } catch (const MountError& error) {
    return report(kEnvironment, error.what());
  } catch (const std::exception& error) {
    return report(kInternalError, error.what());
  }
}
