#include "harness/target/fuse_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "harness/error.h"
#include "harness/process.h"
#include "vfs/base/result.h"
#include "vfs/fuse/unmount.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

/// Creates a directory of the round, or says why that is impossible.
fs::path make_directory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw EnvironmentError(fmt::format("cannot create {}: {}; choose another place with --work-dir",
                                       path.string(), error.message()));
  }
  return path;
}

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw EnvironmentError(fmt::format("cannot create a pipe: {}", describe(Errno{errno})));
  }
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

class FuseTarget final : public Target {
 public:
  explicit FuseTarget(const TargetOptions& options)
      : mount_point_(make_directory(options.directory / "mnt")),
        cache_directory_(make_directory(options.directory / "cache")),
        counter_page_(options.directory / "counters"),
        log_(options.directory / "daemon.log") {
    start(options);
  }

  ~FuseTarget() override {
    daemon_.reset();
    const vfs::MountPointState state = vfs::mount_point_state(mount_point_);
    if (state == vfs::MountPointState::kMounted || state == vfs::MountPointState::kDisconnected) {
      vfs::unmount(mount_point_);
    }
  }

  fs::path root() const override { return mount_point_; }
  std::optional<pid_t> observed_process() const override { return daemon_->pid(); }
  std::optional<fs::path> counter_page() const override { return counter_page_; }
  int settle_fd() const override { return settle_.get(); }

  void stop() override {
    if (!daemon_->poll()) daemon_->signal(SIGTERM);
    const ExitStatus status = daemon_->wait();
    if (!status.ok()) throw EnvironmentError(daemon_failure(status));
  }

 private:
  void start(const TargetOptions& options) {
    const fs::path program =
        (options.binary.empty() ? program_directory() : options.binary) / "vfsprof-mount";
    if (!fs::exists(program)) {
      throw EnvironmentError(
          fmt::format("{} is missing: build it with ./scripts/build, and keep it beside vfsprof",
                      program.string()));
    }
    const UniqueFd log(::open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!log) {
      throw EnvironmentError(
          fmt::format("cannot write {}: {}; choose another place with --work-dir", log_.string(),
                      describe(Errno{errno})));
    }
    Pipe ready = make_pipe();
    constexpr int kReadyFd = 3;
    constexpr int kLockstepFd = 4;
    const Placement placement = options.placement;
    std::vector<std::string> command{
        program.string(), mount_point_.string(),
        "--variant",      options.variant,
        "--cache-dir",    cache_directory_.string(),
        "--store",        options.objects.empty() ? "memory" : "dir:" + options.objects.string(),
        "--counters",     counter_page_.string(),
        "--ready-fd",     std::to_string(kReadyFd)};
    std::vector<ChildFd> fds{{.ours = log.get(), .theirs = STDOUT_FILENO},
                             {.ours = log.get(), .theirs = STDERR_FILENO},
                             {.ours = ready.write_end.get(), .theirs = kReadyFd}};
    UniqueFd theirs;
    if (options.lockstep) {
      theirs = make_settle_socket();
      command.insert(command.end(), {"--lockstep-fd", std::to_string(kLockstepFd)});
      fds.push_back({.ours = theirs.get(), .theirs = kLockstepFd});
    }
    daemon_.emplace(ChildOptions{
        .command = std::move(command), .fds = std::move(fds), .before_exec = [placement] {
          place_current_thread(placement, Side::kDaemon);
        }});
    ready.write_end.reset();
    char line = 0;
    if (!wait_readable(ready.read_end.get(), daemon_->pidfd()) ||
        ::read(ready.read_end.get(), &line, 1) != 1) {
      throw EnvironmentError(daemon_failure(daemon_->wait()));
    }
  }

  /// Keeps one end; returns the daemon's.
  UniqueFd make_settle_socket() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      throw EnvironmentError(fmt::format("cannot create a socket: {}", describe(Errno{errno})));
    }
    settle_.reset(ends[0]);
    return UniqueFd(ends[1]);
  }

  std::string daemon_failure(const ExitStatus& status) const {
    std::ifstream log(log_);
    std::string text{std::istreambuf_iterator<char>(log), std::istreambuf_iterator<char>()};
    constexpr std::size_t kMost = 2000;
    if (text.size() > kMost) text.erase(0, text.size() - kMost);
    while (text.ends_with('\n')) text.pop_back();
    return fmt::format("vfsprof-mount {}{}{}", harness::describe(status),
                       text.empty() ? "" : ", saying:\n", text);
  }

  fs::path mount_point_;
  fs::path cache_directory_;
  fs::path counter_page_;
  fs::path log_;
  UniqueFd settle_;  ///< in lockstep
  std::optional<ChildProcess> daemon_;
};

}  // namespace

std::unique_ptr<Target> start_fuse_target(const TargetOptions& options) {
  return std::make_unique<FuseTarget>(options);
}

}  // namespace vfsprof::harness
