"""The gate itself: how often it is wrong, what it misses, and how sure that is. Jobs are kept as they end (JOBS), so that hours of
machine time can be given in parts: an interrupted measurement goes on where it stopped. VFSPROF_GATE_JOBS bounds the jobs of one call."""

import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import tempfile

import mutation
from figures import Figure, Unavailable
from tools import ROOT, progress

JOBS = os.path.join(ROOT, "build", "gate-jobs.jsonl")
SMALL, LARGE = ("overwrite-4k", 0.1), ("overwrite-1m", 0.1)  # scenario, scale
PASSED, REGRESSED, UNDECIDED = 0, 1, 5  # exit codes of `vfsprof gate`
ALARM_JOBS, LOADED_JOBS, FAULT_REPEATS, POWER_JOBS, REPEATS, COMMENT_JOBS = 300, 60, 3, 50, 20, 5
SURE = 0.95  # of the bounds

# One policy and one budget for false alarms and planted faults (issue 7).
BUDGET = "30s"
METRICS = [
    {"metric": "thread_wakes", "limit": {"absolute": 0.05}}, {"metric": "hand_offs", "limit": {"absolute": 0.05}},
    {"metric": "bytes_copied", "limit": {"absolute": 0.05}}, {"metric": "bytes_zeroed", "limit": {"absolute": 0.05}},
    {"metric": "bytes_hashed", "limit": {"absolute": 0.5}}, {"metric": "cache_syncs", "limit": {"absolute": 0.05}},
    {"metric": "context_switches_per_operation", "limit": {"relative": 0.25}},
    {"metric": "cpu_ns_per_operation", "limit": {"relative": 0.1}},
]

# (fault, variant, scenario, metric that must regress, categories one of which must be named first). A fault of every tenth write ends
# with :10. The fault is planted beside the write, so the cell is one of the thread that writes, but for what the disk cache does.
# A single shard is none of them: on two CPUs one lock around every write was not seen to cost CPU (four session threads, 8 pairs on a
# busy machine; per operation, free: 0.74 [0.52, 1.13] with 4 KiB writes, 0.96 [0.75, 1.25] with 1 MiB; packed: 1.02 [0.86, 1.41]).
# Context switches rose by 1.7 % [0.2, 6.1] in the last, far below what the policy allows.
SESSION, WORKER = "mount_vfs", "vfs-io-worker"
HANDED_OVER = ("mutex-pool",)  # variants whose workers write; elsewhere the session thread does
WAKES, HAND_OFFS, COPIED, ZEROED, HASHED, SYNCS = (
    "thread_wakes", "hand_offs", "bytes_copied", "bytes_zeroed", "bytes_hashed", "cache_syncs")
