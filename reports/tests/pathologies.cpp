#include "reports/tests/pathologies.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "reports/tests/synthetic.h"

namespace vfsprof::reports::synthetic {
namespace {

using Stack = std::vector<Frame>;

constexpr std::uint64_t kOperations = 20'000;

Stack kernel_stack(std::initializer_list<const char*> functions, const Stack& below = {}) {
  Stack stack;
  for (const char* function : functions) stack.push_back(kernel(function));
  for (const char* function : {"do_syscall_64", "entry_SYSCALL_64_after_hwframe"}) {
    stack.push_back(kernel(function));
  }
  stack.insert(stack.end(), below.begin(), below.end());
  return stack;
}

Stack user_stack(std::initializer_list<const char*> functions) {
  Stack stack;
  for (const char* function : functions) stack.push_back(user(function));
  stack.push_back(user("start_thread"));
  return stack;
}

Stack fault_in(const Stack& below) {
  Stack stack{kernel("clear_page_erms"), kernel("do_anonymous_page"), kernel("handle_mm_fault"),
              kernel("do_user_addr_fault"), kernel("asm_exc_page_fault")};
  stack.insert(stack.end(), below.begin(), below.end());
  return stack;
}

Stack futex_wake(const Stack& below) {
  return kernel_stack({"try_to_wake_up", "wake_up_q", "futex_wake", "do_futex"}, below);
}
Stack futex_wait(const Stack& below) {
  return kernel_stack({"finish_task_switch", "__schedule", "futex_wait_queue", "futex_wait"},
                      below);
}

/// One program under measurement.
struct Program {
  std::string name = "default";
  std::vector<NamedValue> changes;  ///< to the axes of `default`; ignored where there are none
  bool is_reference = true;
  std::uint64_t write_bytes = 4096;
  std::vector<CounterValue> counters;  ///< per 100 operations
  double syncs_per_write = 0;
  std::vector<StackSamples> samples;  ///< expected, per round
};

const std::string kSession = "mount_vfs", kWorker = "vfs-io-worker",
                  kDispatcher = "vfs-async-executor", kOther = "server";

/// What any session thread does.
std::vector<StackSamples> session_work(std::uint64_t scale) {
  return {
      {kSession, kernel_stack({"__wake_up", "fuse_request_end", "fuse_dev_do_write"}), 30 * scale},
      {kSession, kernel_stack({"__schedule", "fuse_dev_do_read", "vfs_readv"}), 35 * scale},
      {kSession, kernel_stack({"fuse_copy_fill", "fuse_dev_do_read"}), 20 * scale},
      {kSession, kernel_stack({}), 3 * scale},
      {kSession, user_stack({"memmove", "vfsprof::vfs::CachedContents::write"}), 6 * scale},
      {kSession, user_stack({"vfsprof::vfs::write", "fuse_session_process_buf"}), 4 * scale},
      {kSession, user_stack({"malloc", "fuse_session_process_buf"}), 2 * scale},
  };
}

/// A program without fault: it computes, and reads with large calls.
std::vector<StackSamples> other_work(std::uint64_t scale) {
  return {
      {kOther, user_stack({"encode_block", "serve_request"}), 60 * scale},
      {kOther, kernel_stack({"copy_page_to_iter", "filemap_read", "vfs_read"}), 25 * scale},
      {kOther, user_stack({"memmove", "fill_reply", "serve_request"}), 12 * scale},
      {kOther, kernel_stack({}), 2 * scale},
      {kOther, user_stack({"malloc", "serve_request"}), 1 * scale},
  };
}

std::vector<NamedValue> default_axes() {
  return {
      {"pool", "sharded"},     {"hash", "fx"},       {"key", "packed"},   {"copy", "direct"},
      {"executor", "sync"},    {"flush", "batched"}, {"memory", "arena"}, {"metadata", "per_inode"},
      {"accounting", "clock"}, {"max_write", "1m"},  {"chunk", "1m"},     {"threads", "2"}};
}

Round make_program_round(const Program& program, std::uint32_t block, RoundKind kind) {
  Round round;
  round.block = block;
  round.kind = kind;
  round.counts_operations = program.is_reference;
  round.elapsed_ns = 2'000'000'000;
  round.process_cpu_ns = 1'000'000'000;
  if (program.is_reference) {
    OperationStats writes;
    writes.kind = "write";
    writes.count = kOperations;
    writes.bytes = kOperations * program.write_bytes;
    writes.service_time_ns.record(60'000, kOperations);
    round.operations.push_back(writes);
    if (program.syncs_per_write > 0) {
      OperationStats syncs;
      syncs.kind = "fsync";
      syncs.count = static_cast<std::uint64_t>(program.syncs_per_write * kOperations);
      syncs.service_time_ns.record(600'000, syncs.count);
      round.operations.push_back(syncs);
    }
    round.counters = {{"fuse_writes", "requests", kOperations},
                      {"bytes_copied", "bytes", kOperations * program.write_bytes},
                      {"hand_offs", "tasks", 0},
                      {"thread_wakes", "wakes", 0}};
    for (const CounterValue& counter : program.counters) {
      const auto found = std::ranges::find(round.counters, counter.name, &CounterValue::name);
      CounterValue& own =
          found == round.counters.end() ? round.counters.emplace_back(counter) : *found;
      own.value = counter.value * kOperations / 100;
    }
  }
  round.tree_hash = "tree";
  round.results_hash = "results";
  return round;
}

/// Three profiling rounds whose counts are drawn by chance, and as many timing rounds.
RunResult run(const Program& program) {
  RunResult result = make_result({program.name});
  result.arms.front().axes.clear();
  if (program.is_reference) {
    result.arms.front().axes = default_axes();
    for (NamedValue& axis : result.arms.front().axes) {
      for (const NamedValue& change : program.changes) {
        if (change.name == axis.name) axis.value = change.value;
      }
    }
  } else {
    result.command = "import";
  }
  std::mt19937_64 random(result.seed + program.samples.size());
  for (std::uint32_t block = 0; block < 3; ++block) {
    Round round = make_program_round(program, block, RoundKind::kProfiling);
    std::vector<StackSamples> samples = program.samples;
    for (StackSamples& entry : samples) {
      const double mean = static_cast<double>(entry.count);
      std::poisson_distribution<std::uint64_t> draw(mean);
      entry.count = draw(random);
    }
    add_profile(round, samples, 20);
    result.rounds.push_back(round);
    if (!program.is_reference) continue;
    result.rounds.push_back(make_program_round(program, block, RoundKind::kTiming));
  }
  return result;
}

Program reference(const std::string& name, std::vector<NamedValue> changes) {
  Program program;
  program.name = name;
  program.changes = std::move(changes);
  program.samples = session_work(10);
  return program;
}

Program other(const std::string& name) {
  Program program;
  program.name = name;
  program.is_reference = false;
  program.samples = other_work(10);
  return program;
}

Program with(Program program, std::vector<StackSamples> samples) {
  program.samples.insert(program.samples.end(), samples.begin(), samples.end());
  return program;
}

Program counting(Program program, std::vector<CounterValue> counters) {
  program.counters = std::move(counters);
  return program;
}

std::vector<StackSamples> hand_off() {
  const Stack unpark = user_stack({"vfsprof::vfs::Parker::unpark"});
  const Stack park = user_stack({"vfsprof::vfs::Parker::park"});
  return {{kWorker, futex_wake(unpark), 200},
          {kWorker, futex_wait(park), 90},
          {kDispatcher, futex_wake(unpark), 100},
          {kDispatcher, futex_wait(park), 60},
          {kSession, futex_wake(unpark), 90},
          {kSession, futex_wait(park), 80},
          {kDispatcher, user_stack({"vfsprof::vfs::WorkerPool::worker_to_notify"}), 20}};
}

std::vector<StackSamples> extra_copies() {
  return {{kSession, user_stack({"memmove", "vfsprof::vfs::staged_copy_of"}), 180},
          {kSession, user_stack({"memmove", "vfsprof::vfs::copy_of"}), 170},
          {kSession, fault_in(user_stack({"memmove", "vfsprof::vfs::staged_copy_of"})), 60}};
}

void add_reference(std::vector<Pathology>& list) {
  const auto add = [&](const Program& program, const PlantedOpportunity& planted) {
    list.push_back({program.name, run(program), {planted}});
  };
  add(counting(with(reference("extra wake-up", {{"executor", "block_on"}}), hand_off()),
               {{"hand_offs", "tasks", 200}, {"thread_wakes", "wakes", 300}}),
      {"hand-off", kWorker, "futex-wake", "executor=sync"});
  add(counting(
          with(reference("spinning executor", {{"executor", "spin"}}),
               {{kSession, user_stack({"vfsprof::pause_cpu", "vfsprof::vfs::spin_until"}), 300},
                {kWorker, user_stack({"vfsprof::pause_cpu", "vfsprof::vfs::spin_until"}), 250}}),
          {{"hand_offs", "tasks", 200}}),
      {"hand-off", kSession, "executor", "executor=sync"});
  add(counting(with(reference("extra copy", {{"copy", "triple"}}), extra_copies()),
               {{"bytes_copied", "bytes", 100 * 3 * 4096}}),
      {"copies", kSession, "memory-copy", "copy=direct"});
  const Stack pool = user_stack({"pthread_mutex_lock", "vfsprof::vfs::MutexPool::Of::modify"});
  add(with(reference("global lock", {{"pool", "mutex"}, {"threads", "4"}}),
           {{kSession, futex_wait(pool), 220},
            {kSession, futex_wake(pool), 120},
            {kSession, pool, 40}}),
      {"pool-lock", kSession, "futex-wait", "pool=sharded"});
  const Stack global = user_stack({"pthread_rwlock_wrlock", "vfsprof::vfs::Global::record_write"});
  add(with(reference("metadata lock", {{"metadata", "global"}, {"threads", "4"}}),
           {{kSession, futex_wait(global), 200},
            {kSession, futex_wake(global), 100},
            {kSession, global, 30}}),
      {"metadata-lock", kSession, "futex-wait", "metadata=per_inode"});
  const Stack lru = user_stack({"pthread_mutex_lock", "vfsprof::vfs::LruMutex::Of::update"});
  add(with(reference("LRU lock", {{"accounting", "lru_mutex"}, {"threads", "4"}}),
           {{kSession, futex_wake(lru), 210},
            {kSession, futex_wait(lru), 120},
            {kSession, lru, 40}}),
      {"lru-lock", kSession, "futex-wake", "accounting=clock"});
  const Stack hash = user_stack({"vfsprof::vfs::SipHash::compress", "vfsprof::vfs::KeyHasher::of"});
  add(with(reference("slow hash", {{"hash", "sip13"}}), {{kSession, hash, 200}}),
      {"slow-hash", kSession, "key-hash", "hash=fx"});
  const Stack grow =
      user_stack({"memset", "std::vector::_M_default_append", "vfsprof::vfs::BlockBytes::extend"});
  add(counting(with(reference("fault storm", {{"memory", "heap"}}),
                    {{kSession, fault_in(grow), 300}, {kSession, grow, 120}}),
               {{"bytes_zeroed", "bytes", 100 * 4096}}),
      {"growing-blocks", kSession, "page-faults", "memory=arena"});
}

void add_reference_io(std::vector<Pathology>& list) {
  const auto add = [&](const Program& program, const PlantedOpportunity& planted) {
    list.push_back({program.name, run(program), {planted}});
  };
  Program tiny =
      counting(reference("tiny requests", {{"max_write", "4k"}}),
               {{"fuse_writes", "requests", 3200}, {"bytes_copied", "bytes", 100 * 131072}});
  tiny.write_bytes = 131'072;
  add(tiny, {"small-requests", kSession, "fuse-request-read", "max_write=1m"});
  const Stack sync = user_stack({"vfsprof::vfs::FileUpdate::commit", "vfsprof::vfs::Batched::run"});
  Program synced =
      with(reference("fsync per write", {}),
           {{kWorker, kernel_stack({"virtio_queue_rq", "iomap_dio_rw", "vfs_write"}, sync), 500},
            {kWorker, kernel_stack({"path_openat", "do_filp_open"}, sync), 100}});
  synced.syncs_per_write = 1;
  add(synced, {"sync-per-write", kWorker, "disk-cache-write", ""});
  const Stack chunk = user_stack({"vfsprof::vfs::PerChunk::write_back"});
  add(with(reference("per-chunk writes", {{"flush", "per_chunk"}}),
           {{kWorker, kernel_stack({"copy_user_generic_string", "generic_perform_write"}, chunk),
             300},
            {kWorker, kernel_stack({"path_openat", "do_filp_open"}, chunk), 150}}),
      {"chunk-flush", kWorker, "disk-cache-write", "flush=batched"});
  const Stack whole = user_stack({"memmove", "vfsprof::vfs::WholeFile::gather"});
  add(counting(with(reference("whole-file flush", {{"flush", "whole_file"}}),
                    {{kWorker,
                      kernel_stack({"copy_user_generic_string", "generic_perform_write"},
                                   user_stack({"vfsprof::vfs::WholeFile::write_back"})),
                      300},
                     {kWorker, whole, 100},
                     {kWorker, fault_in(whole), 200}}),
               {{"bytes_flushed", "bytes", 100 * 4096 * 10}}),
      {"whole-file-flush", kWorker, "disk-cache-write", "flush=batched"});
}

void add_other_waits(std::vector<Pathology>& list) {
  const auto add = [&](const std::string& name, std::vector<StackSamples> samples,
                       const std::string& id, const std::string& category) {
    list.push_back(
        {name, run(with(other(name), std::move(samples))), {{id, kOther, category, ""}}});
  };
  add("wake-up per item",
      {{kOther, futex_wake(user_stack({"pthread_cond_signal", "push_item"})), 200},
       {kOther, futex_wait(user_stack({"pthread_cond_wait", "pop_item"})), 120}},
      "wake-ups", "futex-wake");
  add("one lock for all",
      {{kOther, futex_wait(user_stack({"__lll_lock_wait", "pthread_mutex_lock", "look_up"})), 200},
       {kOther, futex_wake(user_stack({"__lll_lock_wake", "pthread_mutex_unlock", "look_up"})),
        120}},
      "global-lock", "futex-wait");
  add("spinning wait",
      {{kOther, user_stack({"sched_yield", "wait_for_turn"}), 40},
       {kOther, kernel_stack({"do_sched_yield"}, user_stack({"wait_for_turn"})), 200}},
      "spinning", "scheduler");
  add("thread per request",
      {{kOther, kernel_stack({"copy_process", "kernel_clone"}), 200},
       {kOther, kernel_stack({"exit_mm", "do_exit"}), 100}},
      "thread-per-operation", "threads");
  add("clock per item", {{kOther, user_stack({"clock_gettime", "stamp"}), 250}}, "clock-reads",
      "clocks");
}

void add_other_memory_and_files(std::vector<Pathology>& list) {
  const auto add = [&](const std::string& name, std::vector<StackSamples> samples,
                       const std::string& id, const std::string& category) {
    list.push_back(
        {name, run(with(other(name), std::move(samples))), {{id, kOther, category, ""}}});
  };
  add("fresh buffers",
      {{kOther, fault_in(user_stack({"fill_buffer"})), 250},
       {kOther, kernel_stack({"unmap_vmas", "do_vmi_munmap"}), 80}},
      "fault-storm", "page-faults");
  add("copy too many",
      {{kOther, user_stack({"memmove", "stage", "receive_message"}), 200},
       {kOther, user_stack({"memmove", "store", "commit_message"}), 200}},
      "extra-copies", "memory-copy");
  add("allocation per operation",
      {{kOther, user_stack({"_int_malloc", "malloc", "make_message"}), 150},
       {kOther, user_stack({"_int_free", "free", "drop_message"}), 100}},
      "allocations", "allocator");
  add("SipHash", {{kOther, user_stack({"core::hash::sip::SipHasher13::write", "look_up"}), 220}},
      "slow-key-hash", "key-hash");
  add("fsync per record",
      {{kOther, kernel_stack({"jbd2_log_wait_commit", "ext4_sync_file", "do_fsync"}), 300}},
      "sync-calls", "disk-cache-write");
  add("tiny reads",
      {{kOther, kernel_stack({}), 160},
       {kOther, kernel_stack({"rw_verify_area", "vfs_read", "ksys_read"}), 300}},
      "small-system-calls", "disk-cache-read");
  add("open per operation",
      {{kOther, kernel_stack({"path_openat", "do_filp_open"}), 250},
       {kOther, kernel_stack({"filp_close", "__x64_sys_close"}), 60}},
      "open-per-operation", "kernel-files");
}

}  // namespace

Pathology hand_off_and_copies() {
  const Program program = counting(
      with(
          with(reference("mutex-pool", {{"executor", "block_on"}, {"copy", "triple"}}), hand_off()),
          extra_copies()),
      {{"hand_offs", "tasks", 200},
       {"thread_wakes", "wakes", 300},
       {"bytes_copied", "bytes", 100 * 3 * 4096}});
  return {program.name,
          run(program),
          {{"hand-off", kWorker, "futex-wake", "executor=sync"},
           {"copies", kSession, "memory-copy", "copy=direct"}}};
}

std::vector<Pathology> pathologies() {
  std::vector<Pathology> list;
  add_reference(list);
  add_reference_io(list);
  add_other_waits(list);
  add_other_memory_and_files(list);
  list.push_back(hand_off_and_copies());
  list.push_back({"clean default", run(reference("default", {})), {}});
  list.push_back(
      {"clean best", run(reference("best", {{"pool", "chunk_array"}, {"copy", "adopt"}})), {}});
  // Values as found that cost nothing here are no opportunity.
  list.push_back({"clean as found",
                  run(reference("idle faults", {{"pool", "mutex"},
                                                {"hash", "sip13"},
                                                {"metadata", "global"},
                                                {"memory", "heap"},
                                                {"flush", "whole_file"},
                                                {"max_write", "4k"}})),
                  {}});
  list.push_back({"clean other", run(other("clean other")), {}});
  list.push_back(
      {"one copy that is needed",
       run(with(other("one copy"),
                {{kOther, user_stack({"memmove", "fill_reply", "serve_request"}), 500}})),
       {}});
  return list;
}

}  // namespace vfsprof::reports::synthetic
