#include "harness/run/runner.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "harness/collect/collector_set.h"
#include "harness/process.h"
#include "harness/run/work_directory.h"
#include "harness/scenario/client.h"
#include "harness/scenario/store_content.h"
#include "harness/scenario/tree_hash.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

std::uint64_t available_memory_bytes() {
  const long pages = ::sysconf(_SC_AVPHYS_PAGES), page_bytes = ::sysconf(_SC_PAGESIZE);
  return pages > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes) : 0;
}

std::optional<InProcessSetup> in_process_setup(const Target& target) {
  const InProcessSetup* const setup = target.in_process();
  return setup == nullptr ? std::nullopt : std::optional(*setup);
}

reports::Capability refused_priority(int error) {
  return {
      .name = "issue priority of clients",
      .state = reports::CapabilityState::kDegraded,
      .detail = fmt::format("--issue-priority realtime was refused ({}), so clients that keep a "
                            "pace wait for their turn as any program does",
                            describe(Errno{error})),
      .remedy = "run as root, or with an rtprio limit of 1 (ulimit -r)"};
}

}  // namespace

RoundOutcome run_round(const RoundRequest& request) {
  check_interrupted();
  const WorkDirectory work(request.work_directory);
  const bool has_objects = request.target.info->has_store && has_stored_files(request.scenario);
  const std::filesystem::path objects = has_objects ? work.path() / "objects" : "";
  if (has_objects) {
    std::filesystem::create_directories(objects);
    fill_store(request.scenario, request.seed, objects);
  }
  const std::unique_ptr<Target> target =
      start_target(request.target, {.variant = request.variant,
                                    .directory = work.path(),
                                    .placement = request.placement,
                                    .lockstep = request.scenario.lockstep,
                                    .objects = objects,
                                    .binary = request.binary});
  RoundOutcome outcome;
  outcome.round.kind = request.kind;
  {
    ClientProcess clients(request.scenario, {.directory = target->root(),
                                             .placement = request.placement,
                                             .seed = request.seed,
                                             .store_is_filled = has_objects,
                                             .keeps_contents = request.keeps_contents,
                                             .in_process = in_process_setup(*target),
                                             .settle_fd = target->settle_fd(),
                                             .watch = request.watch,
                                             .issue_priority = request.issue_priority});
    clients.wait_until_ready();
    std::optional<CollectorSet> collectors;
    if (const auto pid = target->in_process() ? clients.pid() : target->observed_process()) {
      const Observed observed{.pid = *pid, .counter_page = target->counter_page()};
      collectors.emplace(observed, request.kind, request.collect);
      collectors->start();
    }
    clients.go();
    ClientResult result = clients.wait();
    if (collectors) {
      collectors->stop();
      collectors->collect(outcome.round, outcome.capabilities);
    }
    outcome.round.elapsed_ns = result.elapsed_ns;
    outcome.round.client_cpu_ns = result.cpu_ns;
    outcome.round.operations = std::move(result.operations);
    outcome.round.clients = std::move(result.clients);
    if (result.issue_priority_error != 0) {
      outcome.capabilities.push_back(refused_priority(result.issue_priority_error));
    }
    outcome.traces = std::move(result.traces);
    outcome.kept = std::move(result.kept);
    outcome.round.results_hash = std::move(result.results_hash);
    outcome.round.void_reason = std::move(result.failure);
    clients.close();
    const bool hash = request.hash_tree && outcome.round.void_reason.empty();
    if (hash && target->in_process()) outcome.round.tree_hash = clients.hash_tree(outcome.tree);
    clients.finish();
    if (hash && !target->in_process()) {
      outcome.round.tree_hash = hash_tree(target->root(), outcome.tree);
    }
  }
  target->stop();
  return outcome;
}

std::uint64_t warm_up_memory(std::uint64_t bytes) {
  bytes = std::min(bytes, available_memory_bytes() / 2);
  sigset_t all, before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);  // our handlers are not for the child
  // In a child: what we need ourselves stays readable from our peak of memory.
  const pid_t child = ::fork();
  if (child == 0) {
    void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    ::_exit(memory == MAP_FAILED ? 1 : 0);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) return 0;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? bytes : 0;
}

}  // namespace vfsprof::harness
