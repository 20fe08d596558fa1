#include "harness/collect/waits_result.h"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "harness/collect/fuse_requests.h"
#include "harness/collect/futex_calls.h"
#include "harness/collect/proc.h"
#include "harness/collect/round_threads.h"
#include "harness/symbols/stack_resolver.h"
#include "harness/symbols/symbol_table.h"
#include "harness/symbols/unwind/unwind.h"
#include "harness/symbols/user_symbols.h"

namespace vfsprof::harness {
namespace {

std::string text_of(const char* name) { return {name, ::strnlen(name, 16)}; }

/// Adds the buckets of `counts` to a histogram.
void add(std::span<const __u32> counts, reports::Log2Histogram& histogram) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    if (histogram.size() <= i) histogram.resize(i + 1);
    histogram[i] += counts[i];
  }
}

/// Names the call sites of one process.
class ProcessStacks {
 public:
  ProcessStacks(pid_t pid, Mappings* mappings, reports::StackTable& table)
      : own_(mappings == nullptr ? std::make_unique<Mappings>(pid) : nullptr),
        mappings_(mappings == nullptr ? *own_ : *mappings),
        symbols_(read_text(fmt::format("/proc/{}/maps", pid)).value_or("")),
        resolver_(kernel_, symbols_, table) {}

  std::uint32_t resolve(const call_site& site) {
    const Registers registers(site.ip, site.sp, site.bp);
    const std::span<const __u8> copy(site.stack, site.stack_bytes);
    UnwoundStack stack = unwind(registers, std::as_bytes(copy), mappings_);
    stack.addresses.insert(stack.addresses.begin(), PERF_CONTEXT_USER);
    return resolver_.resolve(stack.addresses);
  }

 private:
  std::unique_ptr<Mappings> own_;
  Mappings& mappings_;
  SymbolTable kernel_;
  UserSymbols symbols_;
  StackResolver resolver_;
};

/// Turns the programs' tables into values of the model.
class WaitsBuilder {
 public:
  WaitsBuilder(const WaitsProgram& program, const WordNames& names, Mappings& mappings,
               pid_t observed, reports::Round& round)
      : program_(program), names_(names), mappings_(mappings), observed_(observed), round_(round) {}

  reports::Waits build() {
    add_threads();
    add_futexes();
    add_wakeups();
    add_blocked();
    add_fuse();
    return std::move(waits_);
  }

 private:
  void add_threads();
  void add_futexes();
  void add_wakeups();
  void add_blocked();
  void add_fuse();
  std::uint32_t stack(std::uint32_t site);
  std::uint32_t word(std::uint64_t address);

  const WaitsProgram& program_;
  const WordNames& names_;
  Mappings& mappings_;
  pid_t observed_;
  reports::Round& round_;
  reports::Waits waits_;
  std::vector<std::uint32_t> thread_of_;  ///< index into Round::threads
  std::map<std::uint32_t, std::uint32_t> stack_of_site_;
  std::map<std::uint64_t, std::uint32_t> index_of_word_;
  std::map<pid_t, ProcessStacks> processes_;
};

std::uint32_t WaitsBuilder::stack(std::uint32_t site) {
  const auto [found, added] = stack_of_site_.try_emplace(site, 0);
  if (!added) return found->second;
  const call_site& copy = program_.sites()[site];
  const auto pid = static_cast<pid_t>(copy.tgid);
  auto process = processes_.find(pid);
  if (process == processes_.end()) {
    process = processes_
                  .try_emplace(pid, pid, pid == observed_ ? &mappings_ : nullptr,
                               static_cast<reports::StackTable&>(waits_))
                  .first;
  }
  return found->second = process->second.resolve(copy);
}

std::uint32_t WaitsBuilder::word(std::uint64_t address) {
  auto& words = waits_.futexes.words;
  const auto [found, added] =
      index_of_word_.try_emplace(address, static_cast<std::uint32_t>(words.size()));
  if (added) {
    const WordNames::Name name = names_.find(address);
    words.push_back({.address = address, .name = name.name, .purpose = name.purpose});
  }
  return found->second;
}

void WaitsBuilder::add_threads() {
  const std::span<const thread_times> threads = program_.threads();
  thread_of_.resize(threads.size());
  for (std::size_t i = 1; i < threads.size(); ++i) {
    const thread_times& times = threads[i];
    if (times.end_ns == 0) continue;
    thread_of_[i] = thread_index(round_, static_cast<pid_t>(times.tid), text_of(times.name));
    if (times.end_ns <= times.begin_ns) continue;
    waits_.wall_clock.threads.push_back({.thread = thread_of_[i],
                                         .elapsed_ns = times.end_ns - times.begin_ns,
                                         .on_cpu_ns = times.on_cpu_ns,
                                         .runnable_ns = times.runnable_ns,
                                         .preemptions = times.preemptions});
  }
  waits_.wall_clock.source = "bpf";
  waits_.wall_clock.lost = program_.used().lost_threads + program_.used().lost_blocked;
}

