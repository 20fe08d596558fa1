#include "harness/collect/capabilities.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "harness/collect/capability_probes.h"
#include "harness/collect/perf_event.h"
#include "harness/collect/proc.h"
#include "harness/process.h"
#include "harness/symbols/symbol_table.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

using reports::Capability;
using enum reports::CapabilityState;

Capability named(const char* name) {
  Capability result;
  result.name = name;
  return result;
}

Capability fuse_device() {
  constexpr char kDevice[] = "/dev/fuse";
  Capability result = named("FUSE device");
  struct stat status{};
  if (::stat(kDevice, &status) != 0) {
    result.state = kUnavailable;
    result.detail = fmt::format("{}: {}", kDevice, describe(Errno{errno}));
    result.remedy = as_root("modprobe fuse") + "; in a container: --device /dev/fuse";
    return result;
  }
  const UniqueFd device(::open(kDevice, O_RDWR | O_CLOEXEC));
  const int error = errno;
  result.detail = fmt::format("{} has mode {:o}, owner {}:{}", kDevice, status.st_mode & 07777u,
                              status.st_uid, status.st_gid);
  if (!device) {
    result.state = kUnavailable;
    result.detail += fmt::format("; opening it: {}", describe(Errno{error}));
    result.remedy = error == EACCES ? as_root("chmod 666 /dev/fuse")
                                    : "in a container: --device /dev/fuse --cap-add SYS_ADMIN";
  }
  return result;
}

Capability fusermount() {
  Capability result = named("fusermount3");
  const std::filesystem::path program = find_program("fusermount3");
  struct stat status{};
  if (program.empty() || ::stat(program.c_str(), &status) != 0) {
    result.state = ::geteuid() == 0 ? kDegraded : kUnavailable;
    result.detail = "not in PATH: only root can mount";
    result.remedy = as_root("apt-get install fuse3");
    return result;
  }
  result.detail = program.string();
  if ((status.st_mode & S_ISUID) == 0 && ::geteuid() != 0) {
    result.state = kUnavailable;
    result.detail += " is not setuid root: it cannot mount for an ordinary user";
    result.remedy = as_root("chmod u+s " + program.string());
  }
  return result;
}

/// User and kernel samples, by opening the event that a run would open, on this very process.
std::array<Capability, 2> cpu_sampling() {
  CollectorOptions options;
  options.event = "cpu-clock";
  const EventChoice choice = choose_sampling_event(options, ::getpid());
  Capability user = named("CPU samples, user code");
  Capability kernel = named("CPU samples, kernel code");
  if (!choice.event) {
    for (Capability* result : {&user, &kernel}) {
      result->state = kUnavailable;
      result->detail = choice.detail;
      result->remedy = choice.remedy;
    }
    return {user, kernel};
  }
  user.detail = kernel.detail = "cpu-clock through perf_event_open";
  if (!choice.event->kernel_frames) {
    kernel.state = kUnavailable;
    kernel.detail = fmt::format("refused to this user (kernel.perf_event_paranoid is {})",
                                read_number("/proc/sys/kernel/perf_event_paranoid").value_or(0));
    kernel.remedy = as_root("sysctl kernel.perf_event_paranoid=1");
  }
  return {user, kernel};
}

Capability hardware_counters() {
  Capability result = named("hardware counters");
  CollectorOptions options;
  options.event = "cycles";
  const EventChoice choice = choose_sampling_event(options, ::getpid());
  if (choice.event && choice.event->name == "cycles") {
    result.detail = "cycles through perf_event_open";
    return result;
  }
  result.state = kUnavailable;
  result.detail = choice.event ? "no performance counters (usual in virtual machines): cpu-clock "
                                 "is sampled instead"
                               : choice.detail;
  result.remedy = choice.event ? "run on bare metal, or where the hypervisor passes the counters on"
                               : choice.remedy;
  return result;
}

