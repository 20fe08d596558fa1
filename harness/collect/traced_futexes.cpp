#include "harness/collect/traced_futexes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "harness/clock.h"
#include "harness/collect/perf_event.h"
#include "harness/collect/proc.h"
#include "harness/collect/round_threads.h"
#include "harness/collect/tracefs.h"
#include "harness/symbols/stack_resolver.h"
#include "harness/symbols/symbol_table.h"
#include "harness/symbols/user_symbols.h"
#include "vfs/base/thread_name.h"

namespace vfsprof::harness {
namespace {

constexpr ThreadName kReaderThread{"vfsprof-futexes", "vfsprof-futexes"};
constexpr std::chrono::milliseconds kReadEvery{5};
constexpr std::size_t kRingPages = 1024;     ///< 4 MiB hold 20 000 calls
constexpr std::size_t kMostEvents = 4096;    ///< threads x CPUs x 3
constexpr std::uint8_t kInInterrupt = 0x18;  ///< TRACE_FLAG_HARDIRQ, _SOFTIRQ (trace_events.h)

/// The system calls that are recorded; those without a name here are not in Debian 12's headers.
constexpr std::array<int, 6> kCalls{SYS_futex, SYS_futex_waitv, 454, 455, 456, SYS_restart_syscall};

// Source: the files format of raw_syscalls:sys_enter, raw_syscalls:sys_exit and sched:sched_waking.
struct TraceHeader {
  std::uint16_t type = 0;
  std::uint8_t flags = 0;
  std::uint8_t preempt_count = 0;
  std::int32_t pid = 0;
};
struct EnterRecord {
  TraceHeader header;
  std::uint64_t call = 0;
  std::array<std::uint64_t, 6> arguments{};
};
struct ExitRecord {
  TraceHeader header;
  std::uint64_t call = 0;
  std::int64_t result = 0;
};
struct WakingRecord {
  TraceHeader header;
  std::array<char, 16> name{};
  std::int32_t pid = 0;
};

template <class T>
std::optional<T> take(std::span<const std::byte>& bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return value;
}

perf_event_attr tracepoint(std::uint64_t id) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = id;
  attributes.sample_period = 1;
  attributes.sample_type =
      PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW;
  attributes.sample_max_stack = 1;
  attributes.exclude_callchain_kernel = 1;
  attributes.disabled = 1;
  attributes.inherit = 1;
  attributes.inherit_thread = 1;  // the addresses of child processes mean something else
  attributes.use_clockid = 1;
  attributes.clockid = CLOCK_MONOTONIC;
  attributes.sample_id_all = 1;
  attributes.watermark = 1;  // nobody waits for these rings: they are read at intervals
  attributes.wakeup_watermark = std::numeric_limits<std::uint32_t>::max();
  return attributes;
}

std::string filter_text() {
  std::string text;
  for (const int call : kCalls) text += fmt::format("{}id == {}", text.empty() ? "" : " || ", call);
  return text;
}

}  // namespace

void TracedFutexes::attach(const Observed& observed) {
  observed_ = observed;
  problem_.clear();
  open(observed);
  if (!problem_.empty()) {
    events_.clear();
    cpus_.clear();
  }
}

void TracedFutexes::refuse(const std::string& problem, const std::string& remedy) {
  if (!problem_.empty()) return;
  problem_ = problem;
  remedy_ = remedy;
}

void TracedFutexes::open(const Observed& observed) {
  const Tracefs tracefs = find_tracefs();
  if (tracefs.root.empty()) return refuse(tracefs.detail, tracefs.remedy);
  const auto enter = tracepoint_id(tracefs, "raw_syscalls:sys_enter");
  const auto exit = tracepoint_id(tracefs, "raw_syscalls:sys_exit");
  if (!enter || !exit) {
    return refuse("the kernel has no raw_syscalls:sys_enter",
                  "use a kernel with CONFIG_FTRACE_SYSCALLS=y");
  }
  enter_ = tracepoint(*enter);
  enter_.sample_max_stack = 0;  // the default
  enter_.context_switch = enter_.comm = enter_.task = 1;
  exit_ = tracepoint(*exit);
  if (const auto waking = tracepoint_id(tracefs, "sched:sched_waking")) {
    waking_ = tracepoint(*waking);
  } else {
    no_wakers_ = "the kernel has no sched:sched_waking";
  }
  for (int cpu = 0; cpu < ::sysconf(_SC_NPROCESSORS_CONF); ++cpu) {
    cpus_.push_back({.number = cpu, .ring_fd = -1, .ring = {}});
  }
  // Threads that begin meanwhile inherit the events of their creator, if it had them already.
  for (bool found = true; found && problem_.empty();) {
    found = false;
    for (const pid_t tid : list_threads(observed.pid)) {
      const auto [known, added] = thread_names_.try_emplace(tid);
      if (!added) continue;
      known->second = kernel_thread_name(observed.pid, tid);
      found = open_events(tid) || found;
    }
  }
  if (events_.empty()) refuse("the process has no threads any more", "");
}

