"""How well a replay at the recorded pace keeps its times; whether recordings of the library give the recorded results elsewhere."""

import json
import os
import random
import time

from figures import Figure, Unavailable, median
from tools import progress, scenario_names

RATE_HZ = 200  # writes a second, all clients together
CLIENTS = 4
SEED = 7
PRIORITY = "realtime"  # --issue-priority: on time beside other load
SCALE = "0.05"  # of the scenarios of the library
INTERVAL_NS = 1e9 / RATE_HZ  # between two writes, mean
ONE_ROUND = ("--rounds", "1", "--profile-rounds", "0", "--trace-rounds", "0", "--warm-up-rounds", "0", "--no-floor")


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
    """A round; returns the report. Unavailable with what vfsprof said where the round is void."""
    return json.loads(tools.output(tools.program("vfsprof"), "run", "--scenario", scenario, *options, *ONE_ROUND, "--json",
                                   "--out", os.path.join(tools.work, "replay")))


def timed(tools):
    """(the report's punctuality, ns by which each write came to the mount after the most punctual one, seconds), once."""
    if "timed" not in tools.kept:
        seconds = tools.seconds or (20 if tools.quick else 300)
        wanted_path, got_path = os.path.join(tools.work, "wanted.jsonl"), os.path.join(tools.work, "got.jsonl")
        wanted = make_list(wanted_path, seconds)
        with tools.mount("default", options=("--record", got_path)) as (point, _):
            report = run(tools, wanted_path, "--target", f"external={point}", "--timing", "recorded", "--issue-priority", PRIORITY)
        got = writes_of(got_path)
        if len(got) != len(wanted):
            raise Unavailable(f"the mount received {len(got)} writes of {len(wanted)}")
        late = [there - at for there, at in zip(got, wanted)]
        tools.kept["timed"] = (report["arms"][0]["clients"]["punctuality"], [each - min(late) for each in late], seconds)
    return tools.kept["timed"]


def issue_error(tools):
    """As the clients saw it; what the mount saw, which has the wake-up of the daemon in it, beside it."""
    kept, late, seconds = timed(tools)
    seen = sorted(late)
    return Figure(100 * kept["late_p50_ns"] / INTERVAL_NS, repeats=kept["operations"],
                  note=f"--issue-priority {PRIORITY}; {seconds} s, one each {INTERVAL_NS / 1e6:g} ms; late by {kept['late_p50_ns'] / 1e3:.1f} us (median), "
                  f"{kept['late_p99_ns'] / 1e3:.0f} us (p99); at the mount {median(late) / 1e3:.1f} us and "
                  f"{seen[len(seen) * 99 // 100] / 1e3:.0f} us after the most punctual one")


def drift(tools):
    """How much later the last fifth came to the mount than the first, in either direction: medians."""
    _, late, seconds = timed(tools)
    fifth = len(late) // 5
    drift_ns = median(late[-fifth:]) - median(late[:fifth])
    return Figure(100 * abs(drift_ns) / INTERVAL_NS, repeats=len(late), note=f"{drift_ns / 1e3:.1f} us over {seconds} s")


def replay_one(tools, name):
    """Records a scenario on a mount, replays it on a plain directory and on a new mount: how many operations, what went wrong."""
    recording, plain = os.path.join(tools.work, f"{name}.jsonl"), os.path.join(tools.work, f"{name}-plain")
    os.mkdir(plain)
    started = time.monotonic()
    with tools.mount("default", options=("--record", recording)) as (point, _):
        run(tools, name, "--target", f"external={point}", "--scale", SCALE)
    with open(recording, encoding="utf-8") as file:
        operations = sum('"op":' in line for line in file)
    fault = ""
    try:
        run(tools, recording, "--target", f"dir={plain}")
        run(tools, recording, "--variant", "default")
    except Unavailable as error:
        fault = str(error)
    progress(f"{name}: {operations} operations recorded and replayed twice in {time.monotonic() - started:.1f} s {fault}")
    return {"operations": operations, "fault": fault}


def library(tools):
    """Scenarios whose recording, small, gives the recorded results on a plain directory and on a mount, in %."""
    found = {name: tools.resumed(f"replay-{name}", lambda name=name: replay_one(tools, name))
             for name in scenario_names(tools.cases)}
    if not found:
        raise Unavailable("no scenario is named as --cases says")
    faults = [f"{name}: {each['fault']}" for name, each in found.items() if each["fault"]]
    operations = sum(each["operations"] for each in found.values())
    return Figure(100 * (1 - len(faults) / len(found)), repeats=len(found),
                  note="; ".join([f"{operations} operations, each replayed twice", *faults]))
