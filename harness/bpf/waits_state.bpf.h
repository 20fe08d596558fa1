// The state of the BPF programs of waits.bpf.c: settings, maps, and what is kept of each thread.
#pragma once

#include "harness/bpf/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "harness/bpf/waits_layout.h"

#define MAX_THREADS 16384
#define MAX_SITES 2048
#define MAX_ROWS 1048576
#define MAX_FUTEXES 32768
#define MAX_WAKEUPS 32768
#define MAX_BLOCKED 32768

// Set before the programs are loaded.
const volatile int observed_tgid = 0;
const volatile bool follow_children = false;
const volatile __u8 syscall_classes[kSyscalls];
const volatile struct module_range modules[kModules];
const volatile __u32 module_count = 0;
const volatile __u32 fuse_device = 0;  // /dev/fuse as the kernel numbers devices
const volatile int futex_call = -1;    // system call numbers
const volatile __u64 readv_call = ~0ull;

// Set while the programs run.
volatile bool enabled = false;
volatile __u64 start_ns = 0;
volatile __u64 stop_ns = 0;
struct table_use used = {1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0};

#define ARRAY(name, entries, value_type)       \
  struct {                                     \
    __uint(type, BPF_MAP_TYPE_ARRAY);          \
    __uint(max_entries, entries);              \
    __uint(map_flags, BPF_F_MMAPABLE);         \
    __type(key, __u32);                        \
    __type(value, value_type);                 \
  } name SEC(".maps")
#define HASH(name, entries, key_type, value_type) \
  struct {                                        \
    __uint(type, BPF_MAP_TYPE_HASH);              \
    __uint(max_entries, entries);                 \
    __type(key, key_type);                        \
    __type(value, value_type);                    \
  } name SEC(".maps")

ARRAY(rows, MAX_ROWS, struct unwind_row);
ARRAY(threads, MAX_THREADS, struct thread_times);
ARRAY(sites, MAX_SITES, struct call_site);
ARRAY(futexes, MAX_FUTEXES, struct futex_entry);
ARRAY(wakeups, MAX_WAKEUPS, struct wakeup_entry);
ARRAY(blocked, MAX_BLOCKED, struct blocked_entry);
ARRAY(fuse, kFuseOperations, struct fuse_entry);
HASH(site_index, MAX_SITES, __u64, __u32);
HASH(futex_index, MAX_FUTEXES, struct futex_key, __u32);
HASH(wakeup_index, MAX_WAKEUPS, struct wakeup_key, __u32);
HASH(blocked_index, MAX_BLOCKED, struct blocked_key, __u32);

enum run_state { kStateUnknown, kStateRunning, kStateRunnable, kStateBlocked };

enum { kWindowBytes = 512 };

/// A call site as it was last met: the same as long as the registers and all these words are.
struct cached_site {
  __u64 ip;
  __u64 sp;
  __u64 bp;
  __u32 site;
  __u32 window_bytes;  // above sp that hold the words
  __u16 words;
  __u16 uses_bp;
  __u32 unused;
  __u64 values[kChainWords];
  __u32 offsets[kChainWords];  // from sp
};
struct cached_futex {
  __u64 word;
  __u32 site;
  __u32 operation;
  __u32 entry;
};
struct cached_wakeup {
  __u64 word;
  __u32 wakee;
  __u32 entry;
};
struct cached_blocked {
  struct blocked_key key;
  __u32 entry;
};
enum { kCachedSites = 8, kCachedFutexes = 8, kCachedWakeups = 4, kCachedBlocked = 4 };

/// What is kept of an observed thread. Its own programs write it, but for the fields of the last
/// wake-up, which its waker writes.
struct thread_state {
  __u32 thread;  // index into `threads`
  __u32 state;
  __u64 since_ns;
  __u64 begin_ns;
  __u64 on_cpu_ns;
  __u64 runnable_ns;
  __u64 off_cpu_ns;
  __u64 preemptions;
  // Why it is blocked.
  __u64 blocked_word;
  __u32 blocked_reason;
  __u32 blocked_site;
  // The last wake-up.
  __u64 wake_ns;
  __u64 waker_name[2];
  __u32 wakeup;  // the entry whose latency is still to be told
  // The futex call that it is in.
  __u32 in_call;
  __u32 operation;
  __u32 site;
  __u32 restarts;  // the kernel goes on with that call as restart_syscall()
  __u32 wakes_at_most;
  __u32 woke;
  __u64 word;
  __u64 waiters;  // address of the first struct futex_waitv
  __u64 enter_ns;
  __u64 enter_off_cpu_ns;
  // The system call that may be a reply to a FUSE request, and the operation of that.
  __u64 reply_enter_ns;
  __u32 reply_operation;
  __u32 replied;
  __u64 window[kWindowBytes / 8];  // the end of the stack
  __u32 next_way;
  struct cached_site sites[kCachedSites];
  struct cached_futex futexes[kCachedFutexes];
  struct cached_wakeup wakeups[kCachedWakeups];
  struct cached_blocked blocked[kCachedBlocked];
};

struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct thread_state);
} states SEC(".maps");

#define INLINE static __always_inline

/// The state of an observed thread; of all others nothing, as quickly as can be.
INLINE struct thread_state *state_of(struct task_struct *task) {
  if (!follow_children && task->tgid != observed_tgid) return 0;
  struct thread_state *state = bpf_task_storage_get(&states, task, 0, 0);
  return state && state->thread != kNoIndex ? state : 0;
}

INLINE __u32 log2_bucket(__u64 value) {
  __u32 bucket = 0;
  if (value >> 32) { bucket += 32; value >>= 32; }
  if (value >> 16) { bucket += 16; value >>= 16; }
  if (value >> 8) { bucket += 8; value >>= 8; }
  if (value >> 4) { bucket += 4; value >>= 4; }
  if (value >> 2) { bucket += 2; value >>= 2; }
  if (value >> 1) bucket += 1;
  return bucket < kHistogramBuckets ? bucket : kHistogramBuckets - 1;
}

INLINE __u64 mix(__u64 hash, __u64 value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 29);
}

/// The next unused index of a table, or kNoIndex if it is full.
INLINE __u32 next_index(__u32 *in_use, __u32 max, __u64 *lost) {
  if (*in_use < max) {
    const __u32 index = __sync_fetch_and_add(in_use, 1);
    if (index < max) return index;
  }
  __sync_fetch_and_add(lost, 1);
  return kNoIndex;
}
