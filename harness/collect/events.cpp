#include "harness/collect/events.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "harness/collect/perf_event.h"
#include "harness/collect/proc.h"
#include "harness/collect/process_tree.h"
#include "harness/collect/round_threads.h"
#include "harness/collect/tracefs.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

/// PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING, as read(2) gives it.
struct Reading {
  std::uint64_t count = 0;
  std::uint64_t enabled_ns = 0;
  std::uint64_t running_ns = 0;
};

struct OpenEvent {
  pid_t tid = 0;
  std::string thread_name;
  UniqueFd fd;
  std::optional<Reading> reading;
};

/// One event that was asked for, on all threads.
struct Counted {
  std::string name;
  std::optional<perf_event_attr> attributes;
  bool kernel = true;       ///< false: the kernel's part is refused to this user
  std::string unavailable;  ///< why it cannot be counted
  std::string remedy;
  std::vector<OpenEvent> threads;
  bool shared = false;  ///< was not on a counter all the time
};

std::string reason_of(const std::string& name, Errno error) {
  if (error.value == ENOENT || error.value == EOPNOTSUPP || error.value == ENODEV) {
    return fmt::format(
        "this machine has no counter for {} (perf_event_open: {}; usual in virtual machines)", name,
        describe(error));
  }
  return explain_refusal(error).detail;
}

std::string remedy_of(Errno error) {
  if (error.value == ENOENT || error.value == EOPNOTSUPP || error.value == ENODEV) {
    return "run on bare metal, or where the hypervisor passes the counters on";
  }
  return explain_refusal(error).remedy;
}

class EventsCollector : public Collector {
 public:
  explicit EventsCollector(const CollectorOptions& options) {
    for (const std::string& name : options.events) events_.push_back(encode(name));
  }

  void attach(const Observed& observed) override {
    ProcessTree tree(observed.pid, observed.follow_children);
    for (Counted& event : events_) {
      if (event.attributes) event.attributes->inherit_thread = observed.follow_children ? 0 : 1;
    }
    for (const pid_t pid : tree.look()) {
      for (const pid_t tid : list_threads(pid)) {
        for (Counted& event : events_) open(event, pid, tid);
      }
    }
  }

  void start() override { all(PERF_EVENT_IOC_ENABLE); }
  void stop() override {
    all(PERF_EVENT_IOC_DISABLE);
    for (Counted& event : events_) {
      for (OpenEvent& thread : event.threads) {
        Reading reading;
        if (::read(thread.fd.get(), &reading, sizeof reading) == sizeof reading) {
          thread.reading = reading;
        }
        thread.fd.reset();
      }
    }
  }

  void collect(reports::Round& round) override {
    for (Counted& event : events_) {
      reports::CountedEvent result{
          .name = event.name, .unavailable = event.unavailable, .threads = {}};
      if (result.unavailable.empty() && event.threads.empty()) {
        result.unavailable = event.unavailable = "the process had ended before counting began";
      }
      for (const OpenEvent& thread : event.threads) {
        if (!thread.reading) continue;
        const Reading& reading = *thread.reading;
        event.shared = event.shared || reading.running_ns < reading.enabled_ns;
        if (reading.count == 0) continue;
        result.threads.push_back({.thread = thread_index(round, thread.tid, thread.thread_name),
                                  .count = reading.count,
                                  .enabled_ns = reading.enabled_ns,
                                  .running_ns = reading.running_ns});
      }
      round.events.push_back(std::move(result));
    }
  }

  reports::Capability capability() const override;

 private:
  static Counted encode(const std::string& name) {
    Counted event{.name = name,
                  .attributes = encode_event(name),
                  .unavailable = {},
                  .remedy = {},
                  .threads = {}};
    if (!event.attributes) {
      const Tracefs tracefs = find_tracefs();
      const auto id = tracepoint_id(tracefs, name);
      if (!id) {
        event.unavailable =
            tracefs.detail.empty() ? "the kernel has no such tracepoint" : tracefs.detail;
        event.remedy = tracefs.remedy;
        return event;
      }
      event.attributes.emplace();
      event.attributes->type = PERF_TYPE_TRACEPOINT;
      event.attributes->config = *id;
    }
    perf_event_attr& attributes = *event.attributes;
    attributes.size = sizeof attributes;
    attributes.disabled = 1;
    attributes.inherit = 1;
    attributes.exclude_hv = 1;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return event;
  }

  static void open(Counted& event, pid_t pid, pid_t tid) {
    if (!event.attributes || !event.unavailable.empty()) return;
    const EventPlace place{.tid = tid, .cpu = -1};
    auto fd = open_event(*event.attributes, place);
    // A tracepoint is in the kernel: without the kernel's part nothing of it is left.
    if (!fd && (fd.error().value == EACCES || fd.error().value == EPERM) && event.kernel &&
        event.attributes->type != PERF_TYPE_TRACEPOINT) {
      event.kernel = false;
      event.attributes->exclude_kernel = 1;
      fd = open_event(*event.attributes, place);
    }
    if (fd) {
      event.threads.push_back({tid, kernel_thread_name(pid, tid), std::move(*fd), std::nullopt});
    } else if (fd.error().value != ESRCH) {
      event.unavailable = reason_of(event.name, fd.error());
      event.remedy = remedy_of(fd.error());
      event.threads.clear();
    }
  }

  void all(unsigned long request) {
    for (const Counted& event : events_) {
      for (const OpenEvent& thread : event.threads) ::ioctl(thread.fd.get(), request, 0);
    }
  }

  std::vector<Counted> events_;
};

reports::Capability EventsCollector::capability() const {
  using enum reports::CapabilityState;
  reports::Capability result;
  result.name = "counted events";
  std::vector<std::string> parts, remedies;
  std::size_t missing = 0;
  for (const Counted& event : events_) {
    if (!event.unavailable.empty()) {
      ++missing;
      parts.push_back(fmt::format("{} is unavailable: {}", event.name, event.unavailable));
    } else if (!event.kernel) {
      parts.push_back(fmt::format(
          "{} counts user code only: the kernel's part is refused to this user", event.name));
      remedies.push_back("sysctl kernel.perf_event_paranoid=1");
    } else if (event.shared) {
      parts.push_back(fmt::format("{} shared a counter with others and was scaled", event.name));
      remedies.push_back("ask for fewer hardware events at a time");
    }
    if (!event.remedy.empty()) remedies.push_back(event.remedy);
  }
  if (!parts.empty()) result.state = missing == events_.size() ? kUnavailable : kDegraded;
  std::ranges::sort(remedies);
  remedies.erase(std::ranges::unique(remedies).begin(), remedies.end());
  result.detail = parts.empty() ? fmt::format("{}", events_.size()) +
                                      " events on each thread; threads created while counting "
                                      "count in their creator's row"
                                : "";
  for (const std::string& part : parts) result.detail += (result.detail.empty() ? "" : "; ") + part;
  for (const std::string& remedy : remedies) {
    result.remedy += (result.remedy.empty() ? "" : "; ") + remedy;
  }
  return result;
}

}  // namespace

std::unique_ptr<Collector> make_events_collector(const CollectorOptions& options) {
  return std::make_unique<EventsCollector>(options);
}

}  // namespace vfsprof::harness