bool TracedFutexes::open_events(pid_t tid) {
  const std::string filter = filter_text();
  bool opened = false;
  for (Cpu& cpu : cpus_) {
    if (!open_event_on(enter_, tid, cpu, filter.c_str())) continue;
    opened = open_event_on(exit_, tid, cpu, filter.c_str());
    if (no_wakers_.empty()) open_event_on(waking_, tid, cpu, nullptr);
  }
  return opened;
}

bool TracedFutexes::open_event_on(const perf_event_attr& attributes, pid_t tid, Cpu& cpu,
                                  const char* filter) {
  auto fd = open_event(attributes, {.tid = tid, .cpu = cpu.number});
  if (!fd) {
    const Refusal refusal = explain_refusal(fd.error());
    if (attributes.config == waking_.config) {
      no_wakers_ = refusal.detail;
    } else if (fd.error().value == EMFILE) {
      refuse("too many threads and CPUs for the limit of open files", "ulimit -n 65536");
    } else if (fd.error().value != ESRCH && fd.error().value != ENODEV) {
      refuse(refusal.detail, refusal.remedy);
    }
    return false;
  }
  if (events_.size() >= kMostEvents) {
    refuse(fmt::format("more than {} events would be needed: one for each thread and CPU",
                       kMostEvents),
           "");
    return false;
  }
  if (filter != nullptr && ::ioctl(fd->get(), PERF_EVENT_IOC_SET_FILTER, filter) != 0) {
    refuse(fmt::format("a filter on a tracepoint: {}", describe(Errno{errno})), "");
    return false;
  }
  if (cpu.ring_fd >= 0) {
    if (::ioctl(fd->get(), PERF_EVENT_IOC_SET_OUTPUT, cpu.ring_fd) != 0) {
      refuse(fmt::format("sharing a ring: {}", describe(Errno{errno})), "");
      return false;
    }
  } else {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (std::size_t pages = kRingPages; pages > 0 && !cpu.ring; pages /= 4) {
      cpu.ring = MappedMemory(fd->get(), (1 + pages) * page, PROT_READ | PROT_WRITE);
    }
    if (!cpu.ring) {
      refuse(fmt::format("a ring: {}", describe(Errno{errno})), "ulimit -l unlimited");
      return false;
    }
    cpu.ring_fd = fd->get();
  }
  events_.push_back(std::move(*fd));
  return true;
}

void TracedFutexes::read_maps() {
  auto maps = read_text(fmt::format("/proc/{}/maps", observed_.pid));
  if (maps && !maps->empty()) maps_ = std::move(*maps);  // a process that has ended has none
}

void TracedFutexes::start() {
  if (!opened()) return;
  read_maps();
  for (const UniqueFd& event : events_) ::ioctl(event.get(), PERF_EVENT_IOC_ENABLE, 0);
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
}

void TracedFutexes::stop() {
  if (!thread_.joinable()) return;
  for (const UniqueFd& event : events_) ::ioctl(event.get(), PERF_EVENT_IOC_DISABLE, 0);
  stopping_ = true;
  thread_.join();
  read_maps();
  events_.clear();
  cpus_.clear();
}

void TracedFutexes::run() {
  set_current_thread_name(kReaderThread);
  // Records of one thread can lie in several rings: what was written before all rings were read
  // once is complete.
  std::uint64_t horizon_ns = 0;
  while (!stopping_) {
    std::this_thread::sleep_for(kReadEvery);
    const std::uint64_t now = clock_ns(CLOCK_MONOTONIC);
    drain(horizon_ns);
    horizon_ns = now;
  }
  drain(std::numeric_limits<std::uint64_t>::max());
  cpu_ns_ = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void TracedFutexes::drain(std::uint64_t horizon_ns) {
  for (const Cpu& cpu : cpus_) {
    if (cpu.ring) read_ring(cpu);
  }
  std::ranges::stable_sort(pending_, {}, &FutexEvent::time_ns);
  const auto end = std::ranges::lower_bound(pending_, horizon_ns, {}, &FutexEvent::time_ns);
  for (auto event = pending_.begin(); event != end; ++event) table_.add(*event);
  pending_.erase(pending_.begin(), end);
}

void TracedFutexes::read_ring(const Cpu& cpu) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  RingRecords records({.control = reinterpret_cast<perf_event_mmap_page*>(cpu.ring.bytes()),
                       .data = {cpu.ring.bytes() + page, cpu.ring.size() - page}});
  for (const RingRecord& record : records) {
    if (record.type == PERF_RECORD_SAMPLE) {
      take_sample(record.payload);
    } else if (record.type == PERF_RECORD_SWITCH) {
      take_switch(record);
    } else if (record.type == PERF_RECORD_COMM || record.type == PERF_RECORD_FORK) {
      take_name(record);
    } else if (record.type == PERF_RECORD_LOST) {
      auto payload = record.payload;
      take<std::uint64_t>(payload);  // the event
      lost_ += take<std::uint64_t>(payload).value_or(0);
    }
  }
  if (records.corrupted()) ++lost_;
}

