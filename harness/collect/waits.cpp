#include "harness/collect/waits.h"

#include <fmt/format.h>
#include <time.h>

#include <optional>
#include <string>
#include <vector>

#include "harness/bpf/waits_program.h"
#include "harness/clock.h"
#include "harness/collect/daemon_waits.h"
#include "harness/collect/fuse_requests.h"
#include "harness/collect/process_tree.h"
#include "harness/collect/traced_futexes.h"
#include "harness/collect/unwind_rows.h"
#include "harness/collect/waits_result.h"
#include "harness/collect/word_names.h"
#include "harness/symbols/unwind/mappings.h"

namespace vfsprof::harness {
namespace {

class WaitsCollector : public Collector {
 public:
  explicit WaitsCollector(const CollectorOptions& options) : options_(options) {}

  void attach(const Observed& observed) override {
    observed_ = observed;
    serves_fuse_ = serves_fuse(observed.pid);
    WaitsSettings settings;
    settings.follow_children = observed.follow_children;
    settings.processes = ProcessTree(observed.pid, observed.follow_children).look();
    settings.observe_fuse = serves_fuse_;
    UnwindRows code = unwind_rows_of(observed.pid);
    settings.modules = std::move(code.modules);
    settings.rows = std::move(code.rows);
    settings.refused = !options_.use_bpf;
    program_ = std::make_unique<WaitsProgram>(settings);
    if (!program_->loaded() || (serves_fuse_ && !program_->observes_fuse())) {
      daemon_.attach(observed);
    }
    if (!program_->loaded()) {
      traced_.attach(observed);
      return;
    }
    mappings_.emplace(observed.pid);
  }

  void start() override {
    daemon_.start();
    traced_.start();
    if (!program_->loaded()) return;
    const std::uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    program_->start();
    cpu_ns_ = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
  }

  void stop() override {
    daemon_.stop();
    traced_.stop();
    if (!program_->loaded()) {
      if (traced_.opened()) names_ = WordNames(observed_);
      return;
    }
    const std::uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    program_->stop();
    cpu_ns_ += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
    mappings_->refresh();
    names_ = WordNames(observed_);
  }

  void collect(reports::Round& round) override {
    if (!program_->loaded()) {
      if (traced_.opened()) {
        traced_.add_futexes(names_, round);
      } else {
        daemon_.add_futexes(round);
      }
      daemon_.add_requests(round);
      return;
    }
    round.collector_cpu_ns += cpu_ns_;
    add_waits(*program_, names_, *mappings_, observed_.pid, round);
    if (round.waits->fuse_source.empty()) daemon_.add_requests(round);
  }

  reports::Capability capability() const override;

 private:
  reports::Capability without_programs() const;

  CollectorOptions options_;
  Observed observed_;
  bool serves_fuse_ = false;
  std::unique_ptr<WaitsProgram> program_;
  std::optional<Mappings> mappings_;
  WordNames names_;
  TracedFutexes traced_;  ///< where the programs cannot run
  DaemonWaits daemon_;    ///< where the programs cannot run, or cannot see requests
  std::uint64_t cpu_ns_ = 0;
};

reports::Capability WaitsCollector::without_programs() const {
  using enum reports::CapabilityState;
  reports::Capability result;
  result.name = "waits";
  result.state = kDegraded;
  result.detail = "futex calls and wall clock: " + program_->refusal().detail;
  result.remedy = program_->refusal().remedy;
  if (traced_.opened()) {
    result.detail +=
        "; instead futex calls through perf events on tracepoints: no wall clock; call sites by "
        "frame pointers; no word of futex_waitv and futex_requeue";
    if (observed_.follow_children) result.detail += "; child processes are not followed";
    if (!traced_.no_wakers().empty()) {
      result.detail += "; who wakes whom is unknown: " + traced_.no_wakers();
    }
    if (traced_.lost() > 0) result.detail += fmt::format("; {} records lost", traced_.lost());
    if (serves_fuse_ && daemon_.problem().empty()) {
      result.detail += "; FUSE requests by the daemon's stamps";
    }
    return result;
  }
  if (daemon_.problem().empty()) {
    result.detail +=
        "; instead the daemon counted its own waits at queues and contended locks, and its "
        "requests: no call sites, no useless wakes, no wall clock, no time of requests in the "
        "kernel";
  } else {
    result.state = kUnavailable;
  }
  result.detail += "; perf events on tracepoints: " + traced_.problem();
  if (!traced_.remedy().empty()) result.remedy += "; or " + traced_.remedy();
  return result;
}

reports::Capability WaitsCollector::capability() const {
  using enum reports::CapabilityState;
  if (!program_->loaded()) return without_programs();
  reports::Capability result;
  result.name = "waits";
  result.detail = "futex calls and wall clock through BPF programs on tracepoints";
  const auto degrade = [&](const std::string& detail, const std::string& remedy) {
    result.state = kDegraded;
    result.detail += "; " + detail;
    if (!remedy.empty()) result.remedy += (result.remedy.empty() ? "" : "; ") + remedy;
  };
  if (serves_fuse_ && program_->observes_fuse()) {
    result.detail += "; FUSE requests too";
  } else if (serves_fuse_) {
    degrade(daemon_.problem().empty()
                ? "FUSE requests by the daemon's stamps, without their time in the kernel's queue: "
                  "the kernel has no tracepoints for them"
                : "no FUSE requests: the kernel has no tracepoints for them",
            "use a kernel with fuse:fuse_request_send and fuse:fuse_request_end");
  }
  if (daemon_.unstamped() > 0) {
    degrade(fmt::format("{} requests are not in the daemon's stamps", daemon_.unstamped()), "");
  }
  const table_use& used = program_->used();
  const auto lost = [&](std::uint64_t count, const char* what) {
    if (count > 0) degrade(fmt::format("{} {} lost: a table was full", count, what), "");
  };
  lost(used.lost_threads, "threads");
  lost(used.lost_sites, "call sites");
  lost(used.lost_futexes, "futex calls");
  lost(used.lost_wakeups, "wake-ups");
  lost(used.lost_blocked, "switches");
  lost(used.lost_requests, "FUSE requests");
  return result;
}

}  // namespace

std::unique_ptr<Collector> make_waits_collector(const CollectorOptions& options) {
  return std::make_unique<WaitsCollector>(options);
}

}  // namespace vfsprof::harness
