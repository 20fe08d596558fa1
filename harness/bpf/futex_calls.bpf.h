// Futex calls: what they are at their entry, how they ended at their exit.
#pragma once

#include "harness/bpf/call_sites.bpf.h"

// include/uapi/linux/futex.h
enum {
  FUTEX_WAIT = 0,
  FUTEX_WAKE = 1,
  FUTEX_REQUEUE = 3,
  FUTEX_CMP_REQUEUE = 4,
  FUTEX_WAKE_OP = 5,
  FUTEX_LOCK_PI = 6,
  FUTEX_UNLOCK_PI = 7,
  FUTEX_TRYLOCK_PI = 8,
  FUTEX_WAIT_BITSET = 9,
  FUTEX_WAKE_BITSET = 10,
  FUTEX_WAIT_REQUEUE_PI = 11,
  FUTEX_CMP_REQUEUE_PI = 12,
  FUTEX_LOCK_PI2 = 13,
  FUTEX_FLAGS = 128 | 256,  // private, real-time clock
};
enum { EINTR = 4, EAGAIN = 11, ETIMEDOUT = 110, ERESTARTSYS = 512, ERESTART_RESTARTBLOCK = 516 };
// The same on all machines (from 424 on there is one table).
enum { CALL_WAITV = 449, CALL_WAKE = 454, CALL_WAIT = 455, CALL_REQUEUE = 456 };

#define BIT(operation) (1u << (operation))
#define WAITS                                                                                   \
  (BIT(FUTEX_WAIT) | BIT(FUTEX_WAIT_BITSET) | BIT(FUTEX_LOCK_PI) | BIT(FUTEX_LOCK_PI2) |        \
   BIT(FUTEX_TRYLOCK_PI) | BIT(FUTEX_WAIT_REQUEUE_PI) | BIT(kOperationWaitv) |                  \
   BIT(kOperationWait2) | BIT(kOperationRestart))
#define REQUEUES                                                                                \
  (BIT(FUTEX_REQUEUE) | BIT(FUTEX_CMP_REQUEUE) | BIT(FUTEX_CMP_REQUEUE_PI) |                    \
   BIT(kOperationRequeue2))
#define WAKES                                                                                   \
  (REQUEUES | BIT(FUTEX_WAKE) | BIT(FUTEX_WAKE_BITSET) | BIT(FUTEX_WAKE_OP) |                   \
   BIT(FUTEX_UNLOCK_PI) | BIT(kOperationWake2))
#define IS(set, operation) (((set) >> ((operation) & 31)) & 1)

/// The word of one struct futex_waitv.
INLINE __u64 word_of_waiter(__u64 waiters, __u32 index) {
  __u64 word = 0;
  read_word(waiters + index * 24ull + 8, &word);
  return word;
}

/// Operation and word of a futex call from its registers.
INLINE void read_call(struct thread_state *state, struct pt_regs *regs, long id) {
  state->word = regs->di;
  state->waiters = 0;
  state->wakes_at_most = regs->dx;
  if (id == futex_call) {
    const __u32 operation = (__u32)regs->si & ~FUTEX_FLAGS;
    state->operation = operation <= FUTEX_LOCK_PI2 ? operation : kOperationUnknown;
  } else if (id == CALL_WAITV || id == CALL_REQUEUE) {
    state->operation = id == CALL_WAITV ? kOperationWaitv : kOperationRequeue2;
    state->waiters = regs->di;
    state->word = word_of_waiter(state->waiters, 0);
  } else {
    state->operation = id == CALL_WAKE ? kOperationWake2 : kOperationWait2;
  }
}

static __noinline int enter_futex(struct thread_state *state, struct pt_regs *regs, long id) {
  if (!state || !regs) return 0;
  if ((syscall_classes[id & (kSyscalls - 1)] & kClassMask) == kClassRestart) {
    if (!state->restarts) return 0;
    state->operation = kOperationRestart;
  } else {
    read_call(state, regs, id);
  }
  state->restarts = 0;
  state->woke = 0;
  state->wakeup = kNoIndex;
  state->site = site_of(state, regs, state->operation, bpf_get_current_pid_tgid() >> 32);
  state->in_call = 1;
  state->enter_off_cpu_ns = state->off_cpu_ns;
  state->enter_ns = bpf_ktime_get_ns();
  return 0;
}

