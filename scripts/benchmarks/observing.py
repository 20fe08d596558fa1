"""What observing costs those who are observed: futex and wall-clock ledgers on two threads that wake each other, as often as is
asked (futex_patterns ping-pong), beside nothing and beside perf trace; and the memory that profiling takes."""

import contextlib
import json
import os
import shutil
import subprocess
import time

from figures import Figure, Unavailable, median, median_figure

CALLS_PER_TRIP = 4  # two threads, each of which wakes and waits
BUSY_RATE, USUAL_RATE = 400_000, 40_000  # futex calls per second of the generator alone
VARIANT = "mutex-pool"


def start(command, cpu=None, **options):
    """A process with pipes, on one CPU if that is given."""
    pin = None if cpu is None else lambda: os.sched_setaffinity(0, {cpu})
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pin, **options)


def cpus():
    """(of the generator, of who observes it)."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


@contextlib.contextmanager
def nothing(tools, command, _):
    yield start(command, cpus()[0]), lambda: None


@contextlib.contextmanager
def ledgers(tools, command, calls, *arguments):
    """Both ledgers; they must have seen every call."""
    program = tools.program("vfsprof-observing-bench")
    generator = start(command, cpus()[0])
    observer = start([program, str(generator.pid), "waits", *arguments], cpus()[1], stderr=subprocess.PIPE)

    def check():
        seen = json.loads(observer.communicate("off\n")[0].splitlines()[-1])
        if seen["lost"] > 0 or not calls / 2 <= seen["futex_calls"] <= 2 * calls:
            raise Unavailable(f"the ledger has {seen['futex_calls']} of about {calls} calls, and lost {seen['lost']}")
    observer.stdin.write("on\n")
    observer.stdin.flush()
    if observer.stdout.readline().strip() != "observing":
        generator.communicate()
        raise Unavailable(observer.communicate()[1].strip())
    yield generator, check


def futex_calls_by_perf(tools, command, calls):
    """Futex calls alone, through perf events on tracepoints: what there is where BPF programs are refused."""
    return ledgers(tools, command, calls, "perf-events")


@contextlib.contextmanager
def perf_trace(tools, command, _):
    if shutil.which("perf") is None:
        raise Unavailable("perf is missing; install it with scripts/setup")
    cpu, other = cpus()
    yield start(["taskset", "-c", str(other), "perf", "trace", "-s", "-o", os.path.join(tools.work, "perf-trace"), "--",
                 "taskset", "-c", str(cpu), *command], stderr=subprocess.DEVNULL), lambda: None


def play(tools, trips, steps, observer=nothing):
    """(CPU ns of the generator per futex call, its futex calls per second)."""
    command = [tools.program("futex_patterns"), "ping-pong", str(trips), str(steps)]
    with observer(tools, command, CALLS_PER_TRIP * trips) as (generator, check):
        if generator.stdout.readline().strip() != "ready":
            raise Unavailable(f"{' '.join(generator.args)} did not begin")
        generator.stdin.write("\n")
        generator.stdin.flush()
        done = json.loads(generator.stdout.readline())
        check()
        generator.communicate()
    calls = CALLS_PER_TRIP * done["trips"]
    return done["cpu_ns"] / calls, 1e9 * calls / done["elapsed_ns"]


def steps_for(tools, rate):
    """Steps of arithmetic in each trip with which the generator alone makes so many calls per second."""
    if "ping-pong" not in tools.kept:
        without = median([play(tools, 20_000, 0)[0] for _ in range(3)])
        steps = 10_000
        step = (median([play(tools, 5_000, steps)[0] for _ in range(3)]) - without) / steps
        tools.kept["ping-pong"] = without, step
    without, step = tools.kept["ping-pong"]
    return max(0, round((1e9 / rate - without) / step))


def pairs(tools, rate, observers):
    """Of each repeat, in turns of changing order: [CPU ns per call under each observer], and the rates of the first."""
    steps, trips = steps_for(tools, rate), rate // CALLS_PER_TRIP // 4
    rows, rates = [], []
    for i in range(6 if tools.quick else 16):
        order = range(len(observers)) if i % 2 == 0 else reversed(range(len(observers)))
        played = {index: play(tools, trips, steps, observers[index]) for index in order}
        rows.append([played[index][0] for index in range(len(observers))])
        rates.append(played[0][1])
    return rows, median(rates)


def ledgers_per_call(tools):
    rows, rate = pairs(tools, BUSY_RATE, [nothing, ledgers])
    return median_figure([(on - off) / 1e3 for off, on in rows], f"{rate:.0f} calls/s without")


def fallback_per_call(tools):
    rows, rate = pairs(tools, USUAL_RATE, [nothing, futex_calls_by_perf])
    return median_figure([(on - off) / 1e3 for off, on in rows], f"{rate:.0f} calls/s without")


def ledgers_share(tools):
    rows, rate = pairs(tools, USUAL_RATE, [nothing, ledgers])
    return median_figure([100 * (on / off - 1) for off, on in rows], f"{rate:.0f} calls/s without")


def ledgers_to_perf_trace(tools):
    rows, _ = pairs(tools, BUSY_RATE, [nothing, ledgers, perf_trace])
    added = median([perf - off for off, _, perf in rows])
    return median_figure([(ours - off) / (perf - off) for off, ours, perf in rows],
                         f"perf trace -s adds {added / 1e3:.2f} us per call")


def memory_of(pid):
    """MiB of (peak resident memory, BPF maps) of a process; None where it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            peak = [int(line.split()[1]) for line in file if line.startswith("VmHWM:")]
        maps = 0
        for name in os.listdir(f"/proc/{pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
                lines = dict(line.split(":", 1) for line in file if ":" in line)
            if "map_type" in lines:
                maps += int(lines["memlock"])
        return (peak[0] / 1024, maps / (1 << 20)) if peak else None
    except (FileNotFoundError, ProcessLookupError):
        return None


def memory(tools):
    """The most of `vfsprof profile` while it samples and traces a daemon that serves writes. Looked at twenty times a second."""
    resident = maps = 0
    block = os.urandom(4096)
    with tools.mount(VARIANT) as (point, pid):
        file = os.open(os.path.join(point, "file"), os.O_WRONLY | os.O_CREAT, 0o644)
        process = subprocess.Popen(
            [tools.program("vfsprof"), "profile", "--pid", str(pid), "--duration", "5" if tools.quick else "20", "--json", "--out",
             os.path.join(tools.work, "memory")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            now = memory_of(process.pid)
            if now:
                resident, maps = max(resident, now[0]), max(maps, now[1])
            end = time.monotonic() + 0.05
            while time.monotonic() < end:
                os.pwrite(file, block, 0)
        os.close(file)
    if process.returncode != 0:
        raise Unavailable(f"{' '.join(process.args)} ended with code {process.returncode}")
    if maps == 0:
        raise Unavailable("no BPF maps: the ledgers did not run (vfsprof doctor)")
    return Figure(resident + maps, repeats=1, note=f"resident {resident:.0f} MiB, BPF maps {maps:.0f} MiB, a peak without interval")
