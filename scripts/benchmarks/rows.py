"""THE list of numbers: one function and one line in ROWS for each."""

import json
import os
from dataclasses import dataclass
from typing import Callable

import daemons
import futexes
import gate
import lockstep
import observing
import opportunities
import replay
import reporting
import sampling
import scenarios
from figures import Figure, Target, Unavailable, median, median_figure, transformed
from tools import counter_total, metric, timed

# Names that belong to other programs, kept in one place.
FIO_NULL = ("fio", "--name=null", "--ioengine=null", "--rw=write", "--bs=4k", "--size=4g", "--output-format=json")
SMALL, LARGE, PATHS = "overwrite-4k", "overwrite-1m", "dirty-overwrite"  # scenarios
DIRECT, ADOPT = "default,copy=direct", "default,copy=adopt"  # variants
ARENA, BATCHED = "default,memory=arena", "default,flush=batched"
POOLS = ("sharded", "mutex", "rwlock", "tbb", "chunk_array")  # vfsprof-microbench
BASELINES = ("baseline-mutex-unordered_map", "baseline-tbb", "baseline-mutex-flat_map")
HOT = "^pool/{}/hot/read/hash=fx,key=packed.*/threads:{}$"  # default hash and key, for baselines too
OWN = "^pool/{}/own/read/hash=fx,key=packed.*/threads:{}$"  # each thread uses blocks of its own
OVERSUBSCRIBED = "^pool/{}/hot/latency/hash=fx,key=packed"  # 8 threads
TAIL_COUNTER = "p99.9_ns"
POOL_PEAK = "pool_bytes_peak"  # a counter
BUDGET_BYTES, BATCH_BYTES = 150_000_000, 100_000_000  # the batch: vfs/flush/batched.h

MIB = 1 << 20


@dataclass
class Row:
    name: str
    title: str
    unit: str
    target: Target
    measure: Callable


def floor_of(report):
    floors = report["floors"]
    if floors["absent"]:
        raise Unavailable(f"no null handler: {floors['absent']}")
    if floors["arms"][0]["void_rounds"]:
        raise Unavailable(f"the null handler failed: {floors['arms'][0]['void_rounds'][0]}")
    return floors["arms"][0]


def throughput_to_null(tools, scenario, variant):
    """(null handler's operations per second, figure of the ratio)."""
    entry, ratio = metric(floor_of(tools.vfsprof("run", scenario, variant))["metrics"], "operations_per_second")
    return entry["null_handler"], ratio


def beside_null(scenario, variant):
    return lambda tools: throughput_to_null(tools, scenario, variant)[1]


def machine_floor(report, name):
    for floor in report["floors"]["machine"]:
        if floor["name"] == name and floor["value"] is not None:
            return floor["value"]["value"]
    raise Unavailable(f"the report has no floor {name}")


def direct_beside_null_and_memcpy(tools):
    """The floor's time is that of the null handler and of one memcpy into the same footprint."""
    per_second, ratio = throughput_to_null(tools, LARGE, DIRECT)
    memcpy_s = MIB / (1e9 * machine_floor(tools.vfsprof("run", LARGE, DIRECT), "memcpy_blocks"))
    figure = transformed(ratio, lambda value: value * (1 + memcpy_s * per_second))
    figure.note = f"1 MiB: null {1e6 / per_second:.0f} us of wall clock, memcpy {1e6 * memcpy_s:.0f} us"
    return figure


def cpu_above_null(tools):
    above = floor_of(tools.vfsprof("run", SMALL, "best"))["cpu_above_ns_per_operation"]
    low, high = above["interval_95"] or (None, None)
    return Figure(above["value"] / 1e3, low and low / 1e3, high and high / 1e3)


def copies(scenario, variant):
    def measure(tools):
        value = tools.vfsprof("run", scenario, variant)["arms"][0]["bytes_copied_per_byte_written"]
        if value is None:
            raise Unavailable("the daemon counts no copies")
        return Figure(value, note="a count, over all rounds")
    return measure


def cpu_saved(scenario, after):
    """Operations of one size, so that the cost per operation and per byte are in the same ratio."""
    def measure(tools):
        report = tools.vfsprof("compare", scenario, "mutex-pool", after)
        _, ratio = metric(report["comparisons"][0]["metrics"], "cpu_ns_per_operation")
        return transformed(ratio, lambda value: 100 * (1 - value))
    return measure


