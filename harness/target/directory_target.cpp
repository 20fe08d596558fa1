#include "harness/target/directory_target.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <string>

#include "harness/error.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

class DirectoryTarget final : public Target {
 public:
  explicit DirectoryTarget(fs::path root) : root_(std::move(root)) {}
  ~DirectoryTarget() override {
    std::error_code ignored;  // the destructor has nobody to tell; stop() says it
    fs::remove_all(root_, ignored);
  }

  fs::path root() const override { return root_; }
  std::optional<pid_t> observed_process() const override { return std::nullopt; }
  std::optional<fs::path> counter_page() const override { return std::nullopt; }

  void stop() override {
    std::error_code error;
    fs::remove_all(root_, error);
    if (error) {
      throw EnvironmentError(
          fmt::format("cannot remove {}: {}; remove it by hand", root_.string(), error.message()));
    }
  }

 private:
  fs::path root_;
};

}  // namespace

std::unique_ptr<Target> start_directory_target(const fs::path& parent) {
  if (!fs::is_directory(parent)) {
    throw BadInput(
        fmt::format("target {} is not a directory: name one that exists", parent.string()));
  }
  std::string root = (parent / "vfsprof-XXXXXX").string();
  if (::mkdtemp(root.data()) == nullptr) {
    throw BadInput(
        fmt::format("cannot create a directory in target {}: {}; name one that can be written",
                    parent.string(), describe(Errno{errno})));
  }
  return std::make_unique<DirectoryTarget>(root);
}

}  // namespace vfsprof::harness
