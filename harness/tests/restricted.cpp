// Runs a program with less than this machine allows: `restricted perf,bpf,user PROGRAM ...`.
//   perf  perf_event_open fails with EACCES, as a seccomp filter of a container makes it
//   bpf   bpf fails with EPERM
//   user  an ordinary user
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace {

constexpr unsigned kNobody = 65534;

bool refuse(std::uint32_t call, std::uint32_t error) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{.len = sizeof program / sizeof program[0], .filter = program};
  // Root may do without it, so that what is installed set-user-ID still works.
  if (::geteuid() != 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 125;
  const std::string what = argv[1];
  const auto asked = [&](const char* word) { return what.find(word) != std::string::npos; };
  if (asked("perf") && !refuse(SYS_perf_event_open, EACCES)) return 125;
  if (asked("bpf") && !refuse(SYS_bpf, EPERM)) return 125;
  if (asked("user") && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) return 125;
  ::execvp(argv[2], argv + 2);
  std::perror(argv[2]);
  return 125;
}
