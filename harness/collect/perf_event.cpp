#include "harness/collect/perf_event.h"

#include <fmt/format.h>
#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "harness/collect/proc.h"
#include "harness/collect/sample.h"

namespace vfsprof::harness {
namespace {

constexpr char kFallbackEvent[] = "cpu-clock";

/// Data pages of a ring, at most: 64 KiB hold 60 ms of the deepest stacks at 999 Hz, 4 MiB half a
/// second of samples that carry stack copies. Powers of two, as the kernel demands. Smaller ones
/// are tried where the limit of locked memory is tight.
constexpr std::size_t kChainRingPages = 16;
constexpr std::size_t kStackRingPages = 1024;
/// What all rings together may take, so that many CPUs or threads do not take all memory.
constexpr std::size_t kAllRingPages = 16384;

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

bool is_refusal(Errno error) { return error.value == EACCES || error.value == EPERM; }

bool is_missing(Errno error) {
  return error.value == ENOENT || error.value == EOPNOTSUPP || error.value == ENODEV;
}

void ask_for_stacks(perf_event_attr& attributes, std::uint32_t stack_bytes) {
  attributes.sample_type |= kStackSampleType;
  attributes.sample_regs_user = kSampledRegisters;
  attributes.sample_stack_user = stack_bytes;
}

/// Opens an event with stack copies if they were asked for, and without where only those are
/// refused.
Result<UniqueFd> open_with_stacks(SamplingEvent& event, const CollectorOptions& options,
                                  EventPlace place, const EventOpener& open) {
  event.unwind = UnwindMethod::kFramePointers;
  event.unwind_refusal.clear();
  if (options.unwind == UnwindMethod::kFramePointers) return open(event.attributes, place);
  if (kSampledRegisters == 0) {
    event.unwind_refusal = "unwind tables are read on x86-64 only";
    return open(event.attributes, place);
  }
  SamplingEvent with_stacks = event;
  ask_for_stacks(with_stacks.attributes, options.stack_copy->bytes());
  auto opened = open(with_stacks.attributes, place);
  if (opened) {
    event = std::move(with_stacks);
    event.unwind = options.unwind;
    return opened;
  }
  const Errno error = opened.error();
  opened = open(event.attributes, place);
  if (opened)
    event.unwind_refusal = fmt::format("registers and stacks in samples: {}", describe(error));
  return opened;
}

SamplingEvent sampling_event(const perf_event_attr& encoded, const CollectorOptions& options) {
  SamplingEvent event;
  event.attributes = encoded;
  event.name = options.event;
  perf_event_attr& attributes = event.attributes;
  attributes.size = sizeof attributes;
  attributes.disabled = 1;
  attributes.freq = 1;
  attributes.sample_freq = options.frequency_hz;
  attributes.sample_type = kSampleType;
  attributes.exclude_hv = 1;
  attributes.watermark =
      1;  // with wakeup_watermark left at 0: wake the reader when the ring is half full
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;
  return event;
}

}  // namespace

Result<UniqueFd> open_event(const perf_event_attr& attributes, EventPlace place) {
  perf_event_attr copy = attributes;  // the kernel may write the size it knows into it
  const long fd =
      ::syscall(SYS_perf_event_open, &copy, place.tid, place.cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) return fail_with_errno();
  return UniqueFd(static_cast<int>(fd));
}

std::optional<perf_event_attr> encode_event(const std::string& name) {
  static const bool initialized = ::pfm_initialize() == PFM_SUCCESS;
  if (!initialized) return std::nullopt;
  perf_event_attr attributes{};
  pfm_perf_encode_arg_t encode{};
  encode.attr = &attributes;
  encode.size = sizeof encode;
  const int status = ::pfm_get_os_event_encoding(name.c_str(), PFM_PLM0 | PFM_PLM3,
                                                 PFM_OS_PERF_EVENT_EXT, &encode);
  if (status != PFM_SUCCESS) return std::nullopt;
  return attributes;
}

Refusal explain_refusal(Errno error) {
  const std::optional<long> paranoid = read_number("/proc/sys/kernel/perf_event_paranoid");
  if (error.value == ENOSYS || !paranoid) {
    return {
        fmt::format("perf_event_open: {}; this kernel (or a seccomp filter) offers no perf events",
                    describe(error)),
        "use a kernel with CONFIG_PERF_EVENTS=y; in a container allow perf_event_open "
        "(docker run --cap-add PERFMON --security-opt seccomp=unconfined)"};
  }
  if (is_refusal(error)) {
    const std::string detail = fmt::format("perf_event_open: {} (kernel.perf_event_paranoid is {})",
                                           describe(error), *paranoid);
    // An ordinary user needs 1 at most; with that already granted something else refuses.
    if (*paranoid > 1) return {detail, "sysctl kernel.perf_event_paranoid=1"};
    return {detail + "; the process belongs to somebody else, or a seccomp filter refuses",
            "run as root, or as the user whose process is observed; in a container add "
            "--cap-add PERFMON"};
  }
  return {fmt::format("perf_event_open: {}", describe(error)), ""};
}

EventChoice choose_sampling_event(const CollectorOptions& options, pid_t tid,
                                  const EventOpener& open) {
  std::optional<Errno> error;
  for (const std::string& name : {options.event, std::string(kFallbackEvent)}) {
    const std::optional<perf_event_attr> encoded = encode_event(name);
    if (!encoded) continue;
    SamplingEvent event = sampling_event(*encoded, options);
    event.name = name;
    const auto attempt = [&](EventPlace place) {
      return open_with_stacks(event, options, place, open);
    };
    // This CPU stands for all of them: it surely is online.
    event.attributes.exclude_idle = 1;
    auto opened = attempt({.tid = -1, .cpu = ::sched_getcpu()});
    if (!opened && is_refusal(opened.error())) {
      event.scope = EventScope::kThreads;
      event.attributes.exclude_idle = 0;
      opened = attempt({.tid = tid, .cpu = -1});
    }
    if (!opened && is_refusal(opened.error())) {
      event.kernel_frames = false;
      event.attributes.exclude_kernel = 1;
      event.attributes.exclude_callchain_kernel = 1;
      opened = attempt({.tid = tid, .cpu = -1});
    }
    if (opened) return {.event = event, .detail = "", .remedy = ""};
    error = opened.error();
    if (!is_missing(*error)) break;
  }
  if (!error) {
    return {.event = std::nullopt,
            .detail = fmt::format("libpfm4 knows neither {} nor {}", options.event, kFallbackEvent),
            .remedy = "apt-get install libpfm4"};
  }
  const Refusal refusal = explain_refusal(*error);
  return {.event = std::nullopt, .detail = refusal.detail, .remedy = refusal.remedy};
}

Result<SampleRing> SampleRing::open(const SamplingEvent& event, EventPlace place,
                                    std::size_t events) {
  int map_error = 0;
  const std::size_t most =
      event.unwind == UnwindMethod::kFramePointers ? kChainRingPages : kStackRingPages;
  const std::size_t share = std::bit_floor(std::max<std::size_t>(1, kAllRingPages / events));
  for (std::size_t pages = std::min(most, share); pages > 0; pages /= 4) {
    auto fd = open_event(event.attributes, place);
    if (!fd) return std::unexpected(fd.error());
    MappedMemory memory(fd->get(), (1 + pages) * page_size(), PROT_READ | PROT_WRITE);
    if (memory) return SampleRing(std::move(*fd), std::move(memory));
    map_error = errno;
  }
  return fail(map_error);
}

void SampleRing::enable() { ::ioctl(fd_.get(), PERF_EVENT_IOC_ENABLE, 0); }
void SampleRing::disable() { ::ioctl(fd_.get(), PERF_EVENT_IOC_DISABLE, 0); }

RingMemory SampleRing::memory() const {
  return {.control = reinterpret_cast<perf_event_mmap_page*>(memory_.bytes()),
          .data = {memory_.bytes() + page_size(), memory_.size() - page_size()}};
}

}  // namespace vfsprof::harness
