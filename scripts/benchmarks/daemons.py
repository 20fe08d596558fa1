"""How much of other people's FUSE daemons the default rules leave unclassified: each is mounted, put under a mixed load
(tar, cp, fio, find, rm), recorded by perf, and imported. Needs root, and the daemon's package."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from figures import Figure, Unavailable

TREE = "/usr/include"  # many small files; some of them are packed and unpacked
TREE_BYTES = 24_000_000
IMAGE_BYTES = 512_000_000
# Debian's binaries have no frame pointers: with them a stack often ends at the first frame that has no symbol. By the
# unwind tables its callers are found, and those that a library exports have names.
GRAPH = ("--call-graph", "dwarf,8192")
PASSWORD = "--extpass=echo load"


def folders(root, *names):
    paths = [os.path.join(root, name) for name in names]
    for path in paths:
        os.mkdir(path)
    return paths


def image(root, *command):
    path = os.path.join(root, "image")
    with open(path, "wb") as file:
        file.truncate(IMAGE_BYTES)
    run(*command, path)
    return path


def bindfs(root, point, tree):
    return ["bindfs", "-f", *folders(root, "source"), point]


def fuse_overlayfs(root, point, tree):
    upper, work = folders(root, "upper", "work")
    return ["fuse-overlayfs", "-f", "-o", f"lowerdir={tree},upperdir={upper},workdir={work}", point]


def ntfs_3g(root, point, tree):
    return ["ntfs-3g", "-o", "no_detach", image(root, "mkfs.ntfs", "-q", "-F", "-Q"), point]


def gocryptfs(root, point, tree):
    source, = folders(root, "source")
    run("gocryptfs", "-init", "-q", "-scryptn", "10", PASSWORD, source)
    return ["gocryptfs", "-fg", "-q", PASSWORD, source, point]


def fuse2fs(root, point, tree):
    return ["fuse2fs", "-f", image(root, "mke2fs", "-q", "-F", "-t", "ext4"), point]


def unionfs(root, point, tree):
    upper, = folders(root, "upper")
    return ["unionfs", "-f", "-o", "cow", f"{upper}=RW:{tree}=RO", point]


def disorderfs(root, point, tree):
    return ["disorderfs", "-f", *folders(root, "source"), point]


def squashfuse(root, point, tree):
    packed = os.path.join(root, "image")
    run("mksquashfs", tree, packed, "-quiet", "-no-progress")
    return ["squashfuse", "-f", packed, point]


def sshfs(root, point, tree):
    """Over a pipe to a server on this machine."""
    source, = folders(root, "source")
    server = os.path.join(root, "server")
    with open(server, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n")
    os.chmod(server, 0o700)
    return ["sshfs", "-f", "-o", f"ssh_command={server}", f"localhost:{source}", point]


DAEMONS = {"bindfs": bindfs, "fuse-overlayfs": fuse_overlayfs, "ntfs-3g": ntfs_3g, "gocryptfs": gocryptfs,
           "fuse2fs": fuse2fs, "unionfs": unionfs, "disorderfs": disorderfs, "sshfs": sshfs,
           "squashfuse": squashfuse}
READ_ONLY = ("squashfuse",)
STRIPPED_GO = ("gocryptfs",)


def run(*command, **options):
    done = subprocess.run(command, check=False, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        raise Unavailable(f"{command[0]} ended with code {done.returncode}: {done.stderr.strip()[-200:]}")


def make_tree(root):
    """Some real files, the same for every daemon."""
    tree, = folders(root, "tree")
    copied = 0
    for folder, names, files in os.walk(TREE):
        names.sort()
        target = os.path.join(tree, os.path.relpath(folder, TREE))
        os.makedirs(target, exist_ok=True)
        for name in sorted(files):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and copied < TREE_BYTES:
                shutil.copy(path, target)
                copied += os.path.getsize(path)
    return tree


def fio(point, rw, seconds, *options):
    run("fio", "--name=mixed", f"--directory={point}", f"--rw={rw}", "--bs=4k", "--size=16m", "--numjobs=2", "--time_based",
        f"--runtime={seconds}", "--ioengine=psync", *options)


def load(name, root, point, tree, seconds):
    """A mixed load: small files written, copied, listed, read and removed; random reads and writes of large ones."""
    if name in READ_ONLY:
        end = time.monotonic() + 2 * seconds
        while time.monotonic() < end:
            with open("/proc/sys/vm/drop_caches", "w", encoding="utf-8") as file:
                file.write("1")
            run("tar", "-C", point, "-cf", os.path.join(root, "out.tar"), ".")
            run("find", point, "-size", "+1")
        return
    for target in ("first", "second"):
        os.mkdir(os.path.join(point, target))
        run("sh", "-c", f"tar -C {tree} -cf - . | tar -C {point}/{target} -xf -")
        run("cp", "-r", os.path.join(point, target), os.path.join(point, target + "-copy"))
        fio(point, "randrw", seconds, "--fsync=64")
        run("find", point, "-size", "+1")
        shutil.rmtree(os.path.join(point, target + "-copy"))


@contextlib.contextmanager
def mounted(command, point):
    """The process id of a daemon that runs in the foreground."""
    with tempfile.TemporaryFile("w+") as log:
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            end = time.monotonic() + 20
            while not os.path.ismount(point):
                if daemon.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise Unavailable(f"{command[0]} did not mount: {log.read().strip()[-200:]}")
                time.sleep(0.05)
            yield daemon.pid
        finally:
            subprocess.run(["umount", point], check=False, stderr=subprocess.DEVNULL)
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def observe_under_load(name, folder, seconds, observer, out=subprocess.DEVNULL):
    """Lets an observer, a command that takes the daemon's process id at its end, look on while the daemon is under load."""
    point, = folders(folder, "mnt")
    tree = make_tree(folder)
    command = DAEMONS[name](folder, point, tree)
    with mounted(command, point) as pid:
        looking = subprocess.Popen([*observer, str(pid)], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)  # it attaches
            load(name, folder, point, tree, seconds)
        finally:
            looking.send_signal(signal.SIGINT)
            looking.wait(60)