void TracedFutexes::take_sample(std::span<const std::byte> payload) {
  const auto pid = take<std::int32_t>(payload);
  const auto tid = take<std::int32_t>(payload);
  const auto time_ns = take<std::uint64_t>(payload);
  const auto length = take<std::uint64_t>(payload);
  if (!pid || !tid || !time_ns || !length || *length > payload.size() / sizeof(std::uint64_t)) {
    ++lost_;
    return;
  }
  FutexEvent event;
  event.time_ns = *time_ns;
  event.tid = *tid;
  const auto chain = payload.first(*length * sizeof(std::uint64_t));
  payload = payload.subspan(chain.size());
  take<std::uint32_t>(payload);  // the size of what follows
  auto header = payload;
  const auto common = take<TraceHeader>(header);
  if (common && common->type == enter_.config) {
    if (const auto record = take<EnterRecord>(payload)) {
      event.kind = FutexEvent::Kind::kEnter;
      event.call = record->call;
      event.arguments = record->arguments;
      event.chain.resize(*length);
      if (*length > 0) std::memcpy(event.chain.data(), chain.data(), chain.size());
      pending_.push_back(std::move(event));
    }
  } else if (common && common->type == exit_.config) {
    if (const auto record = take<ExitRecord>(payload)) {
      event.kind = FutexEvent::Kind::kExit;
      event.call = record->call;
      event.result = record->result;
      pending_.push_back(std::move(event));
    }
  } else if (const auto record = take<WakingRecord>(payload);
             record && (record->header.flags & kInInterrupt) == 0) {
    event.kind = FutexEvent::Kind::kWaking;
    event.wakee = record->pid;
    pending_.push_back(std::move(event));
  }
}

void TracedFutexes::take_switch(const RingRecord& record) {
  auto payload = record.payload;
  take<std::int32_t>(payload);  // process
  const auto tid = take<std::int32_t>(payload);
  const auto time_ns = take<std::uint64_t>(payload);
  if (!tid || !time_ns) return;
  FutexEvent event;
  event.kind = (record.misc & PERF_RECORD_MISC_SWITCH_OUT) != 0 ? FutexEvent::Kind::kSwitchOut
                                                                : FutexEvent::Kind::kSwitchIn;
  event.time_ns = *time_ns;
  event.tid = *tid;
  pending_.push_back(std::move(event));
}

void TracedFutexes::take_name(const RingRecord& record) {
  auto payload = record.payload;
  const auto pid = take<std::int32_t>(payload);
  const auto second = take<std::int32_t>(payload);  // thread, or parent process
  if (!pid || !second) return;
  if (record.type == PERF_RECORD_COMM) {
    const std::string text(reinterpret_cast<const char*>(payload.data()), payload.size());
    thread_names_[*second] = text.substr(0, text.find('\0'));
    return;
  }
  const auto tid = take<std::int32_t>(payload);
  const auto parent_tid = take<std::int32_t>(payload);
  // Its own name may have been read already: it lies in the ring of another CPU.
  if (tid && parent_tid) thread_names_.try_emplace(*tid, thread_names_[*parent_tid]);
}

void TracedFutexes::add_futexes(const WordNames& names, reports::Round& round) const {
  round.collector_cpu_ns += cpu_ns_;
  if (!round.waits) round.waits.emplace();
  reports::Waits& waits = *round.waits;
  reports::FutexLedger& ledger = waits.futexes;
  ledger.source = "perf tracepoints";
  ledger.lost = lost_;
  const SymbolTable kernel;
  UserSymbols user(maps_, observed_.pid);
  StackResolver resolver(kernel, user, waits);
  std::vector<std::uint32_t> stacks;
  for (const auto& chain : table_.stacks()) stacks.push_back(resolver.resolve(chain));
  std::map<std::uint64_t, std::uint32_t> index_of_word;
  const auto word = [&](std::uint64_t address) {
    const auto [found, added] =
        index_of_word.try_emplace(address, static_cast<std::uint32_t>(ledger.words.size()));
    if (added) {
      const WordNames::Name name = names.find(address);
      ledger.words.push_back({.address = address, .name = name.name, .purpose = name.purpose});
    }
    return found->second;
  };
  const auto thread = [&](pid_t tid) {
    const auto name = thread_names_.find(tid);
    return thread_index(round, tid, name == thread_names_.end() ? std::string() : name->second);
  };
  for (const auto& [key, sum] : table_.calls()) {
    reports::FutexCalls calls = sum;
    calls.thread = thread(key.tid);
    calls.stack = stacks[key.stack];
    calls.word = word(key.word);
    calls.operation = futex_operation_name(key.operation);
    ledger.calls.push_back(std::move(calls));
  }
  for (const auto& [key, wakeups] : table_.wakeups()) {
    ledger.wakeups.push_back({.waker = thread(key.waker),
                              .wakee = thread(key.wakee),
                              .word = word(key.word),
                              .count = wakeups.count,
                              .wake_to_run = wakeups.wake_to_run});
  }
}

}  // namespace vfsprof::harness
