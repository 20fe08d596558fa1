"""Mutation testing of the code that decides: changes one operator, comparison or constant at a time in FILES, builds only their own
test program, and counts which changes its tests notice. Resumable: what was tried of the same text is kept in STATE.

    python3 scripts/benchmarks/mutation.py [--most N] [--file FILE] [--survivors]
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
FILES = ("reports/gate/verdict.cpp", "reports/gate/policy.cpp")
HELPERS = ("reports/analyze/statistics.cpp", "reports/model/json_reader.cpp")
TESTS = ("reports/tests/test_verdict.cpp", "reports/tests/test_policy.cpp")
LIBRARIES = ("-lfmt", "-lsimdjson", "-lgtest_main", "-lgtest", "-lpthread")
STATE = os.path.join(ROOT, "build", "mutation.jsonl")
FLAGS = ("-std=c++23", "-O0", "-DFMT_SHARED", f"-I{ROOT}", f'-DVFSPROF_REPORTS_FOLDER="{ROOT}/reports"')
LIMIT_S = 60  # of the tests: a mutant that never ends is noticed too

# What stands for what. Each place in the text where the pattern fits is one mutant for each replacement.
RULES = (
    (r"(?<![<>=!-])<=(?!>)", ("<",)), (r"(?<![<>=!-])>=", (">",)),
    (r"(?<= )<(?= )", ("<=",)), (r"(?<= )>(?= )", (">=",)),
    (r"==", ("!=",)), (r"!=", ("==",)), (r"&&", ("||",)), (r"\|\|", ("&&",)),
    (r"(?<=[\w)\]] )\+(?= [\w(])", ("-",)), (r"(?<=[\w)\]] )-(?= [\w(])", ("+",)),
    (r"(?<=[\w)\]] )\*(?= [\w(])", ("/",)), (r"(?<=[\w)\]] )/(?= [\w(])", ("*",)),
    (r"\bstd::max\b", ("std::min",)), (r"\bstd::min\b", ("std::max",)),
    (r"\ball_of\b", ("any_of",)), (r"\bany_of\b", ("all_of",)),
    (r"\btrue\b", ("false",)), (r"\bfalse\b", ("true",)),
    (r"(?<![\w.\"])(\d+)(?![\w.\"])", ("PLUS_ONE",)),
    (r"(?<![\w\"])(\d+\.\d+)(?![\w\"])", ("HALF",)),
    (r"return Judgement::k(?!Undecided)\w+", ("return Judgement::kUndecided",)),
    (r"(?<=if \()!(?=\w)", ("",)),
)
# Changes that no test can notice, each with its reason.
EQUIVALENT = (
    ("low = -40, high = 40", "where a bisection starts"),
    ("i < 100", "how long it goes on"),
    ("#include", "not code"),
    ("fmt::format(\"", "words of a message"),
    ("std::log1p(kCountLikeNoise)", "a bound that only rounding could hit"),
    ("chance > 1 - confidence", "the same"),
    ("below < probability", "the same"),
    ("value_or(0)", "any amount would do"),
)


def code_spans(text):
    """Positions that are neither in comments nor in string literals."""
    hidden = [match.span() for match in re.finditer(r"//[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])'|#include[^\n]*", text)]
    return lambda at: not any(start <= at < end for start, end in hidden)


def mutants(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    is_code = code_spans(text)
    for pattern, replacements in RULES:
        for match in re.finditer(pattern, text):
            if not is_code(match.start()):
                continue
            line_start = text.rfind("\n", 0, match.start()) + 1
            line = text[line_start:text.find("\n", match.start())]
            if any(part in line for part, _ in EQUIVALENT):
                continue
            for replacement in replacements:
                new = {"PLUS_ONE": lambda: str(int(match.group()) + 1),
                       "HALF": lambda: repr(float(match.group()) / 2)}.get(replacement, lambda: replacement)()
                changed = text[:match.start()] + new + text[match.end():]
                number = text.count("\n", 0, match.start()) + 1
                yield {"file": path, "line": number, "from": match.group(), "to": new, "code": line.strip()}, changed


def run(*command, **options):
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


class Builder:
    """Compiles everything once, then one file for each mutant."""

    def __init__(self, folder):
        self.folder = folder
        self.objects = {path: self.compile(os.path.join(ROOT, path), path) for path in FILES + HELPERS + TESTS}
        if None in self.objects.values():
            sys.exit("mutation: the tests of verdicts and policies do not compile; scripts/build says why")
        if self.is_noticed({}):
            sys.exit("mutation: the tests fail without any change; run vfsprof_test_gate")

    def compile(self, source, name):
        out = os.path.join(self.folder, name.replace("/", "_") + f".{abs(hash(source))}.o")
        command = ["g++", *FLAGS, "-c", source, "-o", out]
        return out if run(*command).returncode == 0 else None

    def is_noticed(self, replaced):
        program = os.path.join(self.folder, "tests")
        objects = {**self.objects, **replaced}
        if run("g++", *objects.values(), *LIBRARIES, "-o", program).returncode != 0:
            return True
        try:
            return run(program, timeout=LIMIT_S).returncode != 0
        except subprocess.TimeoutExpired:
            return True

    def try_mutant(self, path, text):
        """"killed", "survived", or "invalid" for one that does not compile."""
        source = os.path.join(self.folder, os.path.basename(path))
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        compiled = self.compile(source, "mutant")
        if compiled is None:
            return "invalid"
        return "killed" if self.is_noticed({path: compiled}) else "survived"


def known():
    if not os.path.exists(STATE):
        return {}
    with open(STATE, encoding="utf-8") as file:
        return {entry["key"]: entry for entry in map(json.loads, file)}


def key_of(text):
    """Of a mutant and of the tests that it was tried with."""
    digest = hashlib.sha256(text.encode())
    for path in TESTS + HELPERS:
        with open(os.path.join(ROOT, path), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()[:16]


def measure(most=None, files=FILES):
    """(killed, survived, left untried, the survivors)."""
    tried = known()
    builder = None
    results, left, new = [], 0, 0
    with tempfile.TemporaryDirectory(prefix="vfsprof-mutation-") as folder:
        for path in files:
            for mutant, text in mutants(path):
                key = key_of(text)
                if key not in tried:
                    if most is not None and new >= most:
                        left += 1
                        continue
                    builder = builder or Builder(folder)
                    new += 1
                    tried[key] = {"key": key, **mutant, "result": builder.try_mutant(path, text)}
                    os.makedirs(os.path.dirname(STATE), exist_ok=True)
                    with open(STATE, "a", encoding="utf-8") as file:
                        file.write(json.dumps(tried[key]) + "\n")
                results.append(tried[key])
    survivors = [entry for entry in results if entry["result"] == "survived"]
    return sum(entry["result"] == "killed" for entry in results), len(survivors), left, survivors


def main(arguments):
    parser = argparse.ArgumentParser(description="Mutation testing of verdict and policy code.")
    parser.add_argument("--most", type=int, help="try at most so many that were not tried before")
    parser.add_argument("--survivors", action="store_true", help="print the changes that no test noticed")
    parser.add_argument("--file", action="append", choices=FILES, help="only of this file")
    options = parser.parse_args(arguments)
    killed, survived, left, survivors = measure(options.most, options.file or FILES)
    if options.survivors:
        for entry in survivors:
            print(f"{entry['file']}:{entry['line']}: {entry['from']} -> {entry['to']}: {entry['code']}")
    total = killed + survived
    print(f"{killed} of {total} noticed, {100 * killed / max(total, 1):.1f} %; {left} not tried")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