def report_of_recording(tools, name, folder, seconds):
    """Recorded by perf, printed by `perf script`, imported."""
    data, text = os.path.join(folder, "perf.data"), os.path.join(folder, f"{name}.txt")
    observe_under_load(name, folder, seconds, ["perf", "record", "-q", "-F", "999", *GRAPH, "-o", data, "-p"])
    with open(text, "w", encoding="utf-8") as out:
        subprocess.run(["perf", "script", "-i", data], check=True, stdin=subprocess.DEVNULL, stdout=out,
                       stderr=subprocess.DEVNULL)
    return json.loads(tools.output(tools.program("vfsprof"), "import", text, "--json", "--out", os.path.join(folder, "report")))


def report_of_profile(tools, name, folder, seconds):
    """By `vfsprof profile`, which reads the names of a stripped Go program from Go's own table; perf does not."""
    with open(os.path.join(folder, f"{name}.json"), "w+", encoding="utf-8") as out:
        observe_under_load(name, folder, seconds, [tools.program("vfsprof"), "profile", "--json", "--out",
                                                   os.path.join(folder, "report"), "--pid"], out)
        out.seek(0)
        try:
            return json.load(out)
        except json.JSONDecodeError as error:
            raise Unavailable(f"vfsprof profile gave no report: {error}") from error


def rows_of(report):
    for arm in report["arms"]:
        for role in arm["profile"]["roles"]:
            yield from role["rows"]


def unclassified_of(report):
    """(share in per cent, samples, its heaviest innermost frames)."""
    rows = [row for row in rows_of(report) if row["category"] == "unclassified"]
    samples = sum(row["time"]["samples"] for row in rows_of(report))
    if not samples:
        raise Unavailable("the recording has no samples")
    leaves = {}
    for row in rows:
        for leaf in row["innermost_frames"]:
            leaves[leaf["name"]] = leaves.get(leaf["name"], 0) + leaf["share"] * row["time"]["samples"]
    top = sorted(leaves.items(), key=lambda item: -item[1])[:3]
    return (100 * sum(row["time"]["samples"] for row in rows) / samples, samples,
            ", ".join(f"{function} {100 * weight / samples:.1f} %" for function, weight in top))


def unclassified(name):
    """The row of rows.py for one daemon."""
    def measure(tools):
        program = DAEMONS[name].__name__.replace("_", "-")
        if os.geteuid() != 0:
            raise Unavailable("needs root, to mount and record; run it with sudo")
        for needed in (program, "perf", "fio"):
            if not shutil.which(needed):
                raise Unavailable(f"{needed} is not installed; scripts/setup --bench installs it")
        folder = tempfile.mkdtemp(dir=tools.work)
        report_of = report_of_profile if name in STRIPPED_GO else report_of_recording
        report = report_of(tools, name, folder, 2 if tools.quick else 4)
        share, samples, top = unclassified_of(report)
        return Figure(share, note=f"{samples} samples; {top}" if top else f"{samples} samples")
    return measure
