"""scripts/bench: figures and targets, who made a futex call, and how it prints and ends. The programs that measure are
replaced by small ones, so that nothing is built, mounted or timed."""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "benchmarks"))

import figures  # noqa: E402
import futexes  # noqa: E402
import main  # noqa: E402
import rows  # noqa: E402

TRACE = """100 10.5 futex(0x1, FUTEX_WAKE_PRIVATE, 1) = 0
 > /usr/lib/libc.so.6(pthread_cond_signal+0x1) [0x1]
 > /usr/lib/libstdc++.so.6.0.30(std::condition_variable::notify_one()+0x1) [0x1]
 > /x/bin/vfsprof-mount(vfsprof::vfs::Parker::unpark()+0x2) [0x2]
 > /usr/lib/libfuse3.so.3(fuse_session_process_buf+0x1) [0x1]
101 10.6 futex(0x1, FUTEX_WAIT_PRIVATE, 2, NULL) = -1 EAGAIN
 > /usr/lib/libc.so.6(pthread_mutex_lock+0x1) [0x1]
 > /usr/lib/libfuse3.so.3(fuse_reply_write+0x1) [0x1]
 > /usr/lib/libfuse3.so.3(fuse_session_process_buf+0x1) [0x1]
102 10.7 futex(0x1, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>
104 10.7 futex(0x1, FUTEX_WAIT_PRIVATE, 2, NULL <unfinished ...>
102 98.8 <... futex resumed>) = 0
 > /usr/lib/libc.so.6(pthread_cond_wait+0x1) [0x1]
 > /x/bin/vfsprof-mount(vfsprof::vfs::Parker::park()+0x2) [0x2]
 > /usr/lib/libfuse3.so.3(fuse_session_process_buf+0x1) [0x1]
103 10.8 futex(0x1, FUTEX_WAKE_PRIVATE, 1) = 0
103 99.0 futex(0x1, FUTEX_WAKE_PRIVATE, 1) = 0
 > /x/bin/vfsprof-mount(late()+0x2) [0x2]
 > /usr/lib/libfuse3.so.3(fuse_session_process_buf+0x1) [0x1]
""".split("\n")


def run_report(absent=""):
    def entry(name, null, ratio):
        return {"metric": name, "pairs": 6, "null_handler": null, "arm": null * ratio, "ratio": ratio,
                "ratio_interval": [ratio - 0.01, ratio + 0.01]}
    arms = [] if absent else [{"void_rounds": [], "metrics": [entry("operations_per_second", 1000, 0.5)],
                               "cpu_above_ns_per_operation": {"value": 900, "interval_95": [800, 1100]}}]
    machine = [{"name": "memcpy_blocks", "value": {"value": 1.048576, "interval_95": None}}]
    return {"floors": {"absent": absent, "arms": arms, "machine": machine},
            "arms": [{"bytes_copied_per_byte_written": 1.0}]}


class Figures(unittest.TestCase):
    def test_the_interval_of_a_median_needs_six_values(self):
        self.assertEqual((figures.median_figure([3, 1, 2, 5, 4]).value, figures.median_figure([3, 1, 2, 5, 4]).low), (3, None))
        six = figures.median_figure([6, 5, 4, 3, 2, 1])
        self.assertEqual((six.value, six.low, six.high, six.repeats), (3.5, 1, 6, 6))
        nine = figures.median_figure(range(9))
        self.assertEqual((nine.low, nine.high), (1, 7))

    def test_targets_hold_at_their_limit_or_below_it(self):
        self.assertTrue(figures.Target("", at_least=0.95).is_met(0.95))
        self.assertFalse(figures.Target("", at_least=0.95).is_met(0.949))
        self.assertTrue(figures.Target("", 0.9, 1.1).is_met(1))
        self.assertFalse(figures.Target("", 0.9, 1.1).is_met(1.2))
        self.assertFalse(figures.Target("", below=1).is_met(1))

    def test_a_falling_function_swaps_the_ends(self):
        saved = figures.transformed(figures.Figure(0.3, 0.2, 0.4), lambda ratio: 100 * (1 - ratio))
        self.assertEqual((round(saved.low), round(saved.value), round(saved.high)), (60, 70, 80))


