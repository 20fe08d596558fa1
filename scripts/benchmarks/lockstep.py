"""Whether counts repeat in lockstep, and what the null handler in process costs."""

import json
import os
import sys

from figures import Figure, Unavailable, median_figure

# Scenario, its scale, variant and share of the rounds; all but the second read what they wrote.
RUNS = (("mixed-read-write", "0.02", "default", 0.4), ("shared-file-writers", "0.05", "default", 0.2),
        ("fileserver", "0.02", "best", 0.2), ("varmail", "0.02", "sync-path", 0.2))
ROUNDS, QUICK_ROUNDS = 200, 20


def run(tools, out, *arguments):
    folder = os.path.join(tools.work, out)
    tools.output(tools.program("vfsprof"), "run", *arguments, "--profile-rounds", "0", "--trace-rounds", "0",
                 "--no-floor", "--json", "--out", folder)
    return folder


def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def repeated(target):
    """The share of rounds whose count vector is that of the first of its run. Prints every difference."""
    def measure(tools):
        rounds = equal = counts = 0
        for scenario, scale, variant, share in RUNS:
            wanted = max(2, round(share * (QUICK_ROUNDS if tools.quick else ROUNDS)))
            folder = run(tools, f"lockstep-{target}-{scenario}", "--scenario", scenario, "--scale", scale, "--target", target,
                         "--variant", variant, "--lockstep", "--rounds", str(wanted))
            found = read(folder, "report.json")["lockstep"]
            for difference in found["differences"]:
                print(f"bench: {scenario}: {difference}", file=sys.stderr)
            rounds += found["rounds"]
            equal += found["rounds"] - len(found["differences"])
            counts = max(counts, found["counts"])
        if rounds == 0:
            raise Unavailable("no round counted")
        return Figure(100 * equal / rounds, repeats=rounds,
                      note=f"{equal} of {rounds} rounds; up to {counts} counts each; {len(RUNS)} scenarios and variants")
    return measure


def null_beside_fio(tools, scenario, fio):
    """Operations per second of CPU of a whole round in process with the null handler, to those of fio's null engine; in
    turns."""
    ratios = []
    for i in range(4 if tools.quick else 8):
        folder = run(tools, f"null-{i}", "--scenario", scenario, "--target", "inproc", "--variant", "null", "--rounds", "1",
                     "--placement", "packed")
        done = read(folder, "run.json")["rounds"][0]
        ours = done["process_cpu_ns"] / sum(operation["count"] for operation in done["operations"])
        job = json.loads(tools.output(*fio))["jobs"][0]
        cpu_ns = job["job_runtime"] * 1e6 * (job["usr_cpu"] + job["sys_cpu"]) / 100
        ratios.append(cpu_ns / job["write"]["total_ios"] / ours)
    return median_figure(ratios, "CPU time of fio --ioengine=null, bs=4k, default clocks, to ours")
