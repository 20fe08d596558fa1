"""The analysis itself: how often its intervals hold the truth, how long a million samples take, what its rules leave
unclassified of the reference file system."""

import json
import math
import os
import shutil
import subprocess
import time

from daemons import unclassified_of
from figures import Figure, Unavailable
from tools import progress, scenario_names

SAMPLES = 1_000_000
COVERAGE_SEED = "771203"  # not one that the method was tuned on
LEAST, MOST = 0.93, 0.97
ENOUGH_SAMPLES, MOST_ROUNDS = 1500, 40  # of a case
VARIANTS = ("mutex-pool", "sharded-pool", "sync-path", "default", "best", "null")


def timed_process(command, out):
    """(seconds, peak MiB) of a process whose output goes to a file."""
    start = time.monotonic()
    with open(out, "wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise Unavailable(f"{os.path.basename(command[0])} ended with code {process.returncode}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def worlds(tools):
    """Of each simulated world how many intervals held the truth; those outside of the target are marked."""
    if "coverage" not in tools.kept:
        runs = "100" if tools.quick else "1000"
        found = json.loads(tools.output(tools.program("vfsprof-reports-bench"), "coverage", runs, COVERAGE_SEED))
        for world in found:
            shown = ", ".join(f"{figure} {100 * world[figure]:.2f} %" for figure in ("share", "cost"))
            outside = any(not LEAST <= world[figure] <= MOST for figure in ("share", "cost"))
            progress(f"  {world['world']:<44} {shown}, {world['intervals']} intervals{'  OUTSIDE' if outside else ''}")
        tools.kept["coverage"] = (runs, found)
    return tools.kept["coverage"]


def coverage(pick):
    """The world whose coverage of shares or costs is the least or the most."""
    def measure(tools):
        runs, found = worlds(tools)
        value, world, figure = pick((world[figure], world["world"], figure) for world in found for figure in ("share", "cost"))
        return Figure(100 * value, note=f"{runs} runs of each of {len(found)} worlds, seed {COVERAGE_SEED}; {figure}, {world}")
    return measure


def large_result(tools):
    path = os.path.join(tools.work, "large.json")
    if not os.path.exists(path):
        timed_process([tools.program("vfsprof-reports-bench"), "result", str(SAMPLES)], path)
    return path


def report_cost(index):
    """Seconds (0) or peak MiB (1) from a file with a million samples to its report."""
    def measure(tools):
        command = [tools.program("vfsprof"), "report", large_result(tools), "--format", "md"]
        runs = sorted(timed_process(command, os.path.join(tools.work, "large.md"))[index] for _ in range(3))
        return Figure(runs[1], note=f"median of 3; {os.path.getsize(large_result(tools)) >> 20} MiB of JSON")
    return measure


def import_to_script(tools):
    """Time to import and report a recording, to the time in which `perf script` prints it; in turns."""
    if not shutil.which("perf"):
        raise Unavailable("perf is not installed; scripts/setup installs it")
    data, text = os.path.join(tools.work, "speed.data"), os.path.join(tools.work, "speed.txt")
    seconds = "3" if tools.quick else "30"
    load = ["sh", "-c", f"timeout {seconds} sh -c 'while :; do tar -cf - /usr/include | gzip -1 | wc -c; done' >&2; true"]
    tools.output("perf", "record", "-q", "-F", "20000", "-g", "-o", data, "--", *load)
    script = timed_process(["perf", "script", "-i", data], text)[0]
    imported = timed_process([tools.program("vfsprof"), "import", text, "--out", os.path.join(tools.work, "speed")],
                             os.path.join(tools.work, "speed.md"))[0]
    with open(text, "rb") as file:
        samples = sum(1 for line in file if line == b"\n")
    return Figure(imported / script, note=f"{samples} samples, {os.path.getsize(text) >> 20} MiB of text; perf script "
                                          f"{script:.1f} s, import and report {imported:.1f} s")


def unclassified_in(tools, scenario, variant):
    """(share, samples, what it is) of one case, profiled for long enough that one sample cannot be the share."""
    rounds = 2
    while True:
        found = unclassified_of(json.loads(tools.output(
            tools.program("vfsprof"), "run", "--scenario", scenario, "--variant", variant, "--rounds", "1", "--profile-rounds",
            str(rounds), "--trace-rounds", "0", "--frequency", "4999", "--no-floor", "--json", "--out",
            os.path.join(tools.work, "own"))))
        if found[1] >= ENOUGH_SAMPLES or rounds >= MOST_ROUNDS:
            return found
        rounds = min(MOST_ROUNDS, math.ceil(1.2 * rounds * ENOUGH_SAMPLES / max(1, found[1])))


def unclassified_own(tools):
    """The worst share over the reference scenarios and all named variants."""
    scenarios = scenario_names(tools.cases)
    found, unfit = [], []
    for scenario in scenarios[:3] if tools.quick else scenarios:
        for variant in VARIANTS:
            try:
                case = unclassified_in(tools, scenario, variant)
            except Unavailable:
                if variant != "null":  # it keeps no files, and most scenarios come back to theirs
                    raise
                unfit.append(scenario)
                continue
            found.append((*case, f"{scenario}, {variant}"))
            progress(f"  {found[-1][3]:<34} {found[-1][0]:5.2f} % of {found[-1][1]} samples; {found[-1][2]}")
    if not found:
        raise Unavailable("no scenario was chosen: --cases names none that vfsprof lists")
    share, samples, top, where = max(found)
    note = f"; not under null: {', '.join(unfit)}" if unfit else ""
    return Figure(share, note=f"worst of {len(found)}: {where}, {samples} samples; {top}{note}")
