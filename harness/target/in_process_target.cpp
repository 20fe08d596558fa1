#include "harness/target/in_process_target.h"

#include <fmt/format.h>

#include "harness/error.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

class InProcessTarget final : public Target {
 public:
  explicit InProcessTarget(const TargetOptions& options) : root_(options.directory / "cache") {
    std::error_code error;
    fs::create_directories(root_, error);
    if (error) {
      throw EnvironmentError(
          fmt::format("cannot create {}: {}; choose another place with --work-dir", root_.string(),
                      error.message()));
    }
    setup_ = {
        .variant = options.variant,
        .cache_directory = root_.string(),
        .store = options.objects.empty() ? "memory" : "dir:" + options.objects.string(),
        .counter_page = (options.directory / "counters").string(),
        .engine_cpu =
            options.placement == Placement::kSplit ? cpu_of(options.placement, Side::kDaemon) : -1,
        .lockstep = options.lockstep,
    };
  }

  /// Where the cache is: the disk that must have room.
  fs::path root() const override { return root_; }
  std::optional<pid_t> observed_process() const override { return std::nullopt; }
  std::optional<fs::path> counter_page() const override { return setup_.counter_page; }
  const InProcessSetup* in_process() const override { return &setup_; }
  void stop() override {}  // it ends with the clients, who say what went wrong

 private:
  fs::path root_;
  InProcessSetup setup_;
};

}  // namespace

std::unique_ptr<Target> start_in_process_target(const TargetOptions& options) {
  return std::make_unique<InProcessTarget>(options);
}

}  // namespace vfsprof::harness
