"""The scripts say what is wrong and end as they promise. What they call (apt-get, CMake, CTest, clang) is replaced by
small programs in a PATH of their own, so that nothing is installed or built."""

import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOOLS = ("awk", "bash", "cat", "cut", "dirname", "env", "git", "grep", "mktemp", "nproc", "python3", "rm", "sed",
         "sort", "stat", "tail", "tee", "tr", "true", "wc", "xargs")
CLOSING = "100% tests passed, 0 tests failed out of 2"


class ScriptTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        self.path = os.path.join(self.root, "path")
        os.mkdir(self.path)
        for name in TOOLS:
            os.symlink(shutil.which(name), os.path.join(self.path, name))
        for folder in ("scripts", ".ci"):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(self.root, folder),
                            ignore=shutil.ignore_patterns("tests", "__pycache__"))
        self.replace("dpkg-query", "echo -n install ok installed")
        self.replace("apt-get", "exit 100")
        self.replace("id", "echo 0")
        self.replace("cmake", "exit 0")

    def replace(self, name, body):
        """Puts a program of our own in the scripts' PATH (or, with a slash, in their tree)."""
        file_name = os.path.join(self.root if "/" in name else self.path, name)
        with open(file_name, "w", encoding="utf-8") as file:
            file.write("#!/usr/bin/env bash\n" + body + "\n")
        os.chmod(file_name, 0o755)

    def run_script(self, *command, **environment):
        result = subprocess.run(
            command, cwd=self.root, env={"PATH": self.path, "HOME": self.root, **environment}, check=False, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.rstrip("\n").split("\n")


class Arguments(ScriptTest):
    def test_what_is_unknown_is_refused_and_named(self):
        for command in (("scripts/setup", "--al"), ("scripts/build", "fast"), ("scripts/build", "dev", "--al"),
                        ("scripts/lint", "--al")):
            code, lines = self.run_script(*command)
            self.assertEqual(code, 2, command)
            self.assertIn(command[-1], lines[-1])


class Setup(ScriptTest):
    def test_nothing_is_installed_twice(self):
        code, lines = self.run_script("scripts/setup")
        self.assertEqual((code, lines[0]), (0, "setup: all packages are installed"))

    def test_check_names_what_is_missing(self):
        self.replace("dpkg-query", '[ "${*: -1}" = fio ] || echo -n install ok installed')
        code, lines = self.run_script("scripts/setup", "--check")
        self.assertEqual((code, lines[0]), (3, "setup: missing packages: fio"))

    def test_an_ordinary_user_without_sudo_is_told_the_command(self):
        self.replace("dpkg-query", '[ "${*: -1}" = fio ] || echo -n install ok installed')
        self.replace("id", "echo 1000")
        code, lines = self.run_script("scripts/setup")
        self.assertEqual(code, 3)
        self.assertIn("apt-get install --no-install-recommends fio", lines[-1])

    def test_a_failing_package_manager_is_an_error_with_its_own_words(self):
        self.replace("dpkg-query", "exit 1")
        self.replace("apt-get", "echo E: no such source; exit 100")
        code, lines = self.run_script("scripts/setup")
        self.assertEqual(code, 3)
        self.assertIn("E: no such source", lines)

    def test_only_what_is_missing_is_installed(self):
        self.replace("dpkg-query", '[ "${*: -1}" = fio ] || echo -n install ok installed')
        self.replace("apt-get", f'echo "$@" >>{self.root}/calls')
        self.assertEqual(self.run_script("scripts/setup")[0], 0)
        with open(os.path.join(self.root, "calls"), encoding="utf-8") as file:
            self.assertTrue(file.read().endswith("install --no-install-recommends fio\n"))


class Build(ScriptTest):
    def test_the_last_line_says_which_step_failed(self):
        for step, word in (("--preset", "configuring"), ("--build", "compiling")):
            self.replace("cmake", f'[ "$1" != {step} ]')
            code, lines = self.run_script("scripts/build", "asan")
            self.assertEqual(code, 1)
            self.assertIn(f"build: {word} preset asan failed", lines[-1])


class Test(ScriptTest):
    LOG = """1/2 Testing: Mount.Works
1/2 Test: Mount.Works
Output:
[ RUN      ] Mount.Works
a.cpp:12: Skipped
/dev/fuse cannot be opened:
Permission denied

[  SKIPPED ] Mount.Works (0 ms)
2/2 Test: Pool.Works
[       OK ] Pool.Works (0 ms)
"""

    def replace_ctest(self, closing, status=0):
        self.replace("ctest", f"""mkdir -p build/release/Testing/Temporary
printf '%s' '{self.LOG}' > build/release/Testing/Temporary/LastTest.log
echo "{closing}"; echo "Total Test time (real) = 1 sec"; exit {status}""")
        os.symlink(shutil.which("mkdir"), os.path.join(self.path, "mkdir"))

    def test_skipped_tests_are_shown_with_their_reason_and_the_closing_line_is_last(self):
        self.replace_ctest(CLOSING)
        code, lines = self.run_script("scripts/test")
        self.assertEqual((code, lines[-1]), (0, CLOSING))
        self.assertIn("  Mount.Works: /dev/fuse cannot be opened: Permission denied", lines)
        self.assertFalse([line for line in lines if "Pool.Works:" in line])

    def test_a_failing_test_fails_it(self):
        closing = "50% tests passed, 1 tests failed out of 2"
        self.replace_ctest(closing, status=8)
        code, lines = self.run_script("scripts/test", "release", "-R", "Pool")
        self.assertEqual((code, lines[-1]), (8, closing))

    def test_no_test_at_all_fails_it(self):
        self.replace_ctest("No tests were found!!!")
        self.assertEqual(self.run_script("scripts/test")[0], 1)


class Lint(ScriptTest):
    def setUp(self):
        super().setUp()
        self.replace("clang-format-19", "exit 0")
        self.replace("clang-tidy-19", 'echo "tidied ${*: -1}"; exit 1')
        self.git("init", "-q")
        # A tree without scripts, so that the rules on it find nothing.
        self.write(".gitignore", "/path/\n/scripts/\n/.ci/\n/build/\n")
        self.write("old.h", "")
        self.write("changed.h", "")
        self.commit()

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments],
                       check=True, stdout=subprocess.DEVNULL)

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w", encoding="utf-8") as file:
            file.write(text)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "one")

    def tidied(self, *arguments, **environment):
        code, lines = self.run_script("scripts/lint", *arguments, **environment)
        names = sorted(line.split()[1] for line in lines if line.startswith("tidied "))
        self.assertEqual(code, 1 if names else 0, lines)
        return names

    def test_only_what_changed_is_tidied(self):
        self.write("changed.h", "#pragma once\n")
        self.commit()
        self.write("new.cpp", "")
        self.assertEqual(self.tidied(), ["changed.h", "new.cpp"])
        self.assertEqual(self.tidied(LINT_BASE="HEAD"), ["new.cpp"])

    def test_everything_is_tidied_on_demand_and_in_a_first_commit(self):
        self.assertEqual(self.tidied(), ["changed.h", "old.h"])
        self.write("changed.h", "#pragma once\n")
        self.commit()
        self.assertEqual(self.tidied("--all"), ["changed.h", "old.h"])

    def test_a_removed_file_is_not_tidied(self):
        os.remove(os.path.join(self.root, "old.h"))
        self.commit()
        self.assertEqual(self.tidied(), [])

    def test_an_unknown_base_is_refused(self):
        code, lines = self.run_script("scripts/lint", LINT_BASE="nowhere")
        self.assertEqual(code, 2)
        self.assertIn("nowhere", lines[-1])

    def test_each_tool_can_fail_it(self):
        self.replace("clang-tidy-19", "exit 0")
        self.assertEqual(self.run_script("scripts/lint")[0], 0)
        self.replace("clang-format-19", "exit 1")
        code, lines = self.run_script("scripts/lint")
        self.assertEqual(code, 1)
        self.assertIn("clang-format", lines[-1])
        self.replace("clang-format-19", "exit 0")
        os.mkdir(os.path.join(self.root, "vfs"))
        self.write("vfs/a.h", '#include "harness/error.h"\n')
        code, lines = self.run_script("scripts/lint")
        self.assertEqual(code, 1)
        self.assertIn("tree.py", lines[-1])


