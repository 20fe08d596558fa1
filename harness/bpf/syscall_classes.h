#pragma once

#include <sys/syscall.h>

#include "harness/bpf/waits_layout.h"

namespace vfsprof::harness {

/// Writes down what each system call of this machine blocks for; `classes` has kSyscalls entries,
/// all 0. `fuse`: also which may carry requests and replies of a FUSE file system.
inline void fill_syscall_classes(__u8* classes, bool fuse) {
  // Of the same numbers everywhere, and not in the headers of Debian 12.
  constexpr int kFutexWake = 454, kFutexWait = 455, kFutexRequeue = 456;
  for (const int call :
       {int{SYS_futex}, int{SYS_futex_waitv}, kFutexWake, kFutexWait, kFutexRequeue}) {
    classes[call] = kClassFutex;
  }
  classes[SYS_restart_syscall] = kClassRestart;
  for (const int call : {SYS_nanosleep, SYS_clock_nanosleep}) classes[call] = kClassSleep;
  for (const int call : {
           SYS_ppoll,
           SYS_pselect6,
           SYS_epoll_pwait,
           SYS_epoll_pwait2,
#ifdef SYS_poll
           SYS_poll,
           SYS_select,
           SYS_epoll_wait,
#endif
       }) {
    classes[call] = kClassPoll;
  }
  for (const int call : {SYS_read,
                         SYS_write,
                         SYS_readv,
                         SYS_writev,
                         SYS_pread64,
                         SYS_pwrite64,
                         SYS_preadv,
                         SYS_pwritev,
                         SYS_preadv2,
                         SYS_pwritev2,
                         SYS_fsync,
                         SYS_fdatasync,
                         SYS_sync_file_range,
                         SYS_ftruncate,
                         SYS_fallocate,
                         SYS_splice,
                         SYS_vmsplice,
                         SYS_sendfile,
                         SYS_copy_file_range,
                         SYS_syncfs,
                         SYS_getdents64,
                         SYS_sendto,
                         SYS_recvfrom,
                         SYS_sendmsg,
                         SYS_recvmsg,
                         SYS_accept,
                         SYS_accept4,
                         SYS_connect,
                         SYS_recvmmsg,
                         SYS_sendmmsg,
                         SYS_close,
                         SYS_ioctl,
                         SYS_flock}) {
    classes[call] = kClassFile;
  }
  if (!fuse) return;
  for (const int call : {SYS_read, SYS_readv}) classes[call] |= kMayRead;
  for (const int call : {SYS_write, SYS_writev, SYS_splice}) classes[call] |= kMayReply;
}

}  // namespace vfsprof::harness