void WaitsBuilder::add_futexes() {
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t>;
  std::map<Key, reports::FutexCalls> calls;  // several sites can be one stack
  for (const futex_entry& entry : program_.futexes().subspan(1)) {
    if (entry.calls == 0) continue;
    const Key key{thread_of_[entry.key.thread], stack(entry.key.site), word(entry.key.word),
                  entry.key.operation};
    reports::FutexCalls& sum = calls[key];
    sum.thread = std::get<0>(key);
    sum.stack = std::get<1>(key);
    sum.word = std::get<2>(key);
    sum.operation = futex_operation_name(entry.key.operation);
    sum.calls += entry.calls;
    sum.cpu_ns += entry.cpu_ns;
    sum.woken += entry.woken;
    sum.again += entry.again;
    sum.timed_out += entry.timed_out;
    sum.interrupted += entry.interrupted;
    sum.failed += entry.failed;
    sum.wait_ns += entry.wait_ns;
    add(entry.wait_time, sum.wait_time);
    sum.threads_woken += entry.threads_woken;
    sum.threads_requeued += entry.threads_requeued;
    sum.useless += entry.useless;
  }
  for (auto& [key, sum] : calls) waits_.futexes.calls.push_back(std::move(sum));
  waits_.futexes.source = "bpf";
  waits_.futexes.lost = program_.used().lost_futexes + program_.used().lost_wakeups;
}

void WaitsBuilder::add_wakeups() {
  for (const wakeup_entry& entry : program_.wakeups().subspan(1)) {
    if (entry.count == 0) continue;
    reports::FutexWakeups wakeups{.waker = thread_of_[entry.key.waker],
                                  .wakee = thread_of_[entry.key.wakee],
                                  .word = word(entry.key.word),
                                  .count = entry.count,
                                  .wake_to_run = {}};
    add(entry.wake_to_run, wakeups.wake_to_run);
    waits_.futexes.wakeups.push_back(std::move(wakeups));
  }
}

void WaitsBuilder::add_blocked() {
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::uint32_t, std::string>;
  std::map<Key, reports::BlockedTime> times;
  for (const blocked_entry& entry : program_.blocked().subspan(1)) {
    if (entry.count == 0) continue;
    const bool futex = entry.key.reason == kWaitFutex;
    const Key key{thread_of_[entry.key.thread], entry.key.reason, futex ? word(entry.key.word) : 0,
                  stack(entry.key.site),
                  text_of(reinterpret_cast<const char*>(entry.key.waker_name))};
    reports::BlockedTime& sum = times[key];
    sum.thread = std::get<0>(key);
    sum.reason = static_cast<reports::BlockReason>(entry.key.reason);
    sum.word = std::get<2>(key);
    sum.stack = std::get<3>(key);
    sum.waker = std::get<4>(key);
    sum.count += entry.count;
    sum.blocked_ns += entry.blocked_ns;
    sum.runnable_ns += entry.runnable_ns;
    add(entry.blocked_time, sum.blocked_time);
  }
  for (auto& [key, sum] : times) waits_.wall_clock.blocked.push_back(std::move(sum));
}

void WaitsBuilder::add_fuse() {
  if (!program_.observes_fuse()) return;
  const std::span<const fuse_entry> entries = program_.fuse();
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    const fuse_entry& entry = entries[i];
    if (entry.count == 0) continue;
    reports::FuseRequests requests;
    requests.operation = fuse_operation_name(i);
    requests.count = entry.count;
    requests.errors = entry.errors;
    requests.queue_ns = entry.queue_ns;
    requests.daemon_ns = entry.daemon_ns;
    requests.reply_ns = entry.reply_ns;
    add(entry.queue, requests.queue);
    add(entry.daemon, requests.daemon);
    add(entry.reply, requests.reply);
    waits_.fuse.push_back(std::move(requests));
  }
  waits_.fuse_source = "fuse tracepoints";
}

}  // namespace

void add_waits(const WaitsProgram& program, const WordNames& names, Mappings& mappings,
               pid_t observed, reports::Round& round) {
  round.waits = WaitsBuilder(program, names, mappings, observed, round).build();
}

}  // namespace vfsprof::harness
