#include "reports/tests/synthetic.h"

#include <algorithm>

namespace vfsprof::reports::synthetic {
namespace {

std::uint32_t intern(std::vector<Frame>& frames, const Frame& frame) {
  const auto found = std::find(frames.begin(), frames.end(), frame);
  if (found != frames.end()) return static_cast<std::uint32_t>(found - frames.begin());
  frames.push_back(frame);
  return static_cast<std::uint32_t>(frames.size() - 1);
}

std::uint32_t thread_of(Round& round, const std::string& role) {
  for (std::size_t i = 0; i < round.threads.size(); ++i) {
    if (round.threads[i].role == role) return static_cast<std::uint32_t>(i);
  }
  round.threads.push_back({.tid = static_cast<std::int32_t>(100 + round.threads.size()),
                           .name = role.substr(0, 15),
                           .full_name = role,
                           .role = role});
  return static_cast<std::uint32_t>(round.threads.size() - 1);
}

}  // namespace

Frame kernel(const std::string& function) { return {FrameKind::kKernel, function, "[kernel]"}; }
Frame user(const std::string& function) { return {FrameKind::kUser, function, "vfsprof-mount"}; }

Round make_round(const RoundOptions& options) {
  Round round;
  round.arm = options.arm;
  round.block = options.block;
  round.kind = options.kind;
  const std::uint64_t n = options.operations;
  round.elapsed_ns = 1'000'000'000;
  round.process_cpu_ns = n * options.cpu_ns_per_operation;
  round.client_cpu_ns = n * 5'000;
  OperationStats writes;
  writes.kind = "write";
  writes.count = n;
  writes.bytes = n * 4096;
  writes.service_time_ns.record(60'000, n - n / 50);
  writes.service_time_ns.record(250'000, n / 50);
  round.operations.push_back(writes);
  for (const char* role : {"vfs-io-worker", "mount_vfs", "vfs-async-executor"}) {
    const std::uint32_t index = thread_of(round, role);
    round.threads[index].cpu_ns = round.process_cpu_ns / 3;
    round.threads[index].runnable_ns = n * 700;
    round.threads[index].voluntary_switches = n;
  }
  round.counters = {{"fuse_writes", "requests", n},
                    {"bytes_copied", "bytes", 3 * n * 4096},
                    {"hand_offs", "tasks", 2 * n},
                    {"thread_wakes", "wakes", options.thread_wakes_per_operation * n}};
  round.tree_hash = "1f2e3d4c5b6a79880011223344556677";
  round.results_hash = "8899aabbccddeeff0011223344556677";
  return round;
}

void add_profile(Round& round, const std::vector<StackSamples>& samples, std::uint32_t slices) {
  Profile profile;
  profile.event = "cpu-clock";
  profile.requested_event = "cycles";
  profile.frequency_hz = 999;
  profile.weight_ns = 1'000'000;
  profile.slice_ns = 100'000'000;
  for (const StackSamples& entry : samples) {
    const std::uint32_t thread = thread_of(round, entry.role);
    std::vector<std::uint32_t> stack;
    for (const Frame& frame : entry.stack) stack.push_back(intern(profile.frames, frame));
    profile.stacks.push_back(stack);
    for (std::uint32_t slice = 0; slice < slices; ++slice) {
      const std::uint64_t count = entry.count * (slice + 1) / slices - entry.count * slice / slices;
      if (count == 0) continue;
      profile.samples.push_back(
          {thread, static_cast<std::uint32_t>(profile.stacks.size() - 1), slice, count});
    }
  }
  round.profile = profile;
}

RunResult make_result(const std::vector<std::string>& arms) {
  RunResult result;
  result.command = arms.size() == 1 ? "run" : "compare";
  result.started = "2024-05-06T07:08:09Z";
  result.environment = {.tool_version = "0.1.0",
                        .build_type = "RelWithDebInfo",
                        .compiler = "GCC 12.2.0",
                        .kernel = "6.1.0-18-amd64",
                        .distribution = "Debian GNU/Linux 12 (bookworm)",
                        .libc = "glibc 2.36",
                        .libfuse = "3.14.0",
                        .cpu_model = "Synthetic CPU",
                        .hypervisor = "KVM",
                        .cpus = 2,
                        .memory_bytes = std::uint64_t{8} << 30,
                        .user = "root",
                        .perf_event_paranoid = 2,
                        .kptr_restrict = 1};
  result.scenario = {.name = "dirty-overwrite",
                     .summary = "4 KiB rewrites of files that are already dirty",
                     .racy = false,
                     .document = "{\"name\": \"dirty-overwrite\"}"};
  result.target = "fuse";
  result.placement = "packed";
  result.seed = 7;
  for (const std::string& name : arms) {
    const std::string pool = name.substr(0, name.find('-'));
    result.arms.push_back({.name = name,
                           .canonical = "pool=" + pool + ",executor=block_on,threads=1",
                           .axes = {{"pool", pool}, {"executor", "block_on"}, {"threads", "1"}}});
  }
  result.capabilities = {
      {"perf sampling", CapabilityState::kAvailable, "", ""},
      {"hardware counters", CapabilityState::kUnavailable,
       "this virtual machine offers no PMU: cpu-clock was sampled instead of cycles",
       "run on a machine with a PMU"}};
  return result;
}

std::vector<StackSamples> hand_off_samples(std::uint64_t scale) {
  const std::vector<Frame> wake{kernel("try_to_wake_up"),
                                kernel("wake_up_q"),
                                kernel("futex_wake"),
                                kernel("do_futex"),
                                kernel("__x64_sys_futex"),
                                kernel("do_syscall_64"),
                                user("vfsprof::vfs::Parker::unpark()")};
  const std::vector<Frame> wait{
      kernel("finish_task_switch.isra.0"), kernel("__schedule"), kernel("schedule"),
      kernel("futex_wait_queue"),          kernel("futex_wait"), kernel("do_futex")};
  return {
      {"vfs-io-worker", wake, 17 * scale},
      {"vfs-io-worker", wait, 9 * scale},
      {"vfs-io-worker", {user("__memmove_avx_unaligned_erms"), user("start_thread")}, 8 * scale},
      {"vfs-io-worker",
       {kernel("clear_page_erms"), kernel("do_anonymous_page"), kernel("handle_mm_fault"),
        kernel("asm_exc_page_fault"), user("__memmove_avx_unaligned_erms")},
       6 * scale},
      {"vfs-io-worker", {user("mystery"), user("start_thread")}, scale},
      {"mount_vfs",
       {kernel("__wake_up"), kernel("fuse_request_end"), kernel("fuse_dev_do_write"),
        kernel("vfs_writev")},
       13 * scale},
      {"mount_vfs",
       {kernel("__schedule"), kernel("fuse_dev_do_read"), kernel("vfs_read")},
       9 * scale},
      {"mount_vfs", wake, 5 * scale},
      {"mount_vfs",
       {kernel("iov_iter_get_pages2"), kernel("fuse_copy_fill"), kernel("fuse_dev_do_read")},
       3 * scale},
      {"vfs-async-executor", wake, 7 * scale},
      {"vfs-async-executor", wait, 5 * scale},
      {"vfs-async-executor", {user("vfsprof::vfs::WorkerPool::worker_to_notify()")}, 2 * scale},
      {"vfs-async-executor",
       {kernel("syscall_enter_from_user_mode"), kernel("do_syscall_64")},
       scale},
  };
}

void add_floors(RunResult& result, std::uint32_t blocks) {
  Floors& floors = result.floors;
  floors.absent = "";
  floors.arms = {{.name = "null",
                  .canonical = "null,max_write=4k,threads=1",
                  .axes = {{"max_write", "4k"}, {"threads", "1"}}}};
  floors.arm_of.assign(result.arms.size(), 0);
  for (std::uint32_t block = 0; block < blocks; ++block) {
    Round round = make_round({.block = block, .cpu_ns_per_operation = 5'000 + block % 3});
    round.elapsed_ns /= 4;
    floors.rounds.push_back(round);
  }
  floors.machine = {{.name = "system_call",
                     .title = "system call",
                     .unit = "ns",
                     .values = {104, 101, 103, 102, 100, 190, 99},
                     .conditions = "getppid",
                     .unavailable = ""},
                    {.name = "disk_write",
                     .title = "sequential O_DIRECT write",
                     .unit = "GB/s",
                     .values = {},
                     .conditions = "",
                     .unavailable = "O_DIRECT is refused in /tmp (tmpfs)"}};
}

RunResult make_comparison(std::uint32_t blocks, double ratio) {
  RunResult result = make_result({"mutex-pool", "sharded-pool"});
  for (std::uint32_t block = 0; block < blocks; ++block) {
    for (std::uint32_t arm = 0; arm < 2; ++arm) {
      // A few tenths of a per cent of noise, the same in every run of the test.
      const std::uint64_t base = 40'000 + 40 * ((block * 7 + arm * 3) % 5);
      result.rounds.push_back(make_round(
          {.arm = arm,
           .block = block,
           .cpu_ns_per_operation =
               static_cast<std::uint64_t>(static_cast<double>(base) * (arm == 0 ? 1 : ratio))}));
    }
  }
  for (std::uint32_t block = 0; block < 3; ++block) {
    for (std::uint32_t arm = 0; arm < 2; ++arm) {
      // 860 samples of 1 ms and a few more for 20,000 operations: 43 us each.
      Round round = make_round({.arm = arm,
                                .block = block,
                                .kind = RoundKind::kProfiling,
                                .operations = 20'000,
                                .cpu_ns_per_operation = 46'000});
      std::vector<StackSamples> samples = hand_off_samples(10);
      for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i].count += (i * 5 + block * 3 + arm) % 7;
      }
      add_profile(round, samples);
      round.collector_cpu_ns = 3'000'000;
      result.rounds.push_back(round);
    }
  }
  return result;
}

}  // namespace vfsprof::reports::synthetic