SWITCHES, CPU = "context_switches_per_operation", "cpu_ns_per_operation"
WAKE, FUTEX, COPY, HASH = ("futex-wake",), ("futex-wake", "futex-wait"), ("memory-copy",), ("key-hash",)
# A new buffer is cleared by its allocator's caller where it is small, by the kernel, fault by fault, where it is large.
CLEAR, FRESH = ("memory-clear",), ("memory-clear", "page-faults", "memory-mapping")
SYNC = ("disk-cache-write",)
FAULTS = (
    ("extra-wake", "default", SMALL, WAKES, WAKE), ("extra-wake:10", "default", SMALL, WAKES, WAKE),
    ("extra-wake", "sync-path", SMALL, WAKES, WAKE), ("extra-wake", "default", LARGE, WAKES, WAKE),
    ("extra-hand-off", "default", SMALL, HAND_OFFS, FUTEX), ("extra-hand-off:10", "default", SMALL, HAND_OFFS, FUTEX),
    ("extra-hand-off", "best", SMALL, HAND_OFFS, FUTEX),
    ("extra-copy", "default", SMALL, COPIED, COPY), ("extra-copy:10", "default", SMALL, COPIED, COPY),
    ("extra-copy", "default", LARGE, COPIED, COPY), ("extra-copy", "mutex-pool", SMALL, COPIED, COPY),
    ("extra-copy", "best", SMALL, COPIED, COPY),
    ("silent-copies", "default", SMALL, CPU, COPY), ("silent-copies", "default", LARGE, CPU, COPY),
    ("extra-allocation", "default", SMALL, ZEROED, CLEAR), ("extra-allocation:10", "default", SMALL, ZEROED, CLEAR),
    ("extra-allocation", "default", LARGE, ZEROED, FRESH),
    ("slow-hash", "default", SMALL, HASHED, HASH), ("slow-hash:10", "default", SMALL, HASHED, HASH),
    ("slow-hash", "mutex-pool", SMALL, HASHED, HASH), ("silent-hash", "default", SMALL, CPU, HASH),
    ("sleep-50us", "default", SMALL, SWITCHES, ("clocks",)),
    # Most of a spin is reading the clock; its own loop is code that no rule knows.
    ("spin-5us", "default", SMALL, CPU, ("clocks", "unclassified")), ("spin-5us", "sync-path", SMALL, CPU, ("clocks", "unclassified")),
    ("system-calls", "default", SMALL, CPU, ("syscall-entry", "unclassified")),
    ("page-faults", "default", SMALL, CPU, ("page-faults", "memory-mapping")),
    ("write-again", "default", SMALL, COPIED, COPY), ("write-again", "default", LARGE, COPIED, COPY),
    ("read-back", "default", SMALL, HASHED, ("memory-copy", "pool-index", "pool-blocks", "write-path")),
    ("fsync-per-write", "default", SMALL, SYNCS, SYNC), ("fsync-per-write:10", "default", SMALL, SYNCS, SYNC),
)


def binomial_cdf(k, n, p):
    return sum(math.comb(n, i) * p**i * (1 - p)**(n - i) for i in range(k + 1))


def upper_bound(k, n):
    """The rate that k of n is surely below (Clopper and Pearson, one-sided)."""
    low, high = (k / n if n else 1.0), 1.0
    if k >= n:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if binomial_cdf(k, n, middle) > 1 - SURE else (low, middle)
    return high


# Of all verdicts of a policy together. False alarms are far rarer: they take an interval wholly beyond 10 % and a control in order
# (reports/tests/test_gate_coverage.cpp: none of 1 000); more confidence only leaves more undecided on a machine with little time.
CONFIDENCE = 0.95


def policy(scenario, budget=BUDGET, metrics=None, confidence=CONFIDENCE):
    return {"schema_version": 1, "name": "bench", "budget": budget, "confidence": confidence,
            "scenarios": [{"name": scenario[0], "scale": scenario[1]}], "metrics": metrics or METRICS}


def builds(tools):
    """Folders of the build as it is and of the one with a planted fault."""
    if "gate-builds" not in tools.kept:
        folders = []
        for name, daemon in (("same", "vfsprof-mount"), ("canary", "vfsprof-mount-canary")):
            folder = os.path.join(tools.work, name)
            os.mkdir(folder)
            os.symlink(tools.program(daemon), os.path.join(folder, "vfsprof-mount"))
            folders.append(folder)
        tools.kept["gate-builds"] = folders
    return tools.kept["gate-builds"]