class Futexes(unittest.TestCase):
    def test_only_calls_that_began_within_requests_and_the_time_count(self):
        self.assertEqual(futexes.count(TRACE, 10, 11), (2, 1, 1))
        self.assertEqual(futexes.count(TRACE, 10.55, 11), (1, 1, 1))

    def test_the_caller_is_the_first_module_outside_the_run_time_libraries(self):
        self.assertEqual(futexes.caller_of(TRACE[1:5]), "vfsprof-mount")
        self.assertEqual(futexes.caller_of(TRACE[6:9]), "libfuse3.so.3")


class Bench(unittest.TestCase):
    def setUp(self):
        self.programs = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.programs)

    def replace(self, name, body):
        path = os.path.join(self.programs, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + body + "\n")
        os.chmod(path, 0o755)

    def bench(self, *arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            code = main.main(["--quick", "--programs", self.programs, *arguments])
        return code, out.getvalue().strip().split("\n")

    def replace_report(self, report):
        self.replace("vfsprof", f"cat <<'END'\n{json.dumps(report)}\nEND")

    def test_a_missed_target_is_no_failure(self):
        self.replace_report(run_report())
        code, lines = self.bench("mount-4k-default", "cpu-above-null", "copies-direct")
        self.assertEqual(code, 0)
        self.assertRegex(lines[0], r"^mount-4k-default +0\.500 \[0\.490, 0\.510\] +>= 0\.95 +not met ")
        self.assertRegex(lines[1], r"^cpu-above-null +0\.900 us/op \[0\.800, 1\.100\] +<= 1 us +met ")
        self.assertRegex(lines[2], r"^copies-direct +1\.000 +1\.00 +met ")

    def test_a_memcpy_is_added_to_the_null_handlers_time(self):
        self.replace_report(run_report())
        code, lines = self.bench("mount-1m-direct")  # 1 ms of null handler, 1 ms of memcpy, 2 ms in all
        self.assertEqual(code, 0)
        self.assertRegex(lines[0], r"^mount-1m-direct +1\.000 .* met ")

    def test_what_cannot_be_measured_says_why_and_fails_it(self):
        self.replace_report(run_report(absent="it is not offered"))
        code, lines = self.bench("mount-4k-default")
        self.assertEqual(code, 3)
        self.assertIn("unavailable", lines[0])
        self.assertIn("no null handler: it is not offered", lines[0])
        self.replace("vfsprof", "echo \"vfsprof: there is no variant named 'best'\" >&2; exit 2")
        code, lines = self.bench("cpu-best")
        self.assertEqual(code, 3)
        self.assertIn("there is no variant named 'best'", lines[0])

    def test_a_program_that_is_missing_is_named(self):
        code, lines = self.bench("pool-hot")
        self.assertEqual(code, 3)
        self.assertIn("vfsprof-microbench is not built", lines[0])

    def test_an_unknown_name_is_refused_and_the_known_are_named(self):
        errors = io.StringIO()
        with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(errors):
            main.main(["nonsense"])
        self.assertEqual(ended.exception.code, 2)
        self.assertIn("nonsense", errors.getvalue())
        self.assertIn("flush-raw", errors.getvalue())

    def test_the_pools_are_compared_with_every_baseline(self):
        def runs(name, times):
            return [{"run_name": name, "run_type": "iteration", "real_time": time} for time in times]
        self.replace("vfsprof-microbench", """case "$*" in
*baseline-mutex-unordered_map*) cat <<'END'
%s
END
;; *baseline*) cat <<'END'
%s
END
;; *sharded*) cat <<'END'
%s
END
;; *) echo '{"benchmarks": []}' ;; esac""" % tuple(json.dumps({"benchmarks": runs("x", times)}) for times in
                                                   ([40, 41, 42], [30, 31, 32], [15, 15.5, 16])))
        code, lines = self.bench("pool-ahead-2", "pool-sharded-8", "pool-hot")
        self.assertEqual(code, 0)
        texts = {text.split()[0]: text for text in lines}
        self.assertRegex(texts["pool-ahead-2"], r" 0\.500 +< 1 +met ")
        self.assertRegex(texts["pool-sharded-8"], r" 0\.378 +< 1 +met ")
        self.assertRegex(texts["pool-hot"], r" 15\.500 ns +<= 15 ns +not met ")

    def test_every_number_has_a_name_of_its_own(self):
        names = [row.name for row in rows.ROWS]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
