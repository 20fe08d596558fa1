// Requests to the observed file system: queued by the kernel, read by the daemon, replied to.
#pragma once

#include "harness/bpf/wall_clock.bpf.h"

#define MAX_REQUESTS 16384
enum { kRequestHeaderBytes = 40 };

struct request_key {
  __u64 connection;
  __u64 unique;
};
struct request {
  __u64 queued_ns;
  __u64 read_ns;  // 0: not read yet, or in a way that does not show what
};

HASH(requests, MAX_REQUESTS, struct request_key, struct request);
HASH(connections, 64, __u64, __u32);  // of the observed processes

/// The connection of a file descriptor of a task; 0 where it is not one of /dev/fuse.
INLINE __u64 connection_of(struct task_struct *task, __u64 fd) {
  struct file *file = file_of(task, fd);
  struct inode *inode = file ? BPF_CORE_READ(file, f_inode) : 0;
  if (!inode || !is_fuse_device(inode)) return 0;
  struct fuse_dev *device = BPF_CORE_READ(file, private_data);
  return device ? (__u64)BPF_CORE_READ(device, fc) : 0;
}

static __noinline int observe_connection(__u64 connection) {
  const __u32 yes = 1;
  if (connection && !bpf_map_lookup_elem(&connections, &connection)) {
    bpf_map_update_elem(&connections, &connection, &yes, BPF_ANY);
  }
  return 0;
}

/// A read from `regs->di` has returned a request.
static __noinline int read_request(struct task_struct *task, struct pt_regs *regs) {
  if (!task || !regs) return 0;
  struct request_key key = {.connection = connection_of(task, regs->di)};
  if (!key.connection) return 0;
  observe_connection(key.connection);
  __u64 buffer = regs->si;
  if (regs->orig_ax == readv_call && !read_word(regs->si, &buffer)) return 0;
  if (!read_word(buffer + 8, &key.unique)) return 0;
  struct request *request = bpf_map_lookup_elem(&requests, &key);
  if (request) request->read_ns = bpf_ktime_get_ns();
  return 0;
}

INLINE void add_time(__u64 *sum, __u32 *histogram, __u64 from_ns, __u64 to_ns) {
  if (to_ns < from_ns) return;
  __sync_fetch_and_add(sum, to_ns - from_ns);
  __sync_fetch_and_add(&histogram[log2_bucket(to_ns - from_ns)], 1);
}

INLINE struct fuse_entry *fuse_entry_of(__u32 operation) {
  return operation < kFuseOperations ? bpf_map_lookup_elem(&fuse, &operation) : 0;
}

INLINE void queue_request(const struct fuse_req *req) {
  const struct request_key key = {.connection = (__u64)BPF_CORE_READ(req, fm, fc),
                                  .unique = BPF_CORE_READ(req, in.h.unique)};
  if (!bpf_map_lookup_elem(&connections, &key.connection)) return;
  const struct request request = {.queued_ns = bpf_ktime_get_ns()};
  if (bpf_map_update_elem(&requests, &key, &request, BPF_ANY)) {
    __sync_fetch_and_add(&used.lost_requests, 1);
  }
}

INLINE void end_request(const struct fuse_req *req) {
  const struct request_key key = {.connection = (__u64)BPF_CORE_READ(req, fm, fc),
                                  .unique = BPF_CORE_READ(req, in.h.unique)};
  const struct request *known = bpf_map_lookup_elem(&requests, &key);
  if (!known) return;
  const struct request request = *known;
  bpf_map_delete_elem(&requests, &key);
  const __u32 operation = BPF_CORE_READ(req, in.h.opcode);
  struct fuse_entry *entry = fuse_entry_of(operation);
  if (!entry) {
    __sync_fetch_and_add(&used.lost_requests, 1);
    return;
  }
  __sync_fetch_and_add(&entry->count, 1);
  if (BPF_CORE_READ(req, out.h.error) != 0) __sync_fetch_and_add(&entry->errors, 1);
  struct thread_state *state = state_of(bpf_get_current_task_btf());
  const bool replies = state && state->reply_enter_ns != 0;
  if (request.read_ns != 0) {
    add_time(&entry->queue_ns, entry->queue, request.queued_ns, request.read_ns);
    add_time(&entry->daemon_ns, entry->daemon, request.read_ns,
             replies ? state->reply_enter_ns : bpf_ktime_get_ns());
  }
  if (replies) {
    state->reply_operation = operation;
    state->replied = 1;
  }
}

INLINE void enter_reply(struct thread_state *state) {
  state->replied = 0;
  state->reply_enter_ns = bpf_ktime_get_ns();
}

INLINE void exit_reply(struct thread_state *state) {
  struct fuse_entry *entry = state->replied ? fuse_entry_of(state->reply_operation) : 0;
  if (entry) add_time(&entry->reply_ns, entry->reply, state->reply_enter_ns, bpf_ktime_get_ns());
  state->replied = 0;
  state->reply_enter_ns = 0;
}
