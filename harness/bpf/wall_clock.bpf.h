// The wall clock: each thread is running, runnable or blocked, and every nanosecond is one of those.
#pragma once

#include "harness/bpf/futex_calls.bpf.h"

enum { TASK_DEAD = 0x80, PF_WQ_WORKER = 0x20, PF_KTHREAD = 0x200000 };
enum { S_IFMT = 0xf000, S_IFIFO = 0x1000, S_IFCHR = 0x2000, S_IFDIR = 0x4000, S_IFBLK = 0x6000,
       S_IFREG = 0x8000, S_IFSOCK = 0xc000 };

INLINE struct file *file_of(struct task_struct *task, __u64 fd) {
  struct fdtable *table = BPF_CORE_READ(task, files, fdt);
  if (!table || fd >= BPF_CORE_READ(table, max_fds)) return 0;
  struct file **slot = BPF_CORE_READ(table, fd) + fd;
  struct file *file = 0;
  bpf_probe_read_kernel(&file, sizeof file, slot);
  return file;
}

INLINE bool is_fuse_device(struct inode *inode) {
  return fuse_device != 0 && (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFCHR &&
         BPF_CORE_READ(inode, i_rdev) == fuse_device;
}

INLINE __u32 reason_of_file(struct task_struct *task, __u64 fd) {
  struct file *file = file_of(task, fd);
  struct inode *inode = file ? BPF_CORE_READ(file, f_inode) : 0;
  if (!inode) return kWaitOther;
  switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
    case S_IFIFO:
    case S_IFSOCK:
      return kWaitPipe;
    case S_IFREG:
    case S_IFDIR:
    case S_IFBLK:
      return kWaitDisk;
    default:
      return is_fuse_device(inode) ? kWaitFuseRead : kWaitOther;
  }
}

/// Why a task is blocked that is in no futex call, by its system call.
static __noinline __u32 reason_of(struct task_struct *task, struct pt_regs *regs) {
  if (!task || !regs) return kWaitOther;
  const __u64 call = regs->orig_ax;
  if (call == ~0ull) return kWaitPageFault;
  __u32 reason = kWaitOther;
  switch (call < kSyscalls ? syscall_classes[call] & kClassMask : kClassOther) {
    case kClassSleep:
      return kWaitSleep;
    case kClassPoll:
      return kWaitPoll;
    case kClassFile:
      reason = reason_of_file(task, regs->di);
      break;
  }
  if (reason == kWaitOther && BPF_CORE_READ_BITFIELD(task, in_iowait)) return kWaitDisk;
  return reason;
}

static __noinline int add_blocked(struct thread_state *state, __u64 from_ns, __u64 to_ns,
                                  __u64 now_ns) {
  if (!state) return 0;
  const struct blocked_key key = {.word = state->blocked_word,
                                  .waker_name = {state->waker_name[0], state->waker_name[1]},
                                  .thread = state->thread,
                                  .site = state->blocked_site,
                                  .reason = state->blocked_reason};
  const __u32 slot = (key.site ^ (__u32)(key.word >> 2) ^ (__u32)key.waker_name[0]) % kCachedBlocked;
  struct cached_blocked *cached = &state->blocked[slot];
  __u32 index = cached->entry;
  if (index == kNoIndex || cached->key.word != key.word || cached->key.site != key.site ||
      cached->key.reason != key.reason || cached->key.waker_name[0] != key.waker_name[0] ||
      cached->key.waker_name[1] != key.waker_name[1]) {
    const __u32 *known = bpf_map_lookup_elem(&blocked_index, &key);
    if (known) {
      index = *known;
    } else {
      index = next_index(&used.blocked, MAX_BLOCKED, &used.lost_blocked);
      struct blocked_entry *entry = bpf_map_lookup_elem(&blocked, &index);
      if (index == kNoIndex || !entry) return 0;
      entry->key = key;
      bpf_map_update_elem(&blocked_index, &key, &index, BPF_ANY);
    }
    cached->key = key;
    cached->entry = index;
  }
  struct blocked_entry *entry = bpf_map_lookup_elem(&blocked, &index);
  if (!entry) return 0;
  entry->count++;
  entry->blocked_ns += to_ns - from_ns;
  entry->runnable_ns += now_ns - to_ns;
  entry->blocked_time[log2_bucket(to_ns - from_ns)]++;
  return 0;
}

