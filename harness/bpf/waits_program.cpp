#include "harness/bpf/waits_program.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "harness/bpf/syscall_classes.h"
#include "harness/bpf/waits.skel.h"
#include "harness/clock.h"
#include "harness/collect/mapped_memory.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

/// What libbpf has warned of last; it says more than an errno.
thread_local std::string last_warning;

int keep_warning(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  last_warning = text.data();
  while (last_warning.ends_with('\n')) last_warning.pop_back();
  return 0;
}

/// How many arguments the tracepoint sched_switch has: its previous state came with Linux 5.18.
/// 0 where the kernel's BTF does not tell.
int arguments_of_switch(const btf* kernel) {
  const int id = btf__find_by_name_kind(kernel, "btf_trace_sched_switch", BTF_KIND_TYPEDEF);
  if (id < 0) return 0;
  const btf_type* const pointer =
      btf__type_by_id(kernel, btf__type_by_id(kernel, static_cast<__u32>(id))->type);
  return btf_vlen(btf__type_by_id(kernel, pointer->type)) - 1;
}

bool has_fuse_tracepoints(btf* kernel) {
  constexpr char kType[] = "btf_trace_fuse_request_send";
  if (btf__find_by_name_kind(kernel, kType, BTF_KIND_TYPEDEF) > 0) return true;
  btf* const module = btf__load_module_btf("fuse", kernel);
  if (libbpf_get_error(module) != 0) return false;
  const bool found = btf__find_by_name_kind(module, kType, BTF_KIND_TYPEDEF) > 0;
  btf__free(module);
  return found;
}

ProgramRefusal refusal_of(int error, const std::string& what) {
  ProgramRefusal result;
  result.detail = fmt::format("{}: {}", what, describe(Errno{error}));
  if (error == EPERM || error == EACCES) {
    result.remedy = ::geteuid() == 0
                        ? "give this process the capabilities CAP_BPF and CAP_PERFMON; in a "
                          "container also allow the system call bpf()"
                        : "run as root, or with the capabilities CAP_BPF, CAP_PERFMON and "
                          "CAP_SYS_RESOURCE";
    return result;
  }
  if (!last_warning.empty()) result.detail += " (" + last_warning + ")";
  result.remedy = error == ENOMEM ? "ulimit -l unlimited"
                                  : "use a kernel from 5.15 on with CONFIG_BPF_SYSCALL=y, "
                                    "CONFIG_BPF_JIT=y and CONFIG_DEBUG_INFO_BTF=y";
  return result;
}

/// A table of the programs as this process sees it.
template <class Entry>
class Table {
 public:
  bool map(const bpf_map* map) {
    static_assert(sizeof(Entry) % 8 == 0, "the kernel pads entries to 8 bytes");
    memory_ = MappedMemory(bpf_map__fd(map), bpf_map__max_entries(map) * sizeof(Entry),
                           PROT_READ | PROT_WRITE);
    entries_ = bpf_map__max_entries(map);
    return static_cast<bool>(memory_);
  }
  std::span<Entry> first(std::uint32_t count) const {
    return {reinterpret_cast<Entry*>(memory_.bytes()), std::min(count, entries_)};
  }

 private:
  MappedMemory memory_;
  std::uint32_t entries_ = 0;
};

struct SkeletonDeleter {
  void operator()(waits_bpf* skeleton) const { waits_bpf::destroy(skeleton); }
};

}  // namespace

struct WaitsProgram::Impl {
  std::unique_ptr<waits_bpf, SkeletonDeleter> skeleton;
  Table<thread_times> threads;
  Table<call_site> sites;
  Table<futex_entry> futexes;
  Table<wakeup_entry> wakeups;
  Table<blocked_entry> blocked;
  Table<fuse_entry> fuse;
  bool fuse_tracepoints = false;

  void configure(const WaitsSettings& settings);
  ProgramRefusal load(const WaitsSettings& settings);
  bool map_tables();
  void snapshot() const;
  void copy_first_stacks() const;
};

void WaitsProgram::Impl::configure(const WaitsSettings& settings) {
  auto& constants = *skeleton->rodata;
  constants.observed_tgid = settings.processes.front();
  constants.follow_children = settings.follow_children;
  fill_syscall_classes(constants.syscall_classes, fuse_tracepoints && settings.observe_fuse);
  constants.futex_call = SYS_futex;
  constants.readv_call = SYS_readv;
  constants.splice_call = SYS_splice;
  struct stat device{};
  if (::stat("/dev/fuse", &device) == 0) {
    constants.fuse_device = (major(device.st_rdev) << 20) | minor(device.st_rdev);
  }
  const std::size_t modules = std::min<std::size_t>(settings.modules.size(), kModules);
  std::copy_n(settings.modules.begin(), modules, constants.modules);
  constants.module_count = static_cast<__u32>(modules);
  bpf_map__set_max_entries(skeleton->maps.rows,
                           static_cast<__u32>(std::max<std::size_t>(settings.rows.size(), 1)));
}

