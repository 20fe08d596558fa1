// The kernel's types as far as the BPF programs read them. Own and minimal: libbpf moves each field to
// where the running kernel has it (preserve_access_index), so a build needs no kernel's BTF.
// clang-format off
#pragma once

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

// include/uapi/linux/bpf.h
enum bpf_map_type {
  BPF_MAP_TYPE_HASH = 1,
  BPF_MAP_TYPE_ARRAY = 2,
  BPF_MAP_TYPE_PERCPU_ARRAY = 6,
  BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1U << 0, BPF_F_MMAPABLE = 1U << 10 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1U << 0 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
  unsigned long bp, r10, r9, r8, dx, si, di, orig_ax, ip, sp, cs;
};

typedef unsigned int __kernel_dev_t;

struct inode {
  unsigned short i_mode;
  __kernel_dev_t i_rdev;
};

struct file {
  struct inode *f_inode;
  void *private_data;
};

struct fdtable {
  unsigned int max_fds;
  struct file **fd;
};

struct files_struct {
  struct fdtable *fdt;
};

struct task_struct {
  void *stack;
  unsigned int __state;
  unsigned int flags;
  int on_cpu;
  unsigned in_iowait : 1;
  int pid;
  int tgid;
  char comm[16];
  struct files_struct *files;
};

struct bpf_iter_meta {
  void *seq;
};

struct bpf_iter__task {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
};

struct fuse_in_header {
  __u32 len;
  __u32 opcode;
  __u64 unique;
};

struct fuse_out_header {
  __u32 len;
  __s32 error;
  __u64 unique;
};

struct fuse_conn;

struct fuse_mount {
  struct fuse_conn *fc;
};

struct fuse_dev {
  struct fuse_conn *fc;
};

struct fuse_req {
  struct { struct fuse_in_header h; } in;
  struct { struct fuse_out_header h; } out;
  struct fuse_mount *fm;
};

#pragma clang attribute pop
