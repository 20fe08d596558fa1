"""What reports recommend, for programs with one planted fault each: variants of the reference file system as they run, and
planted_faults as perf records it, or, where the fault is waiting, as `vfsprof profile` traces it. Precision: recommendations that are right. Recall: faults that were found. Right means the
rule, the thread and category that hold most of its evidence, and the remedy."""

import json
import os
import re
import shutil
from dataclasses import dataclass

from figures import Figure, Unavailable
from tools import progress

CASE_SECONDS = 180  # a case that needs more is skipped
TRACED_SECONDS = "8"  # enough for each kind of turn

JOB = {"name": "job", "rw": "write", "size": "16m", "prefill": True}
SCENARIOS = {
    "small": dict(JOB, bs="4k", number_ios=20000),
    "random": dict(JOB, rw="randwrite", bs="4k", size="4m", nrfiles=2, numjobs=4, number_ios=5000),
    "large": dict(JOB, bs="1m", size="32m", number_ios=600),
    "cut": dict(JOB, bs="128k", number_ios=1500),
    "synced": dict(JOB, bs="4k", size="4m", number_ios=800, fsync=1),
    "fresh": {"name": "job", "rw": "write", "bs": "128k", "size": "32m", "loops": 6, "create": True, "end_fsync": True},
}


@dataclass
class Case:
    """`expected`: (rule, thread role, categories of which one has most of the evidence, change), or nothing. Of waiting the
    third is words, or parts of them."""
    name: str
    subject: str  # a variant, or a fault of planted_faults
    scenario: str  # empty: planted_faults
    expected: tuple | None
    waiting: bool = False  # look at what the ledgers of waits recommend, not the samples


SESSION, WORKER, OTHER = "mount_vfs", "vfs-io-worker", "server"
ANY_FILE_SYSTEM_THREAD = (SESSION, WORKER, "vfs-async-executor")
CASES = [
    Case("hand-off, as found", "mutex-pool", "random",
         ("hand-off", ANY_FILE_SYSTEM_THREAD, ("futex-wait", "futex-wake", "scheduler"), "executor=sync")),
    Case("hand-off alone", "default,executor=block_on", "small",
         ("hand-off", ANY_FILE_SYSTEM_THREAD, ("futex-wait", "futex-wake", "scheduler"), "executor=sync")),
    Case("spinning hand-off", "default,executor=spin", "small",
         ("hand-off", ANY_FILE_SYSTEM_THREAD, ("executor", "scheduler", "futex-wait"), "executor=sync")),
    Case("extra copies", "sharded-pool,executor=sync,flush=batched,memory=arena,max_write=1m,chunk=1m", "large",
         ("copies", (SESSION,), ("memory-copy", "page-faults"), "copy=direct")),
    Case("requests cut small", "default,max_write=4k", "cut",
         ("small-requests", (SESSION,), ("fuse-reply", "fuse-request-read", "fuse-page-copy"), "max_write=1m")),
    Case("fsync per write", "default", "synced", ("sync-per-write", (WORKER,), ("disk-cache-write",), "")),
    Case("a write-back per chunk", "default,flush=per_chunk,chunk=4k", "fresh",
         ("chunk-flush", (WORKER,), ("disk-cache-write", "kernel-files"), "flush=batched")),
    Case("whole-file write-back", "default,flush=whole_file", "fresh",
         ("whole-file-flush", (WORKER,), ("disk-cache-write", "memory-copy", "page-faults"), "flush=batched")),
    Case("growing blocks", "default,memory=heap", "fresh",
         ("growing-blocks", (SESSION, WORKER), ("page-faults", "memory-clear", "allocator"), "memory=arena")),
    Case("clean default", "default", "small", None),
    Case("clean best", "best", "small", None),
    Case("clean default, at random", "default", "random", None),
    Case("wake-up per item", "wakes", "", ("wake-ups", (OTHER,), ("futex-wake", "futex-wait"), "")),
    Case("one lock", "lock", "", ("global-lock", (OTHER,), ("futex-wake", "futex-wait"), "")),
    Case("spinning", "spin", "", ("spinning", (OTHER,), ("scheduler", "syscall-entry", "unclassified"), "")),
    Case("fault storm", "faults", "", ("fault-storm", (OTHER,), ("page-faults",), "")),
    Case("extra copy", "copies", "", ("extra-copies", (OTHER,), ("memory-copy",), "")),
    Case("allocation per operation", "allocations", "", ("allocations", (OTHER,), ("allocator",), "")),
    Case("slow hash", "hash", "", ("slow-key-hash", (OTHER,), ("key-hash",), "")),
    Case("sync per record", "syncs", "", ("sync-calls", (OTHER,), ("disk-cache-write",), "")),
    Case("tiny reads", "reads", "", ("small-system-calls", (OTHER,), ("disk-cache-read", "syscall-entry"), "")),
    Case("open per operation", "opens", "", ("open-per-operation", (OTHER,), ("kernel-files",), "")),
    Case("thread per operation", "threads", "", ("thread-per-operation", (OTHER,), ("threads", "futex-wait"), "")),
    Case("clock per item", "clocks", "", ("clock-reads", (OTHER,), ("clocks",), "")),
    Case("clean", "clean", "", None),
    Case("one copy that is needed", "one-copy", "", None),
    Case("waiting: lock over I/O", "queue", "", ("lock-wait", (OTHER,), ("queue",), ""), waiting=True),
    Case("waiting: useless wakes", "knocks", "", ("useless-wakes", (OTHER,), ("knock",), ""), waiting=True),
    Case("waiting: failed sleeps", "late-sleeps", "", ("failed-sleeps", (OTHER,), ("late_sleeps",), ""), waiting=True),
    Case("waiting: a lock for each", "queue-of-one", "", None, waiting=True),
    Case("waiting: clean", "clean", "", None, waiting=True),
    Case("waiting: clean default", "default", "random", None, waiting=True),
]


