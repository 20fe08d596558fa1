"""The programs that measure: vfsprof, vfsprof-microbench, fio, and a mount of our own for what they do not count."""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from figures import Figure, Unavailable

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def scenario_names(beginnings=()):
    """Of the library; only those that begin so, if any beginning is given."""
    names = sorted(name[:-5] for name in os.listdir(os.path.join(ROOT, "scenarios"))
                   if name.endswith(".json") and name != "schema.json")
    return [name for name in names if not beginnings or any(name.startswith(each) for each in beginnings)]


class Tools:
    """Runs programs of one build, keeps what they say in a work directory, and remembers reports that several numbers
    share."""

    def __init__(self, quick, programs=None, seconds=None, cases=(), keep=""):
        self.quick = quick
        self.seconds = seconds  # how long timed rows take; None: as long as they say
        self.cases = cases  # of a number that has cases: only those that begin so; empty: all
        self.keep = keep  # a folder of what cases gave, to go on from; empty: none
        self.programs = programs or os.path.join(ROOT, "build", "release", "bin")
        self.work = tempfile.mkdtemp(prefix="vfsprof-bench-", dir=os.environ.get("TMPDIR"))
        self._reports = {}
        self.kept = {}  # what several numbers share

    def close(self):
        shutil.rmtree(self.work, ignore_errors=True)

    def resumed(self, name, measure):
        """What `measure` gives, as JSON; from the folder of --keep if it is there already."""
        path = os.path.join(self.keep, name + ".json") if self.keep else ""
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        given = measure()
        if path:
            os.makedirs(self.keep, exist_ok=True)
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump(given, file)
            os.replace(path + ".new", path)
        return given

    def program(self, name):
        path = os.path.join(self.programs, name)
        if not os.path.exists(path):
            raise Unavailable(f"{name} is not built; run scripts/build release --targets {name}")
        return path

    def output(self, *command, seconds=None):
        try:
            done = subprocess.run(command, check=False, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{os.path.basename(command[0])} was not done after {seconds} s") from error
        if done.returncode != 0:
            said = [line for line in done.stderr.strip().split("\n") if line] or ["(nothing)"]
            raise Unavailable(f"{os.path.basename(command[0])} ended with code {done.returncode}: {said[-1]}")
        return done.stdout

    def vfsprof(self, command, scenario, *variants):
        """The report of `vfsprof run` or `compare`: timing rounds only, packed."""
        key = (command, scenario, variants)
        if key not in self._reports:
            arguments = [part for variant in variants for part in ("--variant", variant)]
            arguments += ["--no-floor"] if command == "compare" else []
            out = os.path.join(self.work, f"report-{len(self._reports)}")
            try:
                self._reports[key] = json.loads(self.output(
                    self.program("vfsprof"), command, "--scenario", scenario, *arguments, "--placement", "packed",
                    "--rounds", "6" if self.quick else "14", "--profile-rounds", "0", "--json", "--out", out))
            except Unavailable as error:
                self._reports[key] = error
        if isinstance(self._reports[key], Unavailable):
            raise self._reports[key]
        return self._reports[key]

    def microbench(self, pattern):
        """The runs of every micro-benchmark whose name matches: {name: [run, ...]}, a run for each repetition."""
        text = self.output(
            self.program("vfsprof-microbench"), "--benchmark_format=json", f"--benchmark_filter={pattern}",
            "--benchmark_repetitions=" + ("6" if self.quick else "12"), "--benchmark_min_time=0.2",
            "--benchmark_enable_random_interleaving=true")
        runs = {}
        for run in json.loads(text or "{}").get("benchmarks", []):
            if run.get("run_type") == "iteration":
                runs.setdefault(run["run_name"], []).append(run)
        if not runs:
            raise Unavailable(f"vfsprof-microbench has no benchmark that matches {pattern}")
        return runs

    @contextlib.contextmanager
    def mount(self, variant, prefix=(), options=()):
        """The reference file system on a mount of its own: (mount point, process id of the daemon). `prefix` is put
        before the daemon's command, `options` behind it. In a session of its own, as vfsprof starts it: to the scheduler it is
        apart from us."""
        folder = tempfile.mkdtemp(dir=self.work)
        point, cache = os.path.join(folder, "mnt"), os.path.join(folder, "cache")
        os.mkdir(point)
        os.mkdir(cache)
        ready, told = os.pipe()
        with open(os.path.join(folder, "log"), "w+", encoding="utf-8") as log:
            daemon = subprocess.Popen(
                [*prefix, self.program("vfsprof-mount"), point, "--variant", variant, "--cache-dir", cache, "--ready-fd",
                 str(told), *options], pass_fds=[told], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
            os.close(told)
            try:
                if not os.read(ready, 1):
                    daemon.wait(60)
                    log.seek(0)
                    raise Unavailable((log.read().strip().split("\n") or ["the daemon said nothing"])[-1])
                yield point, daemon.pid
            finally:
                os.close(ready)
                subprocess.run(["fusermount3", "-u", "-q", point], check=False)
                daemon.wait(60)


def counter_total(page, name):
    """A counter's sum over all threads, from the file that `vfsprof-mount --counters` publishes (vfs/counters.h)."""
    with open(page, "rb") as file:
        data = file.read()
    count, slots = struct.unpack_from("<II", data, 8)
    names = [data[16 + 96 * i:16 + 96 * i + 32].split(b"\0")[0].decode() for i in range(count)]
    if name not in names:
        raise Unavailable(f"the daemon publishes no counter {name}")
    first_slot, slot_size, values = 6208, 576, 8
    at = first_slot + values + 8 * names.index(name)
    return sum(struct.unpack_from("<Q", data, at + slot_size * i)[0] for i in range(slots))


def timed(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


def metric(entries, name):
    """The entry of a report's list of metrics; its pairs as a figure of the ratio."""
    for entry in entries:
        if entry["metric"] == name and entry["pairs"] > 0:
            low, high = entry["ratio_interval"] or (None, None)
            return entry, Figure(entry["ratio"], low, high, entry["pairs"])
    raise Unavailable(f"the report has no pair of rounds with {name}")


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)
