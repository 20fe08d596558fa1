// Where the threads of one process wait and who wakes them, aggregated in the kernel. Tracepoints only.
// Every program leaves at once where a task is not observed.
#include "harness/bpf/fuse_requests.bpf.h"

char program_license[] SEC("license") = "GPL";

enum { THREAD_SIZE = 16384 };

HASH(observed_processes, 1024, __u32, __u32);  // those that exist when observing starts

/// Whether an interrupt runs in the current task's name. One that interrupts the kernel runs on a
/// stack of its own (and BPF programs with a small frame on that of whom they interrupt). One that
/// interrupts user code uses the task's, which then is in no system call; so does a page fault.
/// (The kernel's own count cannot be read where kallsyms has no variables.)
INLINE bool in_interrupt(struct task_struct *current) {
  __u64 frame;
  asm volatile("%0 = r10" : "=r"(frame));
  if (frame - (__u64)current->stack >= THREAD_SIZE) return true;
  if (current->flags & PF_KTHREAD) return false;
  return ((struct pt_regs *)bpf_task_pt_regs(current))->orig_ax == ~0ul;
}

INLINE bool is_futex_class(__u8 class) {
  return class == kClassFutex || class == kClassRestart;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long id) {
  if (!enabled || (__u64)id >= kSyscalls) return 0;
  const __u8 class = syscall_classes[id];
  if (!is_futex_class(class & kClassMask) && !(class & kMayReply)) return 0;
  struct thread_state *state = state_of(bpf_get_current_task_btf());
  if (!state || (__u8)regs->cs == 0x23) return 0;  // a 32-bit call has other numbers
  if (is_futex_class(class & kClassMask)) {
    enter_futex(state, regs, id);
  } else {
    enter_reply(state);
  }
  return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long result) {
  if (!enabled) return 0;
  const __u64 id = regs->orig_ax;
  if (id >= kSyscalls) return 0;
  const __u8 class = syscall_classes[id];
  if (!is_futex_class(class & kClassMask) && !(class & (kMayReply | kMayRead))) return 0;
  struct thread_state *state = state_of(bpf_get_current_task_btf());
  if (!state) return 0;
  if (is_futex_class(class & kClassMask)) {
    if (state->in_call) exit_futex(state, result);
  } else if (class & kMayReply) {
    exit_reply(state);
  } else if (result >= kRequestHeaderBytes) {
    read_request(bpf_get_current_task_btf(), regs);
  }
  return 0;
}

INLINE int on_switch(bool preempt, struct task_struct *prev, struct task_struct *next,
                     __u32 prev_state) {
  if (!enabled) return 0;
  struct thread_state *out = state_of(prev);
  struct thread_state *in = state_of(next);
  if (!out && !in) return 0;
  const __u64 now_ns = bpf_ktime_get_ns();
  if (out) {
    switch_out(prev, out, !preempt && prev_state != 0, prev_state & TASK_DEAD, now_ns);
  }
  if (in) switch_in(in, now_ns);
  return 0;
}

/// One of the two is loaded: the state as an argument came with 5.18.
SEC("tp_btf/sched_switch")
int BPF_PROG(on_sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
             unsigned int prev_state) {
  return on_switch(preempt, prev, next, prev_state);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_sched_switch_before_5_18, bool preempt, struct task_struct *prev,
             struct task_struct *next) {
  return on_switch(preempt, prev, next, prev->__state);
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_sched_waking, struct task_struct *task) {
  if (!enabled) return 0;
  struct thread_state *wakee = state_of(task);
  if (!wakee) return 0;
  struct task_struct *current = bpf_get_current_task_btf();
  __u32 wakeup = kNoIndex;
  if (in_interrupt(current)) {
    __builtin_memcpy(wakee->waker_name, "interrupt\0\0\0\0\0\0", 16);
  } else if (current->flags & PF_WQ_WORKER) {
    __builtin_memcpy(wakee->waker_name, "kworker\0\0\0\0\0\0\0\0", 16);
  } else {
    bpf_get_current_comm(wakee->waker_name, sizeof wakee->waker_name);
    struct thread_state *waker = state_of(current);
    if (waker && waker->in_call && IS(WAKES, waker->operation)) {
      wakeup = count_wakeup(waker, wakee->thread);
      waker->woke++;
    }
  }
  wakee->wakeup = wakeup;
  wakee->wake_ns = bpf_ktime_get_ns();
  return 0;
}