def measured(tools, case, folder):
    """The report of a variant of the reference file system."""
    path = os.path.join(folder, "scenario.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"name": case.scenario, "summary": case.name, "stresses": case.name, "jobs": [SCENARIOS[case.scenario]]}, file)
    return json.loads(tools.output(
        tools.program("vfsprof"), "run", "--scenario", path, "--variant", case.subject, "--placement",
        "free" if case.waiting else "packed", "--rounds", "1",
        "--profile-rounds", "1" if case.waiting else "3", "--trace-rounds", "3" if case.waiting else "0", "--frequency", "1999",
        "--no-floor", "--json", "--out", os.path.join(folder, "out"), seconds=CASE_SECONDS))


def recorded(tools, case, folder):
    """The report of a recording. All CPUs are sampled: per-thread timers miss threads that run for moments."""
    if shutil.which("perf") is None:
        raise Unavailable("perf is not installed (scripts/setup)")
    data, text = os.path.join(folder, "perf.data"), os.path.join(folder, "perf.txt")
    tools.output("perf", "record", "-q", "-a", "-F", "1999", "-g", "-o", data, "--", tools.program("planted_faults"),
                 case.subject, "1", seconds=CASE_SECONDS)
    with open(text, "w", encoding="utf-8") as file:
        file.write(tools.output("perf", "script", "--comm", OTHER, "-i", data))
    return json.loads(tools.output(tools.program("vfsprof"), "import", text, "--json", "--out", os.path.join(folder, "out")))


def traced(tools, case, folder):
    """The report of a program that was observed in turns: sampled, traced, left alone."""
    return json.loads(tools.output(
        tools.program("vfsprof"), "profile", "--json", "--duration", TRACED_SECONDS, "--out", os.path.join(folder, "out"), "--",
        tools.program("planted_faults"), case.subject, TRACED_SECONDS, seconds=CASE_SECONDS))


def listed_opportunities(tools, case, folder):
    """What the report of a case recommends; from --keep if it is there."""
    kept = os.path.join(tools.keep, re.sub(r"\W+", "-", case.name) + ".json") if tools.keep else ""
    if kept and os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            return json.load(file)
    report = (measured if case.scenario else traced if case.waiting else recorded)(tools, case, folder)
    found = report["opportunities"][0]
    if case.waiting and found["waits"]["missing"]:
        raise Unavailable(f"not looked for: {found['waits']['missing']}")
    listed = (found["waits"] if case.waiting else found)["listed"]
    if kept:
        os.makedirs(tools.keep, exist_ok=True)
        with open(kept, "w", encoding="utf-8") as file:
            json.dump(listed, file)
    return listed


def chosen(tools):
    return [case for case in CASES if not tools.cases or case.subject in tools.cases
            or any(case.name.startswith(name) for name in tools.cases)]


def largest(found):
    """(thread role, category or word) of most of the evidence."""
    evidence = found["evidence"]
    if "cells" in evidence:
        return evidence["cells"][0]["role"], evidence["cells"][0]["category"]
    return evidence["parts"][0]["role"], found["word"]


def is_right(found, expected):
    if expected is None:
        return False
    rule, roles, places, change = expected
    role, place = largest(found)
    changes = ",".join(f"{each['axis']}={each['value']}" for each in found["changes"])
    is_place = any(each in place for each in places) if "word" in found else place in places
    return found["id"] == rule and role in roles and is_place and changes == change


def score(tools):
    """(right, found, planted) over all cases, and a line for each."""
    right = found = planted = 0
    skipped = []
    for number, case in enumerate(chosen(tools)):
        folder = os.path.join(tools.work, f"opportunity-{number}")
        os.makedirs(folder)
        try:
            listed = listed_opportunities(tools, case, folder)
        except Unavailable as error:
            skipped.append(f"{case.name}: {error}")
            progress(f"  {case.name:<26} skipped: {error}")
            continue
        hits = sum(is_right(each, case.expected) for each in listed)
        right, found, planted = right + hits, found + len(listed), planted + (case.expected is not None)
        names = ", ".join(f"{each['id']} ({largest(each)[1]} in {largest(each)[0]}, "
                          f"{100 * each['impact_interval'][0]:.0f} to {100 * each['impact_interval'][1]:.0f} %)" for each in listed)
        verdict = "right" if len(listed) == hits and hits == (case.expected is not None) else "WRONG"
        progress(f"  {case.name:<26} {verdict:<6} {names or 'nothing'}")
    return right, found, planted, skipped


def scored(tools):
    """Measured once for both numbers."""
    if not hasattr(tools, "opportunity_score"):
        tools.opportunity_score = score(tools)
    return tools.opportunity_score


def figure(amount, whole, what, skipped):
    if whole == 0:
        raise Unavailable(f"no case could run: {skipped[0] if skipped else 'there are none'}")
    return Figure(amount / whole, note=f"{amount} of {whole} {what}" + (f", {len(skipped)} cases skipped" if skipped else ""))


def precision(tools):
    right, found, _, skipped = scored(tools)
    return figure(right, found, "recommendations", skipped)


def recall(tools):
    right, _, planted, skipped = scored(tools)
    return figure(right, planted, "planted faults", skipped)