INLINE __u64 later(__u64 a, __u64 b) { return a > b ? a : b; }

/// Ends what a thread that is not running has been doing since it left its CPU. `unwoken_ns`: until
/// when it was blocked if nobody has woken it.
INLINE void end_off_cpu(struct thread_state *state, __u64 now_ns, __u64 unwoken_ns) {
  const __u64 since_ns = later(state->since_ns, start_ns);
  if (now_ns < since_ns) return;
  // Of a thread that nothing was known of, only a wake-up tells that it had been blocked.
  const bool woken = state->wake_ns >= since_ns && state->wake_ns <= now_ns;
  if (state->state == kStateBlocked || (state->state == kStateUnknown && woken)) {
    const __u64 wake_ns = woken ? state->wake_ns : later(unwoken_ns, since_ns);
    add_blocked(state, since_ns, wake_ns, now_ns);
    state->runnable_ns += now_ns - wake_ns;
  } else {
    state->runnable_ns += now_ns - since_ns;
  }
  state->off_cpu_ns += now_ns - since_ns;
}

INLINE void end_on_cpu(struct thread_state *state, __u64 now_ns) {
  const __u64 since_ns = later(state->since_ns, start_ns);
  if (now_ns > since_ns) state->on_cpu_ns += now_ns - since_ns;
}

/// Writes the thread's totals down; nothing more is recorded of it.
static __noinline int end_thread(struct thread_state *state, struct task_struct *task,
                                 __u64 now_ns) {
  if (!state || !task) return 0;
  struct thread_times *times = bpf_map_lookup_elem(&threads, &state->thread);
  if (!times) return 0;
  bpf_probe_read_kernel(times->name, sizeof times->name, task->comm);
  times->begin_ns = later(state->begin_ns, start_ns);
  times->end_ns = now_ns;
  times->on_cpu_ns = state->on_cpu_ns;
  times->runnable_ns = state->runnable_ns;
  times->preemptions = state->preemptions;
  state->thread = kNoIndex;
  return 0;
}

INLINE void switch_out(struct task_struct *task, struct thread_state *state, bool blocks,
                       bool dead, __u64 now_ns) {
  end_on_cpu(state, now_ns);
  state->since_ns = now_ns;
  if (dead) {
    end_thread(state, task, now_ns);
  } else if (!blocks) {
    state->state = kStateRunnable;
    state->preemptions++;
  } else {
    state->state = kStateBlocked;
    if (state->in_call) {
      state->blocked_reason = kWaitFutex;
      state->blocked_word = state->word;
      state->blocked_site = state->site;
    } else {
      struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
      state->blocked_reason = reason_of(task, regs);
      state->blocked_word = 0;
      state->blocked_site = site_of(state, regs, 0, task->tgid);
    }
  }
}

INLINE void switch_in(struct thread_state *state, __u64 now_ns) {
  const bool was_blocked = state->state == kStateBlocked;
  const __u64 since_ns = state->since_ns;
  // Without a wake-up since then, it was woken on its way off the CPU and never slept.
  end_off_cpu(state, now_ns, since_ns);
  if (state->wakeup != kNoIndex && (was_blocked || state->wake_ns >= since_ns)) {
    struct wakeup_entry *wakeup = bpf_map_lookup_elem(&wakeups, &state->wakeup);
    if (wakeup && now_ns > state->wake_ns) {
      wakeup->wake_to_run[log2_bucket(now_ns - state->wake_ns)]++;
    }
    state->wakeup = kNoIndex;
  }
  state->state = kStateRunning;
  state->since_ns = now_ns;
}
