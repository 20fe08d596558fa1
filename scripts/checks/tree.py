#!/usr/bin/env python3
"""Checks what no compiler and no clang-tidy checks about the tree: layers, file length, README maps, machine paths.

    tree.py [ROOT]

Prints each finding as `file:line: rule: what, and what to do`. Exit code 1 if there is any. Standard library only.
The rules are listed in RULES at the end of this file; scripts/tests/test_tree.py has an offender for each.
"""

import ast
import os
import re
import subprocess
import sys
from collections import namedtuple
from itertools import product

Finding = namedtuple("Finding", "path line rule text")

MAX_FILE_LINES = 400
# Not ours to check; only consulted where git does not say what belongs to the tree.
SKIPPED_FOLDERS = {".git", "build", "vfsprof-out", "__pycache__", "node_modules"}


class Tree:
    """The files of the project, as git sees them (tracked, or new and not ignored)."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.paths = sorted(self._from_git() or self._from_walk())
        self._texts = {}

    def _from_git(self):
        if not os.path.exists(os.path.join(self.root, ".git")):
            return []
        listing = subprocess.run(
            ["git", "-C", self.root, "ls-files", "-z", "-co", "--exclude-standard"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        names = {os.fsdecode(name) for name in listing.stdout.split(b"\0") if name}
        return [name for name in names if os.path.isfile(os.path.join(self.root, name))]

    def _from_walk(self):
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in files]
        return found

    def exists(self, path):
        return os.path.exists(os.path.join(self.root, path))

    def lines(self, path):
        """The lines of a text file; none for a binary one."""
        if path not in self._texts:
            with open(os.path.join(self.root, path), "rb") as file:
                data = file.read()
            text = "" if b"\0" in data else data.decode("utf-8", errors="replace")
            self._texts[path] = text.splitlines()
        return self._texts[path]

    def with_suffix(self, *suffixes):
        return [path for path in self.paths if path.endswith(suffixes)]


# Layers (ARCHITECTURE.md): which folders each folder may include from.
LAYERS = ("vfs", "reports", "harness")
MAY_INCLUDE = {
    "vfs/base": ("vfs/base",),
    "vfs": ("vfs",),
    "reports": ("reports", "vfs/base"),
    "harness": ("harness", "reports", "vfs"),
}
# What only a program that starts, maps, watches or waits for something includes. reports gets values and files.
SYSTEM_HEADERS = re.compile(
    r"(sys|linux|asm|net|netinet|arpa)/.*|(unistd|fcntl|pthread|sched|signal|poll|spawn|dlfcn|dirent|ftw|syscall)\.h"
    r"|thread|future|csignal")
INCLUDE = re.compile(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def layer_of(path):
    """The most specific key of MAY_INCLUDE that holds `path`, or None."""
    inside = [layer for layer in MAY_INCLUDE if path.startswith(layer + "/")]
    return max(inside, key=len, default=None)


def includes(tree, path):
    """Yields (line number, name, whether in quotes)."""
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1] or match[2], match[1] is not None


def system_header_below(tree, header, seen):
    """The first system header that a project header includes, itself or through others; None if there is none."""
    if header in seen or not tree.exists(header):
        return None
    seen.add(header)
    for _, name, quoted in includes(tree, header):
        if layer_of(name):
            found = system_header_below(tree, name, seen)
            if found:
                return found
        elif not quoted and SYSTEM_HEADERS.fullmatch(name):
            return name
    return None


def check_layers(tree):
    for path in tree.with_suffix(".h", ".cpp", ".def"):
        layer = layer_of(path)
        if layer is None:
            continue
        pure = layer == "reports" and not path.startswith("reports/tests/")
        for number, name, quoted in includes(tree, path):
            target = layer_of(name)
            if target is None and quoted:
                yield Finding(path, number, "layer",
                              f'"{name}" is not named from the root; write "vfs/...", "reports/..." or "harness/..." '
                              "(<...> for what is not ours)")
            elif target and not name.startswith(tuple(f"{allowed}/" for allowed in MAY_INCLUDE[layer])):
                yield Finding(path, number, "layer",
                              f"{layer} may not include {name}; it may use {', '.join(MAY_INCLUDE[layer])}: "
                              "pass values, or move the code up to harness")
            elif pure and target is None and SYSTEM_HEADERS.fullmatch(name):
                yield Finding(path, number, "layer",
                              f"reports makes no system call, so it may not include <{name}>; do that in harness and "
                              "pass the values")
            elif pure and target == "vfs/base":
                hidden = system_header_below(tree, name, set())
                if hidden:
                    yield Finding(path, number, "layer",
                                  f"{name} brings in <{hidden}>, and reports makes no system call; do that in harness "
                                  "and pass the values")


def check_link_layers(tree):
    forbidden = {"vfs": "reports|harness", "reports": "vfs|harness"}
    for path in tree.paths:
        layer = path.split("/")[0]
        if os.path.basename(path) != "CMakeLists.txt" or layer not in forbidden:
            continue
        pattern = re.compile(rf"\bvfsprof(?:_|::)(?:{forbidden[layer]})\b")
        for number, line in enumerate(tree.lines(path), 1):
            match = pattern.search(line.split("#")[0])
            if match:
                yield Finding(path, number, "layer", f"{layer} may not link {match[0]}; only harness knows both")


CODE_SUFFIXES = (".h", ".cpp", ".c", ".def", ".py", ".cmake", "CMakeLists.txt")


def is_script(path):
    return path.startswith("scripts/") and "." not in os.path.basename(path)


def check_file_length(tree):
    for path in tree.paths:
        if not path.endswith(CODE_SUFFIXES) and not is_script(path):
            continue
        length = len(tree.lines(path))
        if length > MAX_FILE_LINES:
            yield Finding(path, length, "file-length",
                          f"{length} lines, {MAX_FILE_LINES} are allowed; split it by meaning")


MAX_FUNCTION_LINES = 70
# What opens a brace at the end of a line without being a function or a statement.
NOT_A_FUNCTION = re.compile(r"\s*(?:(?:inline\s+)?namespace|class|struct|enum|union|extern)\b|.*(?:=|\(|,|\{|\breturn)\s*\{$")


def brace_functions(lines):
    """Yields (line number, lines between the braces) of each function of a formatted C++ file or shell script.

    Relies on the formatter: a body ends at the first line that closes a brace at the indentation of the line which
    opened it. clang-tidy's readability-function-size counts the same on the syntax tree.
    """
    index = 0
    while index < len(lines):
        line = lines[index].rstrip()
        if line.endswith("{") and not NOT_A_FUNCTION.match(line):
            # A constructor's initialisers and a parameter list that wraps are indented; the signature is above them.
            first = index
            while first > 0 and re.match(r"\s{4}", lines[first]) and re.search(r"[,()]\s*$", lines[first - 1]):
                first -= 1
            closing = re.match(r"\s*", lines[first])[0] + "}"
            last = next((i for i in range(index + 1, len(lines)) if lines[i].startswith(closing)), index)
            yield first + 1, last - index - 1
            index = last
        index += 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno


def check_function_length(tree):
    for path in tree.paths:
        lines = tree.lines(path) if path.endswith((".h", ".cpp", ".py")) or is_script(path) else []
        is_python = path.endswith(".py")
        for line, length in python_functions("\n".join(lines)) if is_python else brace_functions(lines):
            if length > MAX_FUNCTION_LINES:
                yield Finding(path, line, "function-length",
                              f"{length} lines, {MAX_FUNCTION_LINES} are allowed; split it by meaning")


# Below a folder of these names lies data: the map names the folder, not each file.
DATA_FOLDERS = {"data", "fixtures", "golden"}
ROW = re.compile(r"\s*\|([^|]*)\|")
BRACES = re.compile(r"\{([^{}]*)\}")


def is_mapped_kind(path):
    """Whether a README's map has to list this file."""
    if set(path.split("/")[:-1]) & DATA_FOLDERS:
        return False
    return path.endswith((".h", ".cpp", ".c", ".def", ".json", ".cmake", ".py")) or is_script(path)