def futex_calls(writers, many):
    def measure(tools):
        writes = 100_000 if tools.quick else 1_000_000
        (ours, others, unknown), batches, done = futexes.measure(tools, "best", writers, many, writes)
        if unknown > 0:
            raise Unavailable(f"strace gave no call stack for {unknown} futex calls")
        return Figure(max(0, ours - batches), note=f"{ours} over {done} writes and their closes, a wake allowed for each of "
                      f"{batches} batches closed; {others} more by libraries within requests")
    return measure


def minor_faults(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return int(file.read().rsplit(") ", 1)[1].split()[7])


def overwrite(path, passes, size):
    block = os.urandom(MIB)
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    for i in range(passes * (size // MIB)):
        os.pwrite(file, block, i * MIB % size)
    os.close(file)


def faults(tools):
    """In steady state: a file that stays dirty and in memory is written again and again."""
    size = 64 * MIB
    with tools.mount(ARENA) as (point, pid):
        path = os.path.join(point, "file")
        overwrite(path, 2, size)
        values = []
        for _ in range(6 if tools.quick else 14):
            before = minor_faults(pid)
            overwrite(path, 4, size)
            values.append((minor_faults(pid) - before) / (4 * size / (2 * MIB)))
    return median_figure(values)


def hot_ns(tools, name, threads, pattern=HOT):
    """The best of its accountings, where there are several."""
    runs = tools.microbench(pattern.format(name, threads))
    return min((median_figure([run["real_time"] for run in each]) for each in runs.values()),
               key=lambda figure: figure.value)


def hot_pools(tools, threads):
    """{pool: figure} of the pools that are offered."""
    tools.program("vfsprof-microbench")
    found = {}
    for pool in POOLS:
        try:
            found[pool] = hot_ns(tools, pool, threads)
        except Unavailable:
            continue
    if not found:
        raise Unavailable(f"vfsprof-microbench has no benchmark that matches {HOT.format('POOL', threads)}")
    return found


def counted_mutex(tools):
    """Taken and left by one thread; in turns with std::mutex."""
    runs = tools.microbench("^lock/(baseline|counted)/uncontended$")
    plain, counted = ([run["real_time"] for run in runs[f"lock/{name}/uncontended"]] for name in ("baseline", "counted"))
    return median_figure([b - a for a, b in zip(plain, counted)], f"std::mutex {median(plain):.1f} ns")


def fastest_pool(tools):
    pool, figure = min(hot_pools(tools, 1).items(), key=lambda item: item[1].value)
    figure.note = pool
    return figure


def ahead_of_baselines(threads):
    """Time of the fastest pool as a part of the fastest baseline's; every baseline has to be there."""
    def measure(tools):
        pool, figure = min(hot_pools(tools, threads).items(), key=lambda item: item[1].value)
        baseline, other = min(((name, hot_ns(tools, name, threads)) for name in BASELINES),
                              key=lambda item: item[1].value)
        return Figure(figure.value / other.value, repeats=figure.repeats, note=f"{pool} to {baseline}")
    return measure


def sharded_ahead(tools):
    """On blocks of their own: of one hot block all threads meet in one shard, as in one map."""
    sharded, baseline = hot_ns(tools, "sharded", 8, OWN), hot_ns(tools, BASELINES[0], 8, OWN)
    return Figure(sharded.value / baseline.value, repeats=sharded.repeats, note=f"sharded to {BASELINES[0]}")


def oversubscribed_tail(tools):
    tails = {name: [run[TAIL_COUNTER] for run in runs if TAIL_COUNTER in run]
             for name, runs in tools.microbench(OVERSUBSCRIBED.format("({})".format("|".join(POOLS)))).items()}
    tails = {name: values for name, values in tails.items() if values}
    if not tails:
        raise Unavailable(f"vfsprof-microbench reports no {TAIL_COUNTER} with {OVERSUBSCRIBED.format('POOL')}")
    name, values = min(tails.items(), key=lambda item: median(item[1]))
    figure = transformed(median_figure(values), lambda value: value / 1e3)
    figure.note = name
    return figure


def fio_seconds(tools, folder, size):
    done = json.loads(tools.output(
        "fio", "--name=raw", f"--directory={folder}", "--rw=write", "--bs=1m", f"--size={size}", "--direct=1",
        "--ioengine=psync", "--end_fsync=1", "--fallocate=none", "--unlink=1", "--output-format=json"))
    write = done["jobs"][0]["write"]
    if write["io_bytes"] != size:
        raise Unavailable("fio did not write the whole file")
    return done["jobs"][0]["job_runtime"] / 1e3


def flush_to_raw(tools):
    """Time to write back what stays below one batch, by fsync, beside fio's time for as much; in turns."""
    size, ratios = 90 * MIB, []
    with tools.mount(BATCHED) as (point, _):
        for i in range(6 if tools.quick else 14):
            path = os.path.join(point, f"file-{i}")
            overwrite(path, 1, size)
            file = os.open(path, os.O_WRONLY)
            ours = timed(lambda: os.fsync(file))
            os.close(file)
            os.unlink(path)
            ratios.append(fio_seconds(tools, tools.work, size) / ours)
    return median_figure(ratios, "fsync of 90 MiB against fio: psync, bs=1m, direct=1, end_fsync=1")


def dirty_beyond_budget(tools):
    """The most that the pool held, clean or dirty, while files of eight times the budget were written."""
    page = os.path.join(tools.work, "counters")
    options = ["--counters", page, "--memory-budget", str(BUDGET_BYTES)]
    with tools.mount(BATCHED, options=options) as (point, _):
        for i in range(4):
            overwrite(os.path.join(point, f"file-{i}"), 1, 2 * BUDGET_BYTES // MIB * MIB)
        peak = counter_total(page, POOL_PEAK)
    return Figure((peak - BUDGET_BYTES) / BATCH_BYTES, note=f"peak {peak / 1e6:.0f} MB, budget {BUDGET_BYTES / 1e6:.0f} MB")


def generator_beside_fio(tools):
    """Operations per second of CPU, with two clock readings around each, to those of fio's null engine; in turns."""
    ratios = []
    for _ in range(4 if tools.quick else 8):
        ours = json.loads(tools.output(tools.program("vfsprof"), "generator", "--scenario", SMALL))["ns_per_operation"]
        job = json.loads(tools.output(*FIO_NULL))["jobs"][0]
        cpu_ns = job["job_runtime"] * 1e6 * (job["usr_cpu"] + job["sys_cpu"]) / 100
        ratios.append(cpu_ns / job["write"]["total_ios"] / ours)
    return median_figure(ratios, "CPU time of fio --ioengine=null, bs=4k, default clocks, to ours")


def at_least(limit, unit=""):
    return Target(f">= {limit:g}{unit}", at_least=limit)


def at_most(limit, unit=""):
    return Target(f"<= {limit:g}{unit}", at_most=limit)


ROWS = [
    Row("mount-4k-default", "throughput to the null handler's, 4 KiB, default",
        "", at_least(0.95), beside_null(SMALL, "default")),
    Row("mount-4k-best", "throughput to the null handler's, 4 KiB, best",
        "", at_least(0.95), beside_null(SMALL, "best")),
    Row("mount-1m-direct", "throughput to null handler and one memcpy, 1 MiB, copy=direct",
        "", at_least(0.95), direct_beside_null_and_memcpy),
    Row("mount-1m-adopt", "throughput to the null handler's, 1 MiB, copy=adopt",
        "", at_least(0.87), beside_null(LARGE, ADOPT)),
    Row("cpu-above-null", "CPU time above the null handler's, 4 KiB, best",
        "us/op", at_most(1.0, " us"), cpu_above_null),
    Row("futex-1-one", "own futex calls within requests, best, 1 writer, one file",
        "calls", at_most(0), futex_calls(1, False)),
    Row("futex-1-many", "own futex calls within requests, best, 1 writer, its file",
        "calls", at_most(0), futex_calls(1, True)),
    Row("futex-8-one", "own futex calls within requests, best, 8 writers, one file",
        "calls", at_most(0), futex_calls(8, False)),
    Row("futex-8-many", "own futex calls within requests, best, 8 writers, many files",
        "calls", at_most(0), futex_calls(8, True)),
    Row("copies-direct", "user-space copies per byte written, copy=direct",
        "", Target("1.00", 0.995, 1.005), copies(SMALL, DIRECT)),
    Row("copies-adopt-4k", "user-space copies per byte written, copy=adopt, 4 KiB",
        "", at_most(0.01), copies(SMALL, ADOPT)),
    Row("copies-adopt-1m", "user-space copies per byte written, copy=adopt, 1 MiB",
        "", at_most(0.01), copies(LARGE, ADOPT)),
    Row("faults-arena", "minor faults per 2 MiB written, steady state, memory=arena", "", at_most(1), faults),
    Row("cpu-sync-path", "CPU per byte saved, mutex-pool to sync-path, writes of 4 KiB",
        "%", at_least(60, " %"), cpu_saved(PATHS, "sync-path")),
    Row("cpu-best", "CPU per byte saved, mutex-pool to best, writes of 1 MiB",
        "%", at_least(85, " %"), cpu_saved(LARGE, "best")),
    Row("pool-hot", "access to a hot block, fastest pool, one thread", "ns", at_most(15, " ns"), fastest_pool),
    Row("pool-ahead-1", "fastest pool's time to the fastest baseline's, 1 thread",
        "", Target("< 1", below=1), ahead_of_baselines(1)),
    Row("pool-ahead-2", "fastest pool's time to the fastest baseline's, 2 threads",
        "", Target("< 1", below=1), ahead_of_baselines(2)),
    Row("pool-ahead-8", "fastest pool's time to the fastest baseline's, 8 threads",
        "", Target("< 1", below=1), ahead_of_baselines(8)),
    Row("pool-sharded-8", "sharded pool's time to mutex and unordered_map, 8 threads, a block each",
        "", Target("< 1", below=1), sharded_ahead),
    Row("pool-tail", "access when oversubscribed, p99.9, fastest pool",
        "us", Target("< 2 us", below=2), oversubscribed_tail),
    Row("generator", "generator's CPU per operation, without clocks, null target",
        "ns", at_most(150, " ns"), lambda tools: scenarios.generator_without_clocks(tools, SMALL)),
    Row("generator-library", "the same of the scenario whose generator costs most", "ns", at_most(150, " ns"),
        scenarios.generator_of_library),
    Row("generator-fio", "operations per CPU second to fio --ioengine=null, null target",
        "", at_least(1), generator_beside_fio),
    Row("generator-share", "generator's part of the CPU of 4 KiB writes on the mount, default", "%", at_most(3, " %"),
        scenarios.generator_share),
    Row("timed-replay", "replay at the recorded pace, 200 writes/s (300 s, or --seconds): median issue error, of the interval",
        "%", at_most(1, " %"), replay.issue_error),
    Row("timed-drift", "lateness of its last fifth beyond that of its first, of the interval", "%", at_most(1, " %"),
        replay.drift),
    Row("scenarios-seconds", "one round of a scenario by default, slowest, default and mutex-pool", "s", at_most(30, " s"),
        scenarios.worst(0, 1)),
    Row("scenarios-run", "vfsprof run of a scenario by default, all kinds of rounds and the report, slowest", "s",
        at_most(30, " s"), scenarios.whole_run),
    Row("scenarios-memory", "memory of all its processes, most", "GiB", at_most(4, " GiB"), scenarios.worst(1, scenarios.GIB)),
    Row("scenarios-disk", "disk that it takes, most", "GiB", at_most(4, " GiB"), scenarios.worst(2, scenarios.GIB)),
    Row("inproc-fio", "operations per CPU second to fio --ioengine=null, null in process",
        "", at_least(1), lambda tools: lockstep.null_beside_fio(tools, SMALL, FIO_NULL)),
    Row("lockstep", "rounds in lockstep with the counts of the first, on the mount",
        "%", at_least(100, " %"), lockstep.repeated("fuse")),
    Row("lockstep-inproc", "rounds in lockstep with the counts of the first, in process",
        "%", at_least(100, " %"), lockstep.repeated("inproc")),
    Row("opportunities-precision", "recommendations that are right, programs with planted faults",
        "", at_least(0.9), opportunities.precision),
    Row("opportunities-recall", "planted faults that reports find",
        "", at_least(0.9), opportunities.recall),
    Row("observe-call", "CPU that both ledgers add to a futex call, at 400 000 calls/s", "us", at_most(1.0, " us"),
        observing.ledgers_per_call),
    Row("observe-share", "CPU that both ledgers add to an operation, at 40 000 futex calls/s", "%", at_most(3, " %"),
        observing.ledgers_share),
    Row("observe-perf-trace", "CPU that both ledgers add, to what perf trace -s adds", "", at_most(0.15),
        observing.ledgers_to_perf_trace),
    Row("observe-fallback", "CPU that futex calls through perf events add to a call, at 40 000 calls/s", "us", Target(""),
        observing.fallback_per_call),
    Row("observe-memory", "memory of vfsprof and its BPF maps while it samples and traces", "MiB", at_most(200, " MiB"),
        observing.memory),
    Row("replay-library", "scenarios that give the recorded results when replayed on a directory and on a mount", "%",
        Target(">= 100 %", at_least=100), replay.library),
    Row("flush-raw", "flush=batched to fio's sequential O_DIRECT, same disk", "", at_least(0.90), flush_to_raw),
    Row("sampling-99", "CPU per operation that sampling at 99 Hz adds, mutex-pool", "%", at_most(1, " %"),
        sampling.cost(PATHS, "mutex-pool", 99)),
    Row("sampling-999", "CPU per operation that sampling at 999 Hz adds, mutex-pool", "%", at_most(3, " %"),
        sampling.cost(PATHS, "mutex-pool", 999)),
    Row("unwinding", "CPU of the sampler for each sample at 999 Hz: read, unwound, merged, not yet named", "us", Target(""),
        sampling.unwinding(PATHS, "mutex-pool", 999)),
    Row("symbols", "a million samples of 32 frames symbolised with inlined calls, one core", "s", at_most(5, " s"),
        sampling.symbolising("usual")),
    Row("symbols-varied", "the same where they have twenty times as many call paths", "s", at_most(5, " s"),
        sampling.symbolising("varied")),
    Row("stamps", "CPU per operation that the daemon's own counting of waits and requests adds, mutex-pool", "%",
        at_most(1, " %"), sampling.stamps(PATHS, "mutex-pool")),
    Row("lock-names", "what a name and counts add to an uncontended mutex", "ns", at_most(2, " ns"), counted_mutex),
    Row("flush-budget", "dirty memory above its budget, in batches", "", at_most(1), dirty_beyond_budget),
    Row("report-time", "a file of a million samples to its report", "s", at_most(3, " s"), reporting.report_cost(0)),
    Row("report-memory", "a file of a million samples to its report, peak", "MiB", at_most(500, " MiB"),
        reporting.report_cost(1)),
    Row("import-time", "import and report, to perf script's time to print the text",
        "", Target("< 1", below=1), reporting.import_to_script),
    Row("coverage-least", "intervals that hold the truth, worst simulated world", "%", Target(">= 93 %", at_least=93),
        reporting.coverage(min)),
    Row("coverage-most", "intervals that hold the truth, widest simulated world", "%", at_most(97, " %"),
        reporting.coverage(max)),
    Row("unclassified-own", "samples that no rule matched, reference scenarios under named variants", "%",
        at_most(2, " %"), reporting.unclassified_own),
    *(Row(f"unclassified-{name}", f"samples of {name} that no rule matched, mixed load", "%", at_most(5, " %"),
          daemons.unclassified(name)) for name in daemons.DAEMONS),
    Row("gate-coverage", "intervals of a simulated arm against itself that hold 0, worst of six shapes of noise", "%",
        at_least(94.4, " %"), gate.least_coverage),  # 95 % less three standard errors of 10 000 sets
    Row("gate-coverage-exact", "their distance from the sign test's exact value, continuous independent shapes", "pp",
        at_most(0.5, " pp"), gate.coverage_deviation),
    Row("gate-false-alarms", "false alarms of the gate, upper bound", "%", at_most(1, " %"), gate.false_alarms),
    Row("gate-undecided", "undecided jobs of a build against itself", "%", at_most(2, " %"), gate.undecided),
    Row("gate-loaded", "false alarms beside stress-ng on half of the machine", "jobs", at_most(0), gate.loaded),
    Row("gate-faults", "planted faults that the gate catches", "%", at_least(95, " %"), gate.faults),
    Row("gate-faults-small", "one extra event in ten operations caught", "%", at_least(100, " %"), gate.small_faults),
    Row("gate-faults-cell", "caught faults whose cell is named first", "%", at_least(95, " %"), gate.cells),
    Row("gate-comments", "a change of comments, rebuilt, that the gate lets through", "%", at_least(100, " %"), gate.comments),
    Row("gate-power", "a rise of 5 % in CPU per operation caught within 3 minutes", "%", at_least(90, " %"), gate.power),
    Row("gate-repeats", "same verdict on pool=mutex and pool=sharded, of 20", "", at_least(19), gate.repeats),
    Row("gate-mutation", "changes to verdict and policy code that their tests notice", "%", at_least(90, " %"),
        gate.mutation_score),
]
