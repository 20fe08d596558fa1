#include "harness/collect/capability_probes.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "harness/collect/collector.h"
#include "harness/collect/perf_event.h"
#include "harness/collect/proc.h"
#include "harness/collect/tracefs.h"

namespace vfsprof::harness {
namespace {

using reports::Capability;
using enum reports::CapabilityState;

constexpr char kTracepoint[] = "sched:sched_switch";
/// On x86-64: instruction pointer, stack pointer, frame pointer.
constexpr std::uint64_t kStackRegisters =
    (1u << 6) | (1u << 7) | (1u << 8);  // PERF_REG_X86_BP, _SP, _IP
constexpr std::uint32_t kStackBytes = 4096;

Capability named(const char* name) {
  Capability result;
  result.name = name;
  return result;
}

void set_refused(Capability& result, Errno error) {
  const Refusal refusal = explain_refusal(error);
  result.state = kUnavailable;
  result.detail = refusal.detail;
  result.remedy = refusal.remedy;
}

/// Tracefs; where it cannot be read the capability says so.
Tracefs find_tracefs_for(Capability& result) {
  Tracefs tracefs = find_tracefs();
  if (tracefs.root.empty()) {
    result.state = kUnavailable;
    result.detail = tracefs.detail;
    result.remedy = tracefs.remedy;
  }
  return tracefs;
}

/// Opens an event on this thread; the error if that is refused with and without the kernel's part.
std::optional<Errno> try_event(perf_event_attr attributes, bool& kernel) {
  attributes.size = sizeof attributes;
  attributes.disabled = 1;
  attributes.exclude_hv = 1;
  kernel = true;
  auto fd = open_event(attributes, {.tid = 0, .cpu = -1});
  if (!fd && (fd.error().value == EACCES || fd.error().value == EPERM)) {
    kernel = false;
    attributes.exclude_kernel = 1;
    attributes.exclude_callchain_kernel = 1;
    fd = open_event(attributes, {.tid = 0, .cpu = -1});
  }
  if (fd) return std::nullopt;
  return fd.error();
}

}  // namespace

std::string as_root(const std::string& command) {
  return ::geteuid() == 0 ? command : "sudo " + command;
}

Capability probe_software_events() {
  Capability result = named("software events");
  const auto encoded = encode_event("page-faults");
  if (!encoded) {
    result.state = kUnavailable;
    result.detail = "libpfm4 does not know page-faults";
    result.remedy = as_root("apt-get install libpfm4");
    return result;
  }
  bool kernel = true;
  if (const auto error = try_event(*encoded, kernel)) {
    set_refused(result, *error);
    return result;
  }
  result.detail = "page-faults, context-switches, ... through perf_event_open";
  if (!kernel) {
    result.state = kDegraded;
    result.detail += fmt::format(
        ": only what happens in user mode is counted (kernel.perf_event_paranoid is {})",
        read_number("/proc/sys/kernel/perf_event_paranoid").value_or(0));
    result.remedy = as_root("sysctl kernel.perf_event_paranoid=1");
  }
  return result;
}

Capability probe_user_stack_copies() {
  Capability result = named("user stack copies");
  auto attributes = encode_event("cpu-clock");
  if (!attributes) {
    result.state = kUnavailable;
    result.detail = "libpfm4 does not know cpu-clock";
    result.remedy = as_root("apt-get install libpfm4");
    return result;
  }
  attributes->freq = 1;
  attributes->sample_freq = 99;
  attributes->sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
  attributes->sample_regs_user = kStackRegisters;
  attributes->sample_stack_user = kStackBytes;
  bool kernel = true;
  if (const auto error = try_event(*attributes, kernel)) {
    set_refused(result, *error);
    return result;
  }
  result.detail = "registers and stack in samples: stacks are whole without frame pointers";
  return result;
}

Capability probe_tracefs() {
  Capability result = named("tracepoints");
  const Tracefs tracefs = find_tracefs_for(result);
  if (tracefs.root.empty()) return result;
  result.detail = fmt::format("readable below {}{}", tracefs.root.string(),
                              tracefs.mounted_here ? " (mounted there by this command)" : "");
  return result;
}

Capability probe_tracepoint_events() {
  Capability result = named("tracepoint events");
  const Tracefs tracefs = find_tracefs();
  const auto id = tracepoint_id(tracefs, kTracepoint);
  if (!id) {
    result.state = kUnavailable;
    result.detail =
        tracefs.detail.empty() ? fmt::format("the kernel has no {}", kTracepoint) : tracefs.detail;
    result.remedy = tracefs.remedy;
    return result;
  }
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = *id;
  attributes.size = sizeof attributes;
  attributes.disabled = 1;
  const auto fd = open_event(attributes, {.tid = 0, .cpu = -1});
  if (!fd) {
    set_refused(result, fd.error());
    return result;
  }
  result.detail = fmt::format("{} through perf_event_open", kTracepoint);
  return result;
}

Capability probe_fuse_tracepoints() {
  Capability result = named("fuse tracepoints");
  const Tracefs tracefs = find_tracefs_for(result);
  if (tracefs.root.empty()) return result;
  for (const char* event : {"fuse:fuse_request_send", "fuse:fuse_request_end"}) {
    if (tracepoint_id(tracefs, event)) continue;
    std::error_code ignored;
    const bool loaded = std::filesystem::exists("/sys/fs/fuse", ignored);
    result.state = kUnavailable;
    result.detail =
        fmt::format("{} has no {}: how long requests wait in the kernel is unknown",
                    loaded ? "this kernel" : "the kernel, without the fuse module,", event);
    result.remedy = loaded ? "use kernel 6.11 or later" : as_root("modprobe fuse");
    return result;
  }
  result.detail = "fuse_request_send, fuse_request_end";
  return result;
}

Capability probe_btf() {
  constexpr char kBtf[] = "/sys/kernel/btf/vmlinux";
  Capability result = named("BTF");
  if (::access(kBtf, R_OK) == 0) {
    result.detail = kBtf;
    return result;
  }
  result.state = kUnavailable;
  result.detail = fmt::format("{}: {}; BPF programs cannot be fitted to this kernel", kBtf,
                              describe(Errno{errno}));
  result.remedy = "use a kernel with CONFIG_DEBUG_INFO_BTF=y; in a container mount /sys";
  return result;
}

std::vector<Capability> probe_collectors() {
  CollectorOptions options;
  options.events = {"page-faults", "context-switches", kTracepoint};
  std::vector<Capability> result;
  for (const CollectorInfo& info : all_collectors()) {
    // Only the reference daemon publishes a page of counters.
    if (info.name == "counters") continue;
    const auto collector = info.make(options);
    collector->attach({.pid = ::getpid()});
    collector->start();
    collector->stop();
    reports::Round ignored;
    collector->collect(ignored);
    Capability capability = collector->capability();
    capability.name = fmt::format("collector {}", info.name);
    result.push_back(std::move(capability));
  }
  return result;
}

}  // namespace vfsprof::harness
