"""scripts/bench: measures the numbers of rows.py and prints each beside its target. See --help."""

import argparse
import datetime
import json
import os
import platform
import signal
import subprocess
import sys

from figures import Unavailable
from rows import ROWS
from tools import ROOT, Tools, progress

RECORD = os.path.join("reports", "baselines", "bench.jsonl")


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures the numbers that this project holds itself to, beside their targets.",
        epilog="Exit code 0 if everything could be measured, met or not; 3 if something could not; 2 for wrong arguments.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these, or all whose name begins so")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, for a first look")
    parser.add_argument("--part", action="append", default=[], metavar="PART",
                        help="of the gate's numbers: coverage, false-alarms, undecided, loaded, faults, comments, power, repeats, mutation")
    parser.add_argument("--list", action="store_true", help="print names, meanings and targets, and measure nothing")
    parser.add_argument("--seconds", type=int, help="how long the timed replay runs (default: 300, with --quick 20)")
    parser.add_argument("--record", action="store_true", help=f"append a JSON line for each number to {RECORD}")
    parser.add_argument("--cases", metavar="NAME,...", default="",
                        help="opportunities: only the cases of this subject, or whose name begins so; unclassified-own, "
                        "replay-library, generator-library, scenarios: only those whose name begins so")
    parser.add_argument("--keep", metavar="FOLDER", default="",
                        help="opportunities, replay-library: keep what each case gave there, and take what is there instead of "
                        "measuring again")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--programs", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        options.names = [name for name in options.names if name != "gate"] + [f"gate-{part}" for part in options.part]
    for name in options.names:
        if not any(row.name.startswith(name) for row in ROWS):
            parser.error(f"no number is named '{name}': there are {', '.join(row.name for row in ROWS)}")
    return options


def chosen(names):
    return [row for row in ROWS if not names or any(row.name.startswith(name) for name in names)]


def value_text(row, figure):
    unit = f" {row.unit}" if row.unit else ""
    if figure.low is None:
        return f"{figure.value:.3f}{unit}"
    return f"{figure.value:.3f}{unit} [{figure.low:.3f}, {figure.high:.3f}]"


def line(row, figure, reason):
    if figure is None:
        return f"{row.name:<18} {'unavailable':<32} {row.target.text:<10} {row.title}: {reason}"
    verdict = "" if not row.target.text else "met" if row.target.is_met(figure.value) else "not met"
    details = "; ".join(filter(None, [f"n = {figure.repeats}" if figure.repeats else "", figure.note]))
    return (f"{row.name:<18} {value_text(row, figure):<32} {row.target.text:<10} {verdict:<8} {row.title}"
            + (f" ({details})" if details else ""))


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.strip()


def record(row, figure, reason, quick):
    entry = {"name": row.name, "value": figure and figure.value, "low": figure and figure.low,
             "high": figure and figure.high, "repeats": figure.repeats if figure else 0, "unit": row.unit,
             "target": row.target.text, "met": row.target.is_met(figure.value) if figure and row.target.text else None,
             "unavailable": reason, "note": figure.note if figure else "", "quick": quick, "commit": commit(),
             "kernel": platform.release(), "cpus": os.cpu_count(),
             "time": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
    path = os.path.join(ROOT, RECORD)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def measure(options):
    """Prints a line for each number as soon as it is there; False if one could not be measured."""
    complete = True
    cases = [name for name in options.cases.split(",") if name]
    tools = Tools(options.quick, options.programs, options.seconds, cases, options.keep)
    try:
        for row in chosen(options.names):
            progress(f"measuring {row.name}: {row.title}")
            figure, reason = None, ""
            try:
                figure = row.measure(tools)
            except Unavailable as error:
                reason, complete = str(error), False
            print(line(row, figure, reason), flush=True)
            if options.record:
                record(row, figure, reason, options.quick)
    finally:
        tools.close()
    return complete


def main(arguments):
    options = parse(arguments)
    if options.check:
        return 0
    if options.list:
        for row in ROWS:
            print(f"{row.name:<18} {row.target.text:<10} {row.title}")
        return 0
    if measure(options):
        return 0
    print("bench: not everything could be measured; the lines above say why", file=sys.stderr)
    return 3


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that mounts are undone
    sys.exit(main(sys.argv[1:]))
