"""What sampling costs the observed program, and how fast its samples are symbolised."""

import json
import os

from figures import Unavailable, median_figure


def cpu_per_operation(entry):
    operations = sum(kind["count"] for kind in entry["operations"])
    return entry["process_cpu_ns"] / operations


def cost(scenario, variant, frequency_hz):
    """CPU per operation of the daemon in rounds with the sampler above that in rounds without, in per cent. The rounds
    take turns; those of one block are a pair."""
    def measure(tools):
        rounds = "6" if tools.quick else "14"
        out = os.path.join(tools.work, f"sampling-{frequency_hz}")
        tools.output(tools.program("vfsprof"), "run", "--scenario", scenario, "--variant", variant, "--placement", "packed",
                     "--rounds", rounds, "--profile-rounds", rounds, "--frequency", str(frequency_hz), "--no-floor", "--out",
                     out)
        with open(os.path.join(out, "run.json"), encoding="utf-8") as file:
            result = json.load(file)
        costs = {}
        for entry in result["rounds"]:
            if not entry["void_reason"]:
                costs.setdefault(entry["block"], {})[entry["kind"]] = cpu_per_operation(entry)
        pairs = [100 * (pair["profiling"] / pair["timing"] - 1) for pair in costs.values()
                 if "profiling" in pair and "timing" in pair]
        if not pairs:
            raise Unavailable("no pair of rounds with and without sampler")
        profiles = [entry["profile"] for entry in result["rounds"] if entry.get("profile")]
        if not profiles:
            raise Unavailable("nothing was sampled; vfsprof doctor says why")
        walked = sum(each["whole_stacks"] + each["cut_short_stacks"] for each in profiles)
        whole = sum(each["whole_stacks"] for each in profiles)
        lost = sum(each["lost"] for each in profiles)
        return median_figure(pairs, f"stacks by {profiles[0]['unwind']}, "
                             + (f"{100 * whole / walked:.1f} % whole, " if walked else "") + f"{lost} samples lost")
    return measure


def symbolising(tools):
    """CPU seconds for one million samples of 32 frames; walking copied stacks is not in it."""
    runs = [json.loads(tools.output(tools.program("vfsprof-symbols-bench"))) for _ in range(2 if tools.quick else 6)]
    figure = median_figure([run["store_s"] + run["resolve_s"] for run in runs])
    last = runs[-1]
    figure.note = (f"of it {last['store_s']:.2f} s to merge and {last['resolve_s']:.2f} s to name; {last['nodes']} call paths, "
                   f"{last['stacks']} stacks; {last['peak_bytes'] / 1e6:.0f} MB")
    return figure
