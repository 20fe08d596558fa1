"""What scenarios take by default, and what their generator costs."""

import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from figures import Figure, Unavailable, median_figure
from tools import progress, scenario_names

VARIANTS = ("default", "mutex-pool")
GIB = 1 << 30
WATCH_S = 0.2  # between two looks at memory and disk
ENOUGH_OPERATIONS = 20_000
PAGE = os.sysconf("SC_PAGE_SIZE")


def descendants(pid):
    """The process and all below it."""
    found = [pid]
    for each in found:
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{task}/children", encoding="ascii") as file:
                    found.extend(int(child) for child in file.read().split())
        except OSError:
            continue
    return found


def resident_bytes(pid):
    total = 0
    for each in descendants(pid):
        try:
            with open(f"/proc/{each}/statm", encoding="ascii") as file:
                fields = file.read().split()
            total += (int(fields[1]) - int(fields[2])) * PAGE  # without files' pages, which are shared
        except (OSError, IndexError, ValueError):
            continue
    return total


def disk_bytes(folder, device):
    """What a folder takes on its own disk; mounts in it are not entered."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if status.st_dev != device:
                    continue
                total += status.st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    total += disk_bytes(entry.path, device)
    except OSError:
        pass  # it is gone by now
    return total


class Peaks(threading.Thread):
    """Looks at a process and a folder now and then."""

    def __init__(self, pid, folder):
        super().__init__(daemon=True)
        self.pid, self.folder, self.over = pid, folder, threading.Event()
        self.memory = self.disk = 0

    def run(self):
        device = os.stat(self.folder).st_dev
        while not self.over.wait(WATCH_S):
            self.memory = max(self.memory, resident_bytes(self.pid))
            self.disk = max(self.disk, disk_bytes(self.folder, device))


ONE_ROUND = ("--rounds", "1", "--profile-rounds", "0", "--trace-rounds", "0", "--warm-up-rounds", "0", "--no-floor")


def run_once(tools, scenario, *options):
    """(seconds, bytes of memory, bytes of disk, seconds of CPU) of `vfsprof run`, from the command's start to its end."""
    out = tempfile.mkdtemp(dir=tools.work)
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen([tools.program("vfsprof"), "run", "--scenario", scenario, *options, "--out", out],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        peaks = Peaks(process.pid, out)
        peaks.start()
        said = process.stderr.read()
        code = process.wait()
    seconds = time.monotonic() - start
    peaks.over.set()
    peaks.join()
    shutil.rmtree(out, ignore_errors=True)
    if code != 0:
        raise Unavailable(f"{scenario} ended with code {code}: {said.strip().splitlines()[-1:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, peaks.memory, peaks.disk, cpu_s


def limits(tools):
    """{(scenario, variant): (seconds, memory, disk)} of the whole library."""
    if "scenarios" not in tools.kept:
        found = {}
        for name in scenario_names(tools.cases):
            for variant in VARIANTS:
                found[name, variant] = seconds, memory, disk, cpu_s = run_once(
                    tools, name, "--variant", variant, *ONE_ROUND)
                progress(f"{name} under {variant}: {seconds:.1f} s ({cpu_s:.1f} s of CPU), {memory / GIB:.2f} GiB of memory, "
                         f"{disk / GIB:.2f} of disk")
        tools.kept["scenarios"] = found
    return tools.kept["scenarios"]


def worst(index, scale):
    """The largest of one figure over all scenarios."""
    def measure(tools):
        (name, variant), values = max(limits(tools).items(), key=lambda item: item[1][index])
        return Figure(values[index] / scale, note=f"most: {name} under {variant}, {values[3]:.1f} s of CPU; each one round, "
                      "set-up and report included")
    return measure


def whole_run(tools):
    """The slowest `vfsprof run --scenario NAME`, nothing else said: all kinds of rounds, and the report."""
    found = {}
    for name in scenario_names(tools.cases):
        found[name] = run_once(tools, name)[0]
        progress(f"run of {name}: {found[name]:.1f} s")
    name = max(found, key=found.get)
    return Figure(found[name], repeats=len(found), note=f"most: {name}; median {statistics.median(found.values()):.1f} s")


def generator_share(tools):
    """Of the CPU time of clients and daemon together."""
    arm = tools.vfsprof("run", "overwrite-4k", "default")["arms"][0]
    clients = arm["clients"]
    cpu_ns = arm["cpu_ns_per_operation"] + arm["client_cpu_ns_per_operation"]
    return Figure(100 * clients["generator_ns_per_operation"] / cpu_ns, repeats=arm["timing_rounds"],
                  note=f"{clients['generator_ns_per_operation']:.0f} ns with two clock readings, of {cpu_ns:.0f} ns")


def generator_runs(tools, scenario):
    """Runs of the generator by itself, on the null target: operations succeed at once, without system calls. Scaled up where
    there are few of them, as the first ones cost more."""
    def run(scale):
        return json.loads(tools.output(tools.program("vfsprof"), "generator", "--scenario", scenario, "--scale", f"{scale:g}"))
    scale = min(1000, max(1, math.ceil(ENOUGH_OPERATIONS / max(1, run(1)["operations"]))))
    return [run(scale) for _ in range(6 if tools.quick else 14)]


def generator_without_clocks(tools, scenario):
    return median_figure([run["ns_without_clocks"] for run in generator_runs(tools, scenario)])


def generator_of_library(tools):
    """The dearest generator of all scenarios."""
    found = {name: generator_without_clocks(tools, name) for name in scenario_names(tools.cases)}
    name, figure = max(found.items(), key=lambda item: item[1].value)
    figure.note = f"most: {name}; " + ", ".join(f"{each} {found[each].value:.0f}" for each in found)
    return figure
