"""What sampling costs the observed program, and how fast its samples are unwound and symbolised.

The cost is a per cent or less, and two processes of one program differ by more: it is measured within one daemon under one
load, whose sampler is switched on and off many times a second. A second arm without sampler is the control: what this way of
measuring says where nothing differs."""

import contextlib
import json
import os
import random
import signal
import subprocess
import time

from figures import Figure, Unavailable, median_figure
from observing import cpus, start
from tools import counter_total

WRITES = "fuse_writes"  # a counter; with max_write=4k each operation of the load is one
PREFILL_WRITES = 20_000  # more than it takes until the load is a steady one
STRETCH_S = 0.05
FEWEST_WRITES = 200  # of a stretch
ARMS = ("off", "control", "on")


@contextlib.contextmanager
def loaded_daemon(tools, scenario, variant):
    """(process id, counter page) of a daemon that shares its CPU with the clients of a scenario."""
    page = os.path.join(tools.work, "counters")
    with tools.mount(variant, ["taskset", "-c", str(cpus()[0])], ["--counters", page]) as (point, pid):
        load = subprocess.Popen(
            [tools.program("vfsprof"), "run", "--scenario", scenario, "--target", f"dir={point}", "--placement", "packed",
             "--rounds", "1", "--profile-rounds", "0", "--trace-rounds", "0", "--no-floor", "--scale", "200", "--out",
             os.path.join(tools.work, "load")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        try:
            while counter_total(page, WRITES) < PREFILL_WRITES:
                time.sleep(0.1)
                if load.poll() is not None:
                    raise Unavailable(f"{' '.join(load.args)} ended with code {load.returncode}")
            yield pid, page
            if load.poll() is not None:
                raise Unavailable("the load ended before the measurement did")
        finally:
            load.send_signal(signal.SIGINT)
            load.wait(60)


class Observer:
    """A collector on a process that is switched on and off, in a session of its own: in ours its wake-ups would change how
    the scheduler treats whoever shares it."""

    def __init__(self, tools, pid, *arguments):
        command = [tools.program("vfsprof-observing-bench"), str(pid), *map(str, arguments)]
        self.process = start(command, cpus()[1], stderr=subprocess.PIPE, start_new_session=True)

    def switch(self, state, answer):
        self.process.stdin.write(state + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline().strip() != answer:
            raise Unavailable(self.process.communicate()[1].strip() or "the observer ended")

    def seen(self):
        return json.loads(self.process.communicate()[0])


def cpu_per_write(pid, page):
    """CPU time of the daemon for each write of one stretch."""
    clock = (~pid << 3) | 2  # the process's CPU clock: MAKE_PROCESS_CPUCLOCK in the kernel's posix-timers.h
    def read():
        return time.clock_gettime_ns(clock), counter_total(page, WRITES)
    before_ns, before = read()
    after_ns, after = before_ns, before
    for _ in range(100):  # longer where other programs take the CPU
        time.sleep(STRETCH_S)
        after_ns, after = read()
        if after - before >= FEWEST_WRITES:
            break
    else:
        raise Unavailable("the load stands still")
    return (after_ns - before_ns) / (after - before)


def switched(tools, scenario, variant, observer):
    """([CPU ns per operation of each arm, in one block], what the observer saw). `observer`: its arguments, from the counter
    page."""
    blocks, order = [], list(ARMS)
    shuffle = random.Random(1).shuffle
    with loaded_daemon(tools, scenario, variant) as (pid, page):
        collector = Observer(tools, pid, *observer(page))
        for i in range(40 if tools.quick else 200):
            shuffle(order) if i % 2 == 0 else order.reverse()
            costs = {}
            for arm in order:
                if arm == "on":
                    collector.switch("on", "observing")
                costs[arm] = cpu_per_write(pid, page)
                if arm == "on":
                    collector.switch("off", "stopped")
            blocks.append(costs)
        return blocks, collector.seen()


def added(blocks, arm):
    return median_figure([100 * (block[arm] / block["off"] - 1) for block in blocks])


def control_note(blocks):
    control = added(blocks, "control")
    return (f"pairs of {1000 * STRETCH_S:.0f} ms in one daemon; control arm, off against off: {control.value:+.2f} % "
            f"[{control.low:.2f}, {control.high:.2f}]")


def sampled(tools, scenario, variant, frequency_hz):
    key = ("sampled", scenario, variant, frequency_hz)
    if key not in tools.kept:
        tools.kept[key] = switched(tools, scenario, variant, lambda _: ("sampler", frequency_hz))
    return tools.kept[key]


def cost(scenario, variant, frequency_hz):
    """CPU per operation of the daemon in stretches with the sampler above that in stretches without, in per cent."""
    def measure(tools):
        blocks, seen = sampled(tools, scenario, variant, frequency_hz)
        figure = added(blocks, "on")
        walked = seen["whole"] + seen["cut_short"]
        figure.note = f"{control_note(blocks)}; {seen['samples']} samples, {seen['lost']} lost" + (
            f", {100 * seen['whole'] / walked:.1f} % of stacks whole" if walked else "")
        return figure
    return measure


def stamps(scenario, variant):
    """CPU per operation that the daemon's own counting adds while somebody reads along, in per cent."""
    def measure(tools):
        blocks, seen = switched(tools, scenario, variant, lambda page: ("stamps", page))
        figure = added(blocks, "on")
        figure.note = f"{control_note(blocks)}; {seen['futex_calls']} waits and wakes counted"
        return figure
    return measure


def unwinding(scenario, variant, frequency_hz):
    """CPU of the sampler's own thread for each sample, in microseconds: read, unwind, merge; symbols are not in it."""
    def measure(tools):
        _, seen = sampled(tools, scenario, variant, frequency_hz)
        if seen["whole"] + seen["cut_short"] == 0:
            raise Unavailable("no stack was unwound; vfsprof doctor says why")
        return Figure(seen["collector_cpu_ns"] / 1e3 / seen["samples"], repeats=1,
                      note=f"{seen['samples']} samples; all CPU time of the thread, also where it looks for new threads")
    return measure


def symbolising(population):
    """CPU seconds for one million samples of 32 frames; walking copied stacks is not in it."""
    def measure(tools):
        runs = [json.loads(tools.output(tools.program("vfsprof-symbols-bench"), population))
                for _ in range(2 if tools.quick else 6)]
        figure = median_figure([run["store_s"] + run["resolve_s"] for run in runs])
        last = runs[-1]
        figure.note = (f"of it {last['store_s']:.2f} s to merge and {last['resolve_s']:.2f} s to name; {last['nodes']} nodes of "
                       f"call paths, {last['stacks']} stacks; {last['peak_bytes'] / 1e6:.0f} MB")
        return figure
    return measure
