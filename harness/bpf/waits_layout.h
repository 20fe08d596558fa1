#pragma once

// What the BPF programs of waits.bpf.c and the process that reads their maps share. C, since both
// include it; the BPF side has included vmlinux.h before.
#ifdef __cplusplus
#include <linux/types.h>
#endif

enum {
  kHistogramBuckets = 40,  // the last one also holds everything longer than 9 minutes
  kChainWords = 8,         // return addresses that tell call sites apart
  kProgramFrames = 3,      // of those at most so many outside of run-time libraries
  kStackBytes = 8192,      // of the user stack, copied once per call site
  kStackPiece = 512,       // copied piece by piece, as the stack's end may come sooner
  kModules = 32,           // objects with unwind rows
  kNoIndex = 0,            // in all tables entry 0 is not used
};

/// What a system call blocks for. For kClassFile the file that its first argument refers to
/// decides.
enum syscall_class {
  kClassOther,
  kClassFutex,
  kClassRestart,
  kClassSleep,
  kClassPoll,
  kClassFile,
  kClassMask = 0x3f,
  kMayRead = 0x40,   // a request from /dev/fuse into a buffer
  kMayReply = 0x80,  // to one
  kSyscalls = 512,
};

/// In the order of reports::BlockReason.
enum wait_reason {
  kWaitFutex,
  kWaitFuseRead,
  kWaitDisk,
  kWaitPageFault,
  kWaitSleep,
  kWaitPoll,
  kWaitPipe,
  kWaitOther,
};

/// Futex operations: 0 to 13 as in linux/futex.h, then those of other system calls.
enum futex_operation {
  kOperationUnknown = 14,
  kOperationWaitv = 16,
  kOperationWake2,
  kOperationWait2,
  kOperationRequeue2,
  kOperationRestart,
};

/// How to leave a frame, from `start` on to the next row. In words of 8 bytes.
struct unwind_row {
  __u32 start;      // from the module's start
  __s16 cfa_words;  // canonical frame address - register
  __u8 base;        // enum cfa_base
  __s8 bp_words;    // where the caller's rbp is saved, from the canonical frame address; 0: in rbp
};
enum cfa_base { kBaseNone, kBaseStackPointer, kBaseFramePointer, kBaseOutermost };

struct module_range {
  __u64 start;
  __u64 end;  // exclusive
  __u32 first_row;
  __u32 rows;
  __u32 run_time;  // a run-time library, whose frames are not the program's
  __u32 unused;
};

/// A call site: registers and stack of the first call from there.
struct call_site {
  __u64 ip;
  __u64 sp;
  __u64 bp;
  __u32 tgid;
  __u32 stack_bytes;
  __u8 stack[kStackBytes];
};

struct thread_times {
  __u32 tid;
  __u32 tgid;
  char name[16];
  __u64 begin_ns;  // CLOCK_MONOTONIC
  __u64 end_ns;    // 0 where it was never told
  __u64 on_cpu_ns;
  __u64 runnable_ns;
  __u64 preemptions;
};

struct futex_key {
  __u64 word;
  __u32 thread;  // index into the thread table
  __u32 site;    // index into the site table
  __u32 operation;
  __u32 unused;
};

struct futex_entry {
  struct futex_key key;
  __u64 calls;
  __u64 cpu_ns;
  __u64 woken;
  __u64 again;
  __u64 timed_out;
  __u64 interrupted;
  __u64 failed;
  __u64 wait_ns;
  __u64 threads_woken;
  __u64 threads_requeued;
  __u64 useless;
  __u32 wait_time[kHistogramBuckets];
};

struct wakeup_key {
  __u64 word;
  __u32 waker;
  __u32 wakee;
};

struct wakeup_entry {
  struct wakeup_key key;
  __u64 count;
  __u32 wake_to_run[kHistogramBuckets];
};

struct blocked_key {
  __u64 word;
  __u64 waker_name[2];
  __u32 thread;
  __u32 site;
  __u32 reason;
  __u32 unused;
};

struct blocked_entry {
  struct blocked_key key;
  __u64 count;
  __u64 blocked_ns;
  __u64 runnable_ns;
  __u32 blocked_time[kHistogramBuckets];
};

/// Requests of one FUSE operation.
struct fuse_entry {
  __u64 count;
  __u64 errors;
  __u64 queue_ns;
  __u64 daemon_ns;
  __u64 reply_ns;
  __u32 queue[kHistogramBuckets];
  __u32 daemon[kHistogramBuckets];
  __u32 reply[kHistogramBuckets];
};
enum { kFuseOperations = 64 };

/// Entries in use of each table, entry 0 included, and what no entry could be made for.
struct table_use {
  __u32 threads;
  __u32 sites;
  __u32 futexes;
  __u32 wakeups;
  __u32 blocked;
  __u32 unused;
  __u64 lost_threads;
  __u64 lost_sites;
  __u64 lost_futexes;
  __u64 lost_wakeups;
  __u64 lost_blocked;
  __u64 lost_requests;
};