def gate(tools, demands, variant="default", fault=None, explain=False, candidate=None):
    """{"code", "verdicts", "cells"} of one job: the build against itself, the one with a fault, or another `candidate`."""
    same, canary = builds(tools)
    folder = tempfile.mkdtemp(dir=tools.work)
    path = os.path.join(folder, "policy.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(demands, file)
    command = [tools.program("vfsprof"), "gate", "--policy", path, "--baseline-binary", same, "--candidate-binary",
               candidate or (canary if fault else same), "--variant", variant, "--json", "--out", folder]
    environment = {**os.environ, **({"VFSPROF_CANARY": fault} if fault else {})}
    done = subprocess.run(command + ([] if explain else ["--no-explanation"]), check=False, text=True, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in (PASSED, REGRESSED, UNDECIDED):
        raise Unavailable(f"the gate ended with code {done.returncode}: {done.stderr.strip().split(chr(10))[-1]}")
    scenario = json.loads(done.stdout)["scenarios"][0]
    shutil.rmtree(folder)
    return {"code": done.returncode,
            "verdicts": {row["metric"]: row["verdict"] for row in scenario["metrics"] if row["verdict"] != "equivalent"},
            "cells": [[cell["role"], cell["category"]] for cell in scenario["moved_cells"][:3]],
            "undecided": {row["metric"]: [row["reason"], row["pairs"], row["ratio_interval"], row["control_interval"]]
                          for row in scenario["metrics"] if row["verdict"] in ("undecided", "not judged")}}


def programs_id(tools):
    """Of the programs that are judged and that judge, and of the policy: a commit that changes neither lets measuring go on."""
    if "gate-programs" not in tools.kept:
        digest = hashlib.sha256(json.dumps(policy(SMALL)).encode())
        for name in ("vfsprof", "vfsprof-mount", "vfsprof-mount-canary"):
            with open(tools.program(name), "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        tools.kept["gate-programs"] = digest.hexdigest()[:12]
    return tools.kept["gate-programs"]


def jobs_of(tools, part):
    """Those of these programs and this policy that have ended."""
    if not os.path.exists(JOBS):
        return []
    with open(JOBS, encoding="utf-8") as file:
        entries = [json.loads(line) for line in file if line.endswith("\n")]
    return [entry for entry in entries if entry["part"] == part and entry.get("programs") == programs_id(tools)]


def run_jobs(tools, part, wanted, job):
    """Runs what is missing of the wanted jobs, {key: argument}, as many as one call may; all that have ended."""
    ended = {entry["key"]: entry for entry in jobs_of(tools, part)}
    most = int(os.environ.get("VFSPROF_GATE_JOBS", "2" if tools.quick else str(len(wanted))))
    missing = [key for key in wanted if key not in ended][:most]
    for number, key in enumerate(missing):
        progress(f"{part}: job {number + 1} of {len(missing)}, {len(wanted)} in all: {key}")
        entry = {"part": part, "key": key, "programs": programs_id(tools), **job(wanted[key])}
        os.makedirs(os.path.dirname(JOBS), exist_ok=True)
        with open(JOBS, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        ended[key] = entry
    done = [ended[key] for key in wanted if key in ended]
    if not done:
        raise Unavailable("no job has ended yet; run it again")
    return done


def share(entries, predicate, note):
    hits = sum(1 for entry in entries if predicate(entry))
    return Figure(100 * hits / len(entries), repeats=len(entries),
                  note=f"{hits} of {len(entries)}; surely at least {100 * (1 - upper_bound(len(entries) - hits, len(entries))):.1f} %"
                       f"; {note}")


def quiet_jobs(tools):
    return run_jobs(tools, "false-alarms", {str(i): i for i in range(ALARM_JOBS)}, lambda _: gate(tools, policy(SMALL)))


def false_alarms(tools):
    done = quiet_jobs(tools)
    wrong = sum(entry["code"] == REGRESSED for entry in done)
    return Figure(100 * upper_bound(wrong, len(done)), repeats=len(done),
                  note=f"{wrong} of {len(done)} jobs of a build against itself; the bound holds at {100 * SURE:g} %")


def undecided(tools):
    done = quiet_jobs(tools)
    count = sum(entry["code"] == UNDECIDED for entry in done)
    return Figure(100 * count / len(done), repeats=len(done), note=f"{count} of {len(done)}")


def loaded(tools):
    """Beside stress-ng on one CPU of two."""
    if shutil.which("stress-ng") is None:
        raise Unavailable("stress-ng is missing; install it with scripts/setup --bench")
    workers = str(max(1, (os.cpu_count() or 1) // 2))

    def job(_):
        stress = subprocess.Popen(["stress-ng", "--cpu", workers, "--quiet"], stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            return gate(tools, policy(SMALL))
        finally:
            os.killpg(stress.pid, signal.SIGTERM)
            stress.wait()
    done = run_jobs(tools, "loaded", {str(i): i for i in range(LOADED_JOBS)}, job)
    wrong = sum(entry["code"] == REGRESSED for entry in done)
    return Figure(wrong, repeats=len(done), note=f"{sum(entry['code'] == UNDECIDED for entry in done)} undecided; rate surely below "
                                                 f"{100 * upper_bound(wrong, len(done)):.1f} %")


def fault_jobs(tools):
    wanted = {f"{fault} {variant} {scenario[0]} {i}": (fault, variant, scenario)
              for i in range(FAULT_REPEATS) for fault, variant, scenario, _, _ in FAULTS}
    return run_jobs(tools, "faults", wanted,
                    lambda case: gate(tools, policy(case[2]), variant=case[1], fault=case[0], explain=True))


def faults(tools):
    done = fault_jobs(tools)
    missed = sorted({entry["key"].rsplit(" ", 1)[0] for entry in done if entry["code"] != REGRESSED})
    return share(done, lambda entry: entry["code"] == REGRESSED,
                 f"{len(FAULTS)} faults; missed: {', '.join(missed) or 'none'}")


def small_faults(tools):
    done = [entry for entry in fault_jobs(tools) if ":10 " in entry["key"]]
    if not done:
        raise Unavailable("no job with a fault in every tenth write has ended yet; run it again")
    return share(done, lambda entry: entry["code"] == REGRESSED, "one extra event in ten operations")


def is_named(entry):
    """The metric that must regress did, and the first cell of the explanation is the fault's."""
    known = {f"{fault} {variant} {scenario[0]}": (variant, metric, categories)
             for fault, variant, scenario, metric, categories in FAULTS}
    variant, metric, categories = known[entry["key"].rsplit(" ", 1)[0]]
    if not entry["cells"]:
        return False
    role, category = entry["cells"][0]
    writers = (SESSION, WORKER) if categories is SYNC else (WORKER,) if variant in HANDED_OVER else (SESSION,)
    return (category in categories and role in writers
            and entry["verdicts"].get(metric) == "regressed")


def cells(tools):
    done = [entry for entry in fault_jobs(tools) if entry["code"] == REGRESSED]
    if not done:
        raise Unavailable("no fault was caught yet; run it again")
    wrong = sorted({f"{entry['key']}: {'/'.join(entry['cells'][0]) if entry['cells'] else 'none'}"
                    for entry in done if not is_named(entry)})
    return share(done, is_named, f"metric, thread and category of the first cell; others: {'; '.join(wrong) or 'none'}")


COMMENT = "// Another comment, for the gate: nothing else changed.\n"


def rebuilt(tools):
    """A folder with the daemon as it is built from the same source with one more comment in each file of the file system."""
    if "gate-rebuilt" not in tools.kept:
        folder = os.path.join(tools.work, "comments")
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("build", ".git", "vfsprof-out"))
        for place, _, names in os.walk(os.path.join(folder, "vfs")):
            for name in names:
                if name.endswith((".h", ".cpp")):
                    with open(os.path.join(place, name), "r+", encoding="utf-8") as file:
                        text = file.read()
                        file.seek(0)
                        file.write(COMMENT + text)
        progress("comments: building vfsprof-mount from the changed source")
        for step in (("cmake", "--preset", "release", "-DVFSPROF_ENGINES=named"),
                     ("cmake", "--build", "build/release", "--target", "vfsprof-mount")):
            done = subprocess.run(step, cwd=folder, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                raise Unavailable(f"{' '.join(step)} failed: {done.stdout[-300:]}")
        tools.kept["gate-rebuilt"] = os.path.join(folder, "build", "release")
    return tools.kept["gate-rebuilt"]


def comments(tools):
    """A change of comments stays green."""
    done = run_jobs(tools, "comments", {str(i): i for i in range(COMMENT_JOBS)},
                    lambda _: gate(tools, policy(SMALL), candidate=rebuilt(tools)))
    passed = sum(entry["code"] == PASSED for entry in done)
    return Figure(100 * passed / len(done), repeats=len(done), note=f"{passed} of {len(done)} passed")


def power(tools):
    """A rise of 5 %: a spin of 5 us in each N-th write, N by what an operation costs here."""
    if "gate-cpu" not in tools.kept:
        report = json.loads(tools.output(
            tools.program("vfsprof"), "run", "--scenario", SMALL[0], "--scale", str(SMALL[1]), "--variant", "default", "--rounds",
            "6", "--profile-rounds", "0", "--trace-rounds", "0", "--no-floor", "--json", "--out", os.path.join(tools.work, "cpu")))
        tools.kept["gate-cpu"] = report["arms"][0]["cpu_ns_per_operation"]
    every = max(1, round(5_000 / (0.05 * tools.kept["gate-cpu"])))
    metrics = [{"metric": "cpu_ns_per_operation", "limit": {"relative": 0.01}}]
    done = run_jobs(tools, "power", {str(i): i for i in range(POWER_JOBS)},
                    lambda _: {**gate(tools, policy(SMALL, "3m", metrics), fault=f"spin-5us:{every}"), "every": every})
    return share(done, lambda entry: entry["code"] == REGRESSED, f"5 us in each write of {every}")


def repeats(tools):
    """The most frequent verdict of the comparison of pools, within two minutes each."""
    def job(_):
        report = json.loads(tools.output(
            tools.program("vfsprof"), "compare", "--scenario", "dirty-overwrite", "--variant", "pool=mutex", "--variant",
            "pool=sharded", "--budget", "2m", "--no-floor", "--profile-rounds", "0", "--trace-rounds", "0", "--json", "--out",
            os.path.join(tools.work, "repeat")))
        return {"verdict": report["comparisons"][0]["verdict"]}
    done = run_jobs(tools, "repeats", {str(i): i for i in range(REPEATS)}, job)
    verdicts = [entry["verdict"] for entry in done]
    most = max(set(verdicts), key=verdicts.count)
    return Figure(verdicts.count(most), repeats=len(done), note=f"{most} in {verdicts.count(most)} of {len(done)}")


def coverage(tools):
    if "gate-coverage" not in tools.kept:
        tools.kept["gate-coverage"] = json.loads(tools.output(tools.program("vfsprof-gate-bench")))
    return tools.kept["gate-coverage"]


def least_coverage(tools):
    shapes = coverage(tools)
    name = min(shapes, key=lambda shape: shapes[shape]["coverage"])
    return Figure(100 * shapes[name]["coverage"], repeats=shapes[name]["sets"],
                  note=f"{name}; " + ", ".join(f"{shape} {100 * shapes[shape]['coverage']:.2f}" for shape in shapes))


def coverage_deviation(tools):
    """From the exact value of the sign test, for continuous independent shapes."""
    exact = {name: shape for name, shape in coverage(tools).items() if shape["is_exact"]}
    name = max(exact, key=lambda shape: abs(exact[shape]["coverage"] - exact[shape]["exact"]))
    return Figure(100 * abs(exact[name]["coverage"] - exact[name]["exact"]), repeats=exact[name]["sets"],
                  note=f"{name}; exact {100 * exact[name]['exact']:.2f} % at {exact[name]['pairs']} pairs")


def mutation_score(tools):
    killed, survived, left, _ = mutation.measure(5 if tools.quick else None)
    if killed + survived == 0:
        raise Unavailable("no mutant was tried yet; run it again")
    return Figure(100 * killed / (killed + survived), repeats=killed + survived,
                  note=f"{killed} of {killed + survived} noticed, {left} not tried yet")
