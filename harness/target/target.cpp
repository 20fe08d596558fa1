#include "harness/target/target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "harness/error.h"
#include "harness/target/directory_target.h"
#include "harness/target/fuse_target.h"
#include "harness/target/in_process_target.h"

namespace vfsprof::harness {
namespace {

// THE list of targets: a new kind is one file and one line here.
constexpr std::array kTargets{
    TargetInfo{
        "fuse", "the reference file system on a real mount (the default)", false, true, true,
        [](const TargetSpec&, const TargetOptions& options) { return start_fuse_target(options); }},
    TargetInfo{"inproc",
               "the reference file system within the clients' process, without the kernel", false,
               true, false,
               [](const TargetSpec&, const TargetOptions& options) {
                 return start_in_process_target(options);
               }},
    TargetInfo{"dir", "a plain directory: dir=PATH", true, false, false,
               [](const TargetSpec& spec, const TargetOptions&) {
                 return start_directory_target(spec.path);
               }},
    TargetInfo{"external", "a mount that somebody else serves: external=PATH", true, false, false,
               [](const TargetSpec& spec, const TargetOptions&) {
                 return start_directory_target(spec.path);
               }},
};

}  // namespace

std::span<const TargetInfo> all_targets() { return kTargets; }

TargetSpec parse_target(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string kind = text.substr(0, equals);
  const std::string path = equals == std::string::npos ? "" : text.substr(equals + 1);
  for (const TargetInfo& target : kTargets) {
    if (target.name == kind && target.takes_path == !path.empty()) return {&target, path};
  }
  throw BadInput(fmt::format(
      "unknown target '{}': allowed are fuse, inproc, dir=PATH and external=PATH", text));
}

std::string to_string(const TargetSpec& spec) {
  return spec.info->takes_path ? fmt::format("{}={}", spec.info->name, spec.path.string())
                               : std::string(spec.info->name);
}

std::unique_ptr<Target> start_target(const TargetSpec& spec, const TargetOptions& options) {
  return spec.info->start(spec, options);
}

}  // namespace vfsprof::harness
