"""How well a replay at the recorded pace keeps its times, seen from the file system: the requests that a mount records while a
list of writes is replayed on it, beside the times in the list."""

import json
import os
import random

from figures import Figure, Unavailable, median
from tools import ROOT, progress

RATE_HZ = 100  # writes a second, all clients together
CLIENTS = 4
SEED = 7
SCALE = "0.05"  # of the scenarios of the library


def make_list(path, seconds):
    """A recording of writes at random intervals; returns their times in ns."""
    times, now, draw = [], 0.0, random.Random(SEED)
    while now < seconds:
        now += draw.uniform(0.1, 1.9) / RATE_HZ
        times.append(int(now * 1e9))
    lines = [{"format": 1, "name": "paced-writes", "summary": "writes at known times", "stresses": "the replay's clock",
              "placement": "free"}]
    lines += [{"client": client, "op": "create", "path": f"f{client}", "fd": client} for client in range(CLIENTS)]
    lines += [{"client": i % CLIENTS, "at_ns": at, "op": "write", "fd": i % CLIENTS, "offset": i // CLIENTS % 256 * 4096,
               "size": 4096} for i, at in enumerate(times)]
    lines.append({"end": {"operations": len(lines) - 1}})
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return times


def writes_of(path):
    """When the mount received each write, in ns."""
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [line["at_ns"] for line in lines if line.get("op") == "write"]


def run(tools, scenario, *options):
    """A timing round; Unavailable with what vfsprof said where it is void."""
    tools.output(tools.program("vfsprof"), "run", "--scenario", scenario, *options, "--rounds", "1", "--warm-up-rounds", "0", "--profile-rounds", "0",
                 "--trace-rounds", "0", "--no-floor", "--out", os.path.join(tools.work, "replay"))


def lateness(tools):
    """(ns by which each write came later than the most punctual one, seconds that the list takes)."""
    if "lateness" not in tools.kept:
        seconds = 60 if tools.quick else 300
        wanted_path, got_path = os.path.join(tools.work, "wanted.jsonl"), os.path.join(tools.work, "got.jsonl")
        wanted = make_list(wanted_path, seconds)
        with tools.mount("default", options=("--record", got_path)) as (point, _):
            run(tools, wanted_path, "--target", f"external={point}", "--timing", "recorded")
        got = writes_of(got_path)
        if len(got) < len(wanted) or len(got) % len(wanted) != 0:
            raise Unavailable(f"the mount received {len(got)} writes of rounds of {len(wanted)}")
        got = got[-len(wanted):]  # of the last round; those before warm up
        late = [there - at for there, at in zip(got, wanted)]
        tools.kept["lateness"] = ([each - min(late) for each in late], seconds)
    return tools.kept["lateness"]


def issue_error(tools):
    late, seconds = lateness(tools)
    interval_ns = 1e9 / RATE_HZ
    ordered = sorted(late)
    return Figure(100 * median(late) / interval_ns, repeats=len(late),
                  note=f"{seconds} s at {RATE_HZ}/s; p99 {ordered[len(ordered) * 99 // 100] / interval_ns * 100:.1f} %")


def drift(tools):
    """How much later the last tenth is than the first, in ms: medians, in either direction."""
    late, seconds = lateness(tools)
    tenth = len(late) // 10
    return Figure(abs(median(late[-tenth:]) - median(late[:tenth])) / 1e6, repeats=len(late), note=f"over {seconds} s")


def library(tools):
    """Scenarios whose recording, small, gives the recorded results on a plain directory and on a mount, in %."""
    names = sorted(name[:-5] for name in os.listdir(os.path.join(ROOT, "scenarios"))
                   if name.endswith(".json") and name != "schema.json")
    equal, operations, notes = 0, 0, []
    for name in names:
        progress(f"recording and replaying {name}")
        recording, plain = os.path.join(tools.work, f"{name}.jsonl"), os.path.join(tools.work, f"{name}-plain")
        os.mkdir(plain)
        with tools.mount("default", options=("--record", recording)) as (point, _):
            run(tools, name, "--target", f"external={point}", "--scale", SCALE)
        with open(recording, encoding="utf-8") as file:
            operations += sum('"op":' in line for line in file)
        try:
            run(tools, recording, "--target", f"dir={plain}")
            run(tools, recording, "--variant", "default")
            equal += 1
        except Unavailable as error:
            notes.append(f"{name}: {error}")
    return Figure(100 * equal / len(names), repeats=len(names), note="; ".join([f"{operations} operations", *notes]))
