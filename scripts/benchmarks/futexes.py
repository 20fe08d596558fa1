"""Futex calls of the daemon within a request, by who made them: strace with call stacks, which needs no hardware counter
and no root. Only futex calls stop the daemon (a seccomp filter), so the load runs at nearly full speed."""

import os
import re
import shutil
import time

from figures import Unavailable
from tools import counter_total

# A session thread works on a request inside libfuse: what has a frame of it on its stack happens between receipt and
# reply. (By file, as libfuse's inner functions have no symbols.) A hand-off to another thread shows as well: it wakes, and
# the session thread waits.
WITHIN_REQUEST = re.compile(r"/libfuse3?[-.\w]*\.so")
# The C and C++ run-time libraries make futex calls on behalf of their callers.
RUN_TIME = re.compile(r"/(ld-linux|libc|libpthread|libstdc\+\+|libgcc_s|libc\+\+)[-.\w+]*\.so")
CALL = re.compile(r"^(\d+) +(\d+\.\d+) (futex\(|<\.\.\. futex resumed>)")
FRAME = re.compile(r"^ > ([^(\[]+)")


def futex_calls(trace, start, end):
    """The stack (lines) of every futex call of an strace log that began in [start, end]. The stack of a call that blocked
    stands behind the line that says that it went on. One that never did belongs to no request that was answered."""
    stacks, blocked = [], set()
    stack = []  # where the next frames go
    for line in trace:
        if line.startswith(" > "):
            stack.append(line)
            continue
        call = CALL.match(line)
        stack = []
        if not call:
            continue
        thread = call.group(1)
        if call.group(3) == "futex(":
            began_in_time = start <= float(call.group(2)) <= end
            if line.rstrip().endswith("<unfinished ...>"):
                blocked.add(thread) if began_in_time else blocked.discard(thread)
                continue
        else:
            began_in_time = thread in blocked
            blocked.discard(thread)
        if began_in_time:
            stacks.append(stack)
    return stacks


def caller_of(stack):
    """The file name of the first module outside the run-time libraries, or None without a stack."""
    for line in stack:
        frame = FRAME.match(line)
        if frame and not RUN_TIME.search(frame.group(1)):
            return os.path.basename(frame.group(1).strip())
    return None


def count(trace, start, end):
    """(calls of our own code within requests, calls of others within requests, calls without a stack)."""
    ours = others = unknown = 0
    for stack in futex_calls(trace, start, end):
        if not stack:
            unknown += 1
        elif any(WITHIN_REQUEST.search(line) for line in stack):
            if caller_of(stack) == "vfsprof-mount":
                ours += 1
            else:
                others += 1
    return ours, others, unknown


def write_blocks(path, first, writes, file_blocks):
    block = os.urandom(4096)
    file = os.open(path, os.O_WRONLY)
    for i in range(writes):
        os.pwrite(file, block, 4096 * (first + i % file_blocks))
    os.close(file)


def in_processes(actions):
    children = []
    for action in actions:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                action()
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    if any([os.waitpid(child, 0)[1] for child in children]):
        raise Unavailable("a write to the mount failed")


def measure(tools, variant, writers, many, writes):
    """Runs the load under strace: (count(), batches that were closed, writes done)."""
    if shutil.which("strace") is None:
        raise Unavailable("strace is missing; install it with scripts/setup")
    log = os.path.join(tools.work, f"strace-{writers}-{many}")
    blocks = 512  # of each writer: 2 MiB, so that nothing is evicted and no batch is due
    prefix = ["strace", "-f", "--seccomp-bpf", "-e", "trace=futex", "-e", "signal=none", "-k", "-ttt", "-o", log]
    page = os.path.join(tools.work, "counters")
    with tools.mount(variant, prefix, ["--counters", page]) as (point, _):
        names = [os.path.join(point, f"file-{i if many else 0}") for i in range(writers)]
        first = [0 if many else i * blocks for i in range(writers)]
        for name, offset in zip(names, first):
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o644))
            write_blocks(name, offset, blocks, blocks)
        time.sleep(0.5)  # the batches of the closes above are written
        batches = counter_total(page, "flush_batches")
        start = time.time()
        in_processes([lambda name=name, offset=offset: write_blocks(name, offset, writes // writers, blocks)
                      for name, offset in zip(names, first)])
        end = time.time()
        time.sleep(0.5)
        batches = counter_total(page, "flush_batches") - batches
    with open(log, encoding="utf-8", errors="replace") as trace:
        counted = count(trace, start, end)
    os.remove(log)
    return counted, batches, writers * (writes // writers)
