#include "harness/collect/drain.h"

#include <linux/perf_event.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "harness/collect/proc.h"
#include "harness/collect/ring.h"
#include "harness/collect/sample.h"
#include "vfs/base/thread_name.h"

namespace vfsprof::harness {
namespace {

constexpr ThreadName kDrainThread{"vfsprof-sampler", "vfsprof-sampler"};

std::uint64_t now_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

/// The count in a PERF_RECORD_LOST, which is {id, lost}.
std::uint64_t lost_in(std::span<const std::byte> payload) {
  std::uint64_t lost = 0;
  if (payload.size() >= 16) std::memcpy(&lost, payload.data() + 8, sizeof lost);
  return lost;
}

}  // namespace

SampleDrain::SampleDrain(const SamplingEvent& event, const Observed& observed)
    : event_(event),
      processes_(observed.pid, observed.follow_children),
      wake_(::eventfd(0, EFD_CLOEXEC)) {
  if (processes_.follows_children()) {
    event_.attributes.task = event_.attributes.comm = event_.attributes.comm_exec = 1;
    event_.attributes.mmap = event_.attributes.mmap2 = 1;
  }
  if (event_.scope == EventScope::kCpus) {
    const auto cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_CONF));
    for (int cpu = 0; cpu < cpus; ++cpu) open_ring({.tid = -1, .cpu = cpu});
  }
  look_for_threads();
  // The rings hold half a second of stack copies, and the tables of a large program take that long.
  if (event_.unwind != UnwindMethod::kFramePointers) {
    mappings_.try_emplace(observed.pid, observed.pid).first->second.load_tables();
  }
}

SampleDrain::~SampleDrain() { finish(); }

void SampleDrain::begin() {
  started_ns_ = now_ns(CLOCK_MONOTONIC);
  for (SampleRing& ring : rings_) ring.enable();
  thread_ = std::thread([this] { run(); });
}

void SampleDrain::finish() {
  if (!thread_.joinable()) return;
  finishing_ = true;
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void SampleDrain::open_ring(EventPlace place) {
  const auto events = event_.scope == EventScope::kCpus
                          ? static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_CONF))
                          : sampled_.thread_names.size();
  Result<SampleRing> ring = SampleRing::open(event_, place, events);
  if (ring) {
    if (started_ns_ != 0) ring->enable();
    rings_.push_back(std::move(*ring));
  } else if (ring.error().value != ESRCH && ring.error().value != ENODEV) {
    // A thread that has ended meanwhile and a CPU that is off line are no losses; this is one.
    ++sampled_.refused;
    sampled_.refusal = ring.error();
  }
}

void SampleDrain::look_for_threads() {
  processes_.look();
  for (const pid_t pid : processes_.living()) {
    for (const pid_t tid : list_threads(pid)) {
      const auto [known, added] = sampled_.thread_names.try_emplace(tid);
      if (!added) continue;
      known->second = kernel_thread_name(pid, tid);
      if (event_.scope == EventScope::kThreads) open_ring({.tid = tid, .cpu = -1});
    }
  }
}

void SampleDrain::run() {
  set_current_thread_name(kDrainThread);
  while (!finishing_) {
    wait_for_samples();
    fresh_mappings_.clear();
    drain_all();
    look_for_threads();
  }
  for (SampleRing& ring : rings_) ring.disable();
  drain_all();
  rings_.clear();
  for (auto& [pid, samples] : sampled_.samples) sampled_.maps[pid] = processes_.maps_of(pid);
  sampled_.cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
}

void SampleDrain::wait_for_samples() {
  std::vector<pollfd> fds{{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  for (const SampleRing& ring : rings_) fds.push_back({ring.fd(), POLLIN, 0});
  if (::poll(fds.data(), fds.size(), kLookEveryMs) <= 0) return;
  // A thread that has ended hangs up: its ring is read for the last time, or poll would return at
  // once for ever.
  std::vector<SampleRing> alive;
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    if ((fds[i + 1].revents & (POLLHUP | POLLERR)) != 0) {
      drain(rings_[i]);
    } else {
      alive.push_back(std::move(rings_[i]));
    }
  }
  rings_ = std::move(alive);
}

void SampleDrain::drain_all() {
  for (const SampleRing& ring : rings_) drain(ring);
  for (const std::vector<std::byte>& payload : std::exchange(strangers_, {})) {
    const auto sample = parse_sample(payload, event_.unwind != UnwindMethod::kFramePointers);
    if (sample && processes_.contains(sample->pid)) add(*sample);
  }
}

void SampleDrain::drain(const SampleRing& ring) {
  RingRecords records(ring.memory());
  for (const RingRecord& record : records) {
    if (record.type == PERF_RECORD_SAMPLE) {
      take_sample(record.payload);
    } else if (record.type == PERF_RECORD_LOST) {
      sampled_.lost += lost_in(record.payload);
    } else if (record.type == PERF_RECORD_THROTTLE) {
      ++sampled_.throttled;
    } else {
      processes_.note(record);
      forget_mappings_at_exec(record);
    }
  }
  if (records.corrupted()) ++sampled_.malformed;
}

void SampleDrain::take_sample(std::span<const std::byte> payload) {
  const std::optional<RawSample> sample =
      parse_sample(payload, event_.unwind != UnwindMethod::kFramePointers);
  if (!sample) {
    ++sampled_.malformed;
    return;
  }
  if (processes_.contains(sample->pid)) {
    add(*sample);
  } else if (processes_.follows_children() && sample->pid != 0) {
    strangers_.emplace_back(payload.begin(), payload.end());
  }
}

void SampleDrain::add(const RawSample& sample) {
  const std::uint64_t slice = (std::max(sample.time_ns, started_ns_) - started_ns_) / kSliceNs;
  if (const std::string name = processes_.name_of(sample.tid); !name.empty()) {
    sampled_.thread_names[sample.tid] = name;
  }
  const auto addresses = addresses_of(chain_of(sample).addresses);
  sampled_.samples[sample.pid].add(addresses, sample.tid, static_cast<std::uint32_t>(slice));
}

void SampleDrain::forget_mappings_at_exec(const RingRecord& record) {
  std::int32_t pid = 0;
  if (record.type != PERF_RECORD_COMM || (record.misc & PERF_RECORD_MISC_COMM_EXEC) == 0 ||
      record.payload.size() < sizeof pid) {
    return;
  }
  std::memcpy(&pid, record.payload.data(), sizeof pid);
  mappings_.erase(pid);
}

SampledChain SampleDrain::chain_of(const RawSample& sample) {
  if (event_.unwind == UnwindMethod::kFramePointers) return {.addresses = sample.chain};
  Mappings& mappings = mappings_.try_emplace(sample.pid, sample.pid).first->second;
  SampledChain chain = unwind_sample(sample, mappings, event_.unwind);
  if (chain.code_unknown && fresh_mappings_.insert(sample.pid).second) {
    mappings.refresh();
    chain = unwind_sample(sample, mappings, event_.unwind);
  }
  if (chain.has_user_part) ++(chain.whole ? sampled_.whole : sampled_.cut_short);
  if (chain.copy_ended) ++sampled_.copy_ended;
  return chain;
}

}  // namespace vfsprof::harness