SEC("tp_btf/fuse_request_send")
int BPF_PROG(on_fuse_request_send, const struct fuse_req *req) {
  if (enabled) queue_request(req);
  return 0;
}

SEC("tp_btf/fuse_request_end")
int BPF_PROG(on_fuse_request_end, const struct fuse_req *req) {
  if (enabled) end_request(req);
  return 0;
}

/// Begins to observe a thread.
static __noinline int observe(struct task_struct *task, __u64 begin_ns) {
  if (!task) return 0;
  struct thread_state *state =
      bpf_task_storage_get(&states, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (!state) {
    __sync_fetch_and_add(&used.lost_threads, 1);
    return 0;
  }
  if (state->thread != kNoIndex) return 0;
  const __u32 index = next_index(&used.threads, MAX_THREADS, &used.lost_threads);
  struct thread_times *times = bpf_map_lookup_elem(&threads, &index);
  if (index == kNoIndex || !times) return 0;
  times->tid = task->pid;
  times->tgid = task->tgid;
  state->begin_ns = begin_ns;
  state->since_ns = begin_ns;
  if (begin_ns != 0) state->state = kStateRunnable;
  state->thread = index;
  return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_newtask, struct task_struct *task, __u64 clone_flags) {
  struct task_struct *parent = bpf_get_current_task_btf();
  if (state_of(parent) && (follow_children || task->tgid == parent->tgid)) {
    observe(task, bpf_ktime_get_ns());
  }
  return 0;
}

/// What a thread that nothing has happened to since the start is doing.
static __noinline int begin_thread(struct thread_state *state, struct task_struct *task) {
  if (!state || !task) return 0;
  if (task->on_cpu || task->__state == 0) {
    if (start_ns != 0) state->state = task->on_cpu ? kStateRunning : kStateRunnable;
    return 0;
  }
  struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
  const __u64 call = regs->orig_ax;
  const bool futex = call < kSyscalls && (syscall_classes[call] & kClassMask) == kClassFutex;
  if (state->blocked_site == kNoIndex) {
    const __u32 index = next_index(&used.sites, MAX_SITES, &used.lost_sites);
    struct call_site *site = bpf_map_lookup_elem(&sites, &index);
    if (index != kNoIndex && site) {
      site->ip = regs->ip;
      site->sp = regs->sp;
      site->bp = regs->bp;
      site->tgid = task->tgid;
      state->blocked_site = index;
    }
  }
  state->blocked_reason = futex ? kWaitFutex : reason_of(task, regs);
  if (state->blocked_reason == kWaitFuseRead) observe_connection(connection_of(task, regs->di));
  if (futex) {
    read_call(state, regs, call);
    state->blocked_word = state->word;
    state->site = state->blocked_site;
  }
  if (start_ns != 0) {
    state->in_call = futex;
    state->enter_ns = start_ns;
    state->state = kStateBlocked;
  }
  return 0;
}

/// Run over all tasks before the start, right after it and after the stop.
SEC("iter/task")
int snapshot(struct bpf_iter__task *context) {
  struct task_struct *task = context->task;
  if (!task) return 0;
  const __u32 tgid = task->tgid;
  if (stop_ns != 0) {
    struct thread_state *state = bpf_task_storage_get(&states, task, 0, 0);
    if (!state || state->thread == kNoIndex) return 0;
    if (state->state == kStateRunning) {
      end_on_cpu(state, stop_ns);
    } else {
      end_off_cpu(state, stop_ns, stop_ns);
    }
    return end_thread(state, task, later(stop_ns, state->begin_ns));
  }
  if (bpf_map_lookup_elem(&observed_processes, &tgid)) observe(task, 0);
  struct thread_state *state = bpf_task_storage_get(&states, task, 0, 0);
  if (!state || state->thread == kNoIndex || state->state != kStateUnknown) return 0;
  return begin_thread(state, task);
}