static __noinline __u32 find_futex(struct thread_state *state) {
  if (!state) return kNoIndex;
  const __u32 slot = ((__u32)(state->word >> 2) ^ state->site ^ state->operation) % kCachedFutexes;
  struct cached_futex *cached = &state->futexes[slot];
  if (cached->entry != kNoIndex && cached->word == state->word && cached->site == state->site &&
      cached->operation == state->operation) {
    return cached->entry;
  }
  const struct futex_key key = {.word = state->word,
                                .thread = state->thread,
                                .site = state->site,
                                .operation = state->operation};
  __u32 index = kNoIndex;
  const __u32 *known = bpf_map_lookup_elem(&futex_index, &key);
  if (known) {
    index = *known;
  } else {
    index = next_index(&used.futexes, MAX_FUTEXES, &used.lost_futexes);
    struct futex_entry *entry = bpf_map_lookup_elem(&futexes, &index);
    if (index == kNoIndex || !entry) return kNoIndex;
    entry->key = key;
    bpf_map_update_elem(&futex_index, &key, &index, BPF_ANY);
  }
  cached->word = key.word;
  cached->site = key.site;
  cached->operation = key.operation;
  cached->entry = index;
  return index;
}

INLINE void end_wait(struct thread_state *state, struct futex_entry *entry, long result,
                     __u64 elapsed_ns) {
  if (result >= 0) {
    entry->woken++;
  } else if (result == -EAGAIN) {
    entry->again++;
  } else if (result == -ETIMEDOUT) {
    entry->timed_out++;
  } else if (result == -EINTR || (result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK)) {
    entry->interrupted++;
    state->restarts = result == -ERESTART_RESTARTBLOCK;
  } else {
    entry->failed++;
  }
  entry->wait_ns += elapsed_ns;
  entry->wait_time[log2_bucket(elapsed_ns)]++;
}

INLINE void end_wake(struct thread_state *state, struct futex_entry *entry, long result) {
  if (result == -EAGAIN) {
    entry->again++;
    return;
  }
  if (result < 0) {
    entry->failed++;
    return;
  }
  // Unlocking does not say whom it woke; requeuing wakes first and counts both.
  __u64 woken = state->operation == FUTEX_UNLOCK_PI ? state->woke : result;
  __u64 requeued = 0;
  if (IS(REQUEUES, state->operation)) {
    if (woken > state->wakes_at_most) woken = state->wakes_at_most;
    requeued = result - woken;
  }
  entry->threads_woken += woken;
  entry->threads_requeued += requeued;
  if (woken + requeued == 0) entry->useless++;
}

static __noinline int exit_futex(struct thread_state *state, long result) {
  if (!state) return 0;
  const __u64 elapsed_ns = bpf_ktime_get_ns() - state->enter_ns;
  const __u64 off_cpu_ns = state->off_cpu_ns - state->enter_off_cpu_ns;
  state->in_call = 0;
  if (state->wakeup != kNoIndex) {  // woken before it had left its CPU
    struct wakeup_entry *wakeup = bpf_map_lookup_elem(&wakeups, &state->wakeup);
    if (wakeup) wakeup->wake_to_run[0]++;
    state->wakeup = kNoIndex;
  }
  if (state->operation == kOperationWaitv && result >= 0) {
    state->word = word_of_waiter(state->waiters, result);
  }
  const __u32 index = find_futex(state);
  struct futex_entry *entry = bpf_map_lookup_elem(&futexes, &index);
  if (index == kNoIndex || !entry) return 0;
  entry->calls++;
  if (elapsed_ns > off_cpu_ns) entry->cpu_ns += elapsed_ns - off_cpu_ns;
  if (IS(WAITS, state->operation)) {
    end_wait(state, entry, result, elapsed_ns);
  } else if (IS(WAKES, state->operation)) {
    end_wake(state, entry, result);
  } else if (result < 0) {
    entry->failed++;
  }
  return 0;
}

/// The entry of a wake-up by the current thread, `state`; counts it.
static __noinline __u32 count_wakeup(struct thread_state *state, __u32 wakee) {
  if (!state) return kNoIndex;
  struct cached_wakeup *cached = &state->wakeups[wakee % kCachedWakeups];
  __u32 index = cached->entry;
  if (index == kNoIndex || cached->word != state->word || cached->wakee != wakee) {
    const struct wakeup_key key = {.word = state->word, .waker = state->thread, .wakee = wakee};
    const __u32 *known = bpf_map_lookup_elem(&wakeup_index, &key);
    if (known) {
      index = *known;
    } else {
      index = next_index(&used.wakeups, MAX_WAKEUPS, &used.lost_wakeups);
      struct wakeup_entry *entry = bpf_map_lookup_elem(&wakeups, &index);
      if (index == kNoIndex || !entry) return kNoIndex;
      entry->key = key;
      bpf_map_update_elem(&wakeup_index, &key, &index, BPF_ANY);
    }
    cached->word = key.word;
    cached->wakee = wakee;
    cached->entry = index;
  }
  struct wakeup_entry *entry = bpf_map_lookup_elem(&wakeups, &index);
  if (entry) entry->count++;
  return index;
}