def expand(pattern):
    """`a.{h,cpp}` -> a.h, a.cpp"""
    parts = BRACES.split(pattern)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(choice) for choice in product(*choices)]


def read_map(tree, readme):
    """The rows of the README's section `## Files`: (line, path from the root). None if it has no such section."""
    rows = None
    inside = False
    for number, line in enumerate(tree.lines(readme), 1):
        if line.startswith("## ") or line.startswith("# "):
            inside = line.strip() == "## Files"
            if inside and rows is None:
                rows = []
        row = ROW.match(line) if inside else None
        if row:
            for name in re.findall(r"`([^`]+)`", row[1]):
                for path in expand(name):
                    rows.append((number, os.path.normpath(os.path.join(os.path.dirname(readme), path))))
    return rows


def check_file_maps(tree):
    maps = {}
    for readme in tree.paths:
        if os.path.basename(readme) != "README.md":
            continue
        rows = read_map(tree, readme)
        if rows is None:
            continue
        maps[os.path.dirname(readme)] = {path for _, path in rows}
        for number, path in rows:
            if not tree.exists(path):
                yield Finding(readme, number, "file-map", f"{path} does not exist; correct the row or remove it")
    for path in tree.paths:
        # A map at the root would list folders; what lies there needs no row.
        if "/" not in path or not is_mapped_kind(path):
            continue
        above = [folder for folder in maps if folder == "" or path.startswith(folder + "/")]
        if any(path in maps[folder] for folder in above):
            continue
        nearest = max(above, key=len, default="")
        readme = os.path.join(nearest or path.split("/")[0], "README.md")
        yield Finding(path, 1, "file-map",
                      f"no row for it in {readme}; say what it is for in the table of its section `## Files`")


MACHINE_PATH = re.compile(r"(?<![\w.}>-])/(?:work|root|home/\w+)/")
REGISTRY = re.compile(
    r"https?://(?:[^/\s\"']*@)?((?:[\w-]+\.)*(?:[\w-]+-)?(?:registry|artifactory|nexus|mirrors?|proxy|pypi|npm|npmjs|crates)"
    r"(?:-[\w-]+)?\.[\w.-]+)")


def check_machine_traces(tree):
    for path in tree.paths:
        for number, line in enumerate(tree.lines(path), 1):
            match = MACHINE_PATH.search(line)
            if match:
                yield Finding(path, number, "machine-path",
                              f"'{match[0]}' is a folder of one developer's machine; name it relative to the project, "
                              "or pass it in")
            match = REGISTRY.search(line)
            if match:
                yield Finding(path, number, "registry-host",
                              f"'{match[1]}' is a package registry or mirror; leave the choice to the machine's "
                              "configuration")


RULES = (check_layers, check_link_layers, check_file_length, check_function_length, check_file_maps, check_machine_traces)


def findings(root):
    tree = Tree(root)
    return sorted({finding for rule in RULES for finding in rule(tree)})


def main(arguments):
    if len(arguments) > 1:
        print("usage: tree.py [ROOT]", file=sys.stderr)
        return 2
    found = findings(arguments[0] if arguments else os.path.join(os.path.dirname(__file__), "..", ".."))
    for finding in found:
        print(f"{finding.path}:{finding.line}: {finding.rule}: {finding.text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