Capability kernel_symbol_names() {
  Capability result = named("kernel symbols");
  const std::optional<std::string> kallsyms = read_text("/proc/kallsyms");
  if (kallsyms && !kernel_symbols(*kallsyms).empty()) {
    result.detail = "/proc/kallsyms shows addresses";
    return result;
  }
  result.state = kUnavailable;
  result.detail = kallsyms ? fmt::format(
                                 "/proc/kallsyms hides addresses from this user "
                                 "(kernel.kptr_restrict is {})",
                                 read_number("/proc/sys/kernel/kptr_restrict").value_or(0))
                           : "no /proc/kallsyms: the kernel was built without CONFIG_KALLSYMS";
  // With kptr_restrict=0 the kernel asks whether this user may profile it at all.
  result.remedy = as_root("sysctl kernel.kptr_restrict=0 kernel.perf_event_paranoid=1");
  return result;
}

/// Loads the smallest program of the kind that tracing needs.
Capability bpf() {
  Capability result = named("BPF");
  // r0 = 0; exit
  const std::array<bpf_insn, 2> program{{
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
  }};
  constexpr char kLicense[] = "Apache-2.0";
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
  attributes.insns = reinterpret_cast<std::uint64_t>(program.data());
  attributes.insn_cnt = program.size();
  attributes.license = reinterpret_cast<std::uint64_t>(kLicense);
  const UniqueFd loaded(
      static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes)));
  const int error = errno;
  if (loaded) {
    result.detail = "a tracing program could be loaded";
    return result;
  }
  result.state = kUnavailable;
  result.detail = fmt::format("loading a tracing program: {}", describe(Errno{error}));
  result.remedy = error == EPERM || error == EACCES
                      ? "run as root, or with the capabilities CAP_BPF and CAP_PERFMON"
                      : "use a kernel with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_EVENTS=y";
  return result;
}

Capability placement() {
  Capability result = named("CPUs for placement");
  cpu_set_t set;
  CPU_ZERO(&set);
  const int cpus = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  result.detail = fmt::format("{} usable", cpus);
  if (cpus < 2) {
    result.state = kDegraded;
    result.detail += ": harness and collectors share the one CPU with the load";
    result.remedy = "give the machine (or this process, see taskset -p) at least 2 CPUs";
  }
  return result;
}

Capability memory() {
  Capability result = named("memory");
  const std::string meminfo = read_text("/proc/meminfo").value_or("");
  const std::string available(field_of(meminfo, "MemAvailable"));  // "123456 kB"
  const double gib = std::strtod(available.c_str(), nullptr) / (1024.0 * 1024.0);
  result.detail = fmt::format("{:.1f} GiB available", gib);
  // The as-found variants keep every dirty file whole in memory, and the burst scenario writes
  // several of 100 MB.
  if (gib < 1.0) {
    result.state = kDegraded;
    result.detail += ": little for scenarios that keep hundreds of megabytes dirty";
    result.remedy = "end other programs, or run the scenario `smoke`";
  }
  return result;
}

}  // namespace

void merge_capabilities(std::vector<Capability>& all, const std::vector<Capability>& seen) {
  for (const Capability& capability : seen) {
    const auto known = std::ranges::find(all, capability.name, &Capability::name);
    if (known == all.end()) {
      all.push_back(capability);
    } else if (capability.state > known->state) {
      *known = capability;
    }
  }
}

std::vector<Capability> probe_capabilities() {
  const auto [user, kernel] = cpu_sampling();
  std::vector<Capability> result{fuse_device(),
                                 fusermount(),
                                 user,
                                 kernel,
                                 probe_user_stack_copies(),
                                 kernel_symbol_names(),
                                 hardware_counters(),
                                 probe_software_events(),
                                 probe_tracefs(),
                                 probe_tracepoint_events(),
                                 probe_fuse_tracepoints(),
                                 bpf(),
                                 probe_btf(),
                                 placement(),
                                 memory()};
  for (Capability& capability : probe_collectors()) result.push_back(std::move(capability));
  return result;
}

}  // namespace vfsprof::harness