ProgramRefusal WaitsProgram::Impl::load(const WaitsSettings& settings) {
  last_warning.clear();
  btf* const kernel = btf__load_vmlinux_btf();
  if (libbpf_get_error(kernel) != 0) {
    return {"the kernel does not describe its types (no /sys/kernel/btf/vmlinux)",
            "use a kernel with CONFIG_DEBUG_INFO_BTF=y"};
  }
  const int arguments = arguments_of_switch(kernel);
  fuse_tracepoints = has_fuse_tracepoints(kernel);
  btf__free(kernel);

  skeleton.reset(waits_bpf::open());
  if (!skeleton) return refusal_of(errno, "opening the BPF programs");
  bpf_program__set_autoload(skeleton->progs.on_sched_switch, arguments >= 4);
  bpf_program__set_autoload(skeleton->progs.on_sched_switch_before_5_18, arguments < 4);
  bpf_program__set_autoload(skeleton->progs.on_fuse_request_send, fuse_tracepoints);
  bpf_program__set_autoload(skeleton->progs.on_fuse_request_end, fuse_tracepoints);
  configure(settings);
  if (const int error = waits_bpf::load(skeleton.get())) {
    return refusal_of(-error, "loading the BPF programs");
  }
  if (!map_tables()) return refusal_of(errno, "mapping the tables of the BPF programs");
  Table<unwind_row> rows;
  if (!rows.map(skeleton->maps.rows)) return refusal_of(errno, "mapping the unwind rows");
  std::ranges::copy(settings.rows, rows.first(static_cast<__u32>(settings.rows.size())).begin());
  for (const pid_t process : settings.processes) {
    const auto key = static_cast<__u32>(process);
    bpf_map__update_elem(skeleton->maps.observed_processes, &key, sizeof key, &key, sizeof key, 0);
  }
  if (const int error = waits_bpf::attach(skeleton.get())) {
    return refusal_of(-error, "attaching the BPF programs");
  }
  return {};
}

bool WaitsProgram::Impl::map_tables() {
  return threads.map(skeleton->maps.threads) && sites.map(skeleton->maps.sites) &&
         futexes.map(skeleton->maps.futexes) && wakeups.map(skeleton->maps.wakeups) &&
         blocked.map(skeleton->maps.blocked) && fuse.map(skeleton->maps.fuse);
}

/// Runs the program `snapshot` over all tasks.
void WaitsProgram::Impl::snapshot() const {
  const UniqueFd iterator(bpf_iter_create(bpf_link__fd(skeleton->links.snapshot)));
  std::array<char, 64> nothing{};
  while (iterator && ::read(iterator.get(), nothing.data(), nothing.size()) > 0) {
  }
}

/// The stacks of the threads that were blocked at the start: only their registers were at hand.
void WaitsProgram::Impl::copy_first_stacks() const {
  for (call_site& site : sites.first(skeleton->data->used.sites)) {
    if (site.ip == 0 || site.stack_bytes != 0) continue;
    for (std::uint32_t done = 0; done < kStackBytes; done += kStackPiece) {
      const iovec to{site.stack + done, kStackPiece};
      const iovec from{reinterpret_cast<void*>(site.sp + done), kStackPiece};
      const auto tgid = static_cast<pid_t>(site.tgid);
      if (::process_vm_readv(tgid, &to, 1, &from, 1, 0) != kStackPiece) break;
      site.stack_bytes = done + kStackPiece;
    }
  }
}

WaitsProgram::WaitsProgram(const WaitsSettings& settings) : impl_(std::make_unique<Impl>()) {
  if (settings.refused) {
    refusal_ = {.detail = "BPF programs were not asked for", .remedy = ""};
    return;
  }
  const libbpf_print_fn_t before = libbpf_set_print(keep_warning);
  refusal_ = impl_->load(settings);
  libbpf_set_print(before);
}

WaitsProgram::~WaitsProgram() = default;

void WaitsProgram::start() {
  auto& skeleton = *impl_->skeleton;
  // What is known before the start is corrected by what happens after it, and completed by a second
  // look at those that nothing has happened to.
  impl_->snapshot();
  skeleton.bss->start_ns = clock_ns(CLOCK_MONOTONIC);
  skeleton.bss->enabled = true;
  impl_->snapshot();
  impl_->copy_first_stacks();
}

void WaitsProgram::stop() {
  auto& skeleton = *impl_->skeleton;
  skeleton.bss->enabled = false;
  skeleton.bss->stop_ns = clock_ns(CLOCK_MONOTONIC);
  // A program that had begun when observing ended, and whose CPU was taken away by the hypervisor,
  // would count what the snapshot counts, too: this waits for all of them (membarrier(2); programs
  // are readers of the kernel's RCU).
  (void)::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
  impl_->snapshot();
  waits_bpf::detach(&skeleton);
}

const table_use& WaitsProgram::used() const {
  return *reinterpret_cast<const table_use*>(&impl_->skeleton->data->used);
}
std::span<const thread_times> WaitsProgram::threads() const {
  return impl_->threads.first(used().threads);
}
std::span<const call_site> WaitsProgram::sites() const { return impl_->sites.first(used().sites); }
std::span<const futex_entry> WaitsProgram::futexes() const {
  return impl_->futexes.first(used().futexes);
}
std::span<const wakeup_entry> WaitsProgram::wakeups() const {
  return impl_->wakeups.first(used().wakeups);
}
std::span<const blocked_entry> WaitsProgram::blocked() const {
  return impl_->blocked.first(used().blocked);
}
std::span<const fuse_entry> WaitsProgram::fuse() const {
  return impl_->fuse.first(kFuseOperations);
}
bool WaitsProgram::observes_fuse() const { return impl_->fuse_tracepoints; }
std::uint64_t WaitsProgram::start_ns() const { return impl_->skeleton->bss->start_ns; }
std::uint64_t WaitsProgram::stop_ns() const { return impl_->skeleton->bss->stop_ns; }

}  // namespace vfsprof::harness