class ContinuousIntegration(ScriptTest):
    def setUp(self):
        super().setUp()
        self.replace("scripts/ci/quick-gate", "exit 0")

    def test_the_quick_gate_can_fail_it_and_may_be_impossible(self):
        self.replace("scripts/test", "echo closing")
        self.replace("scripts/lint", "exit 0")
        for code, expected in ((1, 1), (2, 2), (5, 5), (3, 0)):
            self.replace("scripts/ci/quick-gate", f"exit {code}")
            self.assertEqual(self.run_script(".ci/run")[0], expected)

    def test_the_last_line_is_the_closing_line_of_the_first_stage(self):
        self.replace("scripts/test", f'[ "$1" = release ] && echo "{CLOSING}" || echo "$1 $*"')
        self.replace("scripts/lint", "echo lint: clean")
        code, lines = self.run_script(".ci/run")
        self.assertEqual((code, lines[-1]), (0, CLOSING))

    def test_every_stage_can_fail_it(self):
        for stage in ("release", "asan", "tsan"):
            self.replace("scripts/test", f'echo closing; [ "$1" != {stage} ]')
            self.replace("scripts/lint", "exit 0")
            code, lines = self.run_script(".ci/run")
            self.assertEqual((code, lines[-1]), (1, "closing"), stage)
        self.replace("scripts/test", "echo closing")
        self.replace("scripts/lint", "exit 1")
        self.assertEqual(self.run_script(".ci/run")[0], 1)


if __name__ == "__main__":
    unittest.main()
