#include "harness/scenario/store_content.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "harness/error.h"
#include "harness/scenario/client_plan.h"
#include "harness/scenario/client_worker.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {

bool has_stored_files(const Scenario& scenario) {
  return std::ranges::any_of(
      scenario.filesets, [](const FileSet& set) { return set.content == ContentSource::kStore; });
}

void fill_store(const Scenario& scenario, std::uint64_t seed,
                const std::filesystem::path& directory) {
  for (std::size_t i = 0; i < scenario.filesets.size(); ++i) {
    if (scenario.filesets[i].content != ContentSource::kStore) continue;
    for (const std::string& name : directory_names(scenario.filesets, i)) {
      std::filesystem::create_directories(directory / name);
    }
  }
  const UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    throw EnvironmentError(fmt::format("cannot open the directory for objects {}: {}",
                                       directory.string(), describe(Errno{errno})));
  }
  RunControl control;
  control.set_budget(scenario.disk_budget);
  for (const ClientPlan& plan : plan_clients(scenario, seed)) {
    if (plan.job->form != JobForm::kSteps) continue;
    make_client_worker(FilesKind::kSystemCalls,
                       {.plan = plan, .directory = fd.get(), .control = control})
        ->create_stored_files();
  }
  if (control.stopping()) {
    throw EnvironmentError("cannot fill the object store: " + control.failure());
  }
}

}  // namespace vfsprof::harness
