"""Every rule of scripts/checks/tree.py flags its offender in a small tree, and passes the tree beside it."""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "checks"))
import tree  # noqa: E402

# Written in two parts, so that this file is no offender itself.
SLASH = "/"
HTTPS = "https:" + SLASH + SLASH


class RuleTest(unittest.TestCase):
    def check(self, files, rule):
        """The findings of one rule on a tree made of {path: text}, as "path:line"."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            return [f"{finding.path}:{finding.line}" for finding in tree.findings(root) if finding.rule == rule]

    def flags(self, rule, path, text, line=1, others=None):
        self.assertEqual(self.check({path: text, **(others or {})}, rule), [f"{path}:{line}"])

    def passes(self, rule, path, text, others=None):
        self.assertEqual(self.check({path: text, **(others or {})}, rule), [])


class LayerRule(RuleTest):
    def test_vfs_and_reports_do_not_know_each_other(self):
        self.flags("layer", "vfs/a.cpp", '#pragma once\n#include "reports/model/histogram.h"\n', line=2)
        self.flags("layer", "reports/a.cpp", '#include "vfs/engine.h"\n')
        self.flags("layer", "reports/tests/a.cpp", '#include "vfs/engine.h"\n')

    def test_only_harness_knows_both(self):
        self.flags("layer", "vfs/pool/a.h", '#include "harness/error.h"\n')
        self.flags("layer", "reports/a.h", "  #  include <harness/error.h>\n")
        self.passes("layer", "harness/a.cpp", '#include "vfs/engine.h"\n#include "reports/a.h"\n#include <unistd.h>\n')

    def test_base_is_open_to_all_and_includes_nothing_else(self):
        self.passes("layer", "reports/a.cpp", '#include "vfs/base/ids.h"\n#include <vector>\n')
        self.passes("layer", "vfs/base/a.h", '#include "vfs/base/ids.h"\n')
        self.flags("layer", "vfs/base/a.h", '#include "vfs/engine.h"\n')

    def test_reports_includes_no_system_header(self):
        for header in ("sys/types.h", "unistd.h", "fcntl.h", "thread", "linux/perf_event.h", "pthread.h"):
            self.flags("layer", "reports/a.cpp", f"#include <{header}>\n")
        self.passes("layer", "reports/a.cpp", "#include <fstream>\n#include <nlohmann/json.hpp>\n")
        self.passes("layer", "reports/tests/a.cpp", "#include <unistd.h>\n")

    def test_reports_gets_no_system_header_through_base(self):
        base = {"vfs/base/outer.h": '#include "vfs/base/inner.h"\n', "vfs/base/inner.h": "#include <unistd.h>\n"}
        self.flags("layer", "reports/a.cpp", '#include "vfs/base/outer.h"\n', others=base)
        self.passes("layer", "vfs/a.cpp", '#include "vfs/base/outer.h"\n', others=base)

    def test_a_relative_include_is_no_way_around(self):
        self.flags("layer", "reports/a.cpp", '#include "../vfs/engine.h"\n')
        self.flags("layer", "vfs/a.cpp", '#include "engine.h"\n')

    def test_a_link_is_no_way_around(self):
        self.flags("layer", "vfs/pool/CMakeLists.txt", "target_link_libraries(x PRIVATE vfsprof::reports)\n")
        self.flags("layer", "reports/CMakeLists.txt", "\ntarget_link_libraries(x vfsprof_vfs)\n", line=2)
        self.passes("layer", "harness/CMakeLists.txt", "target_link_libraries(x vfsprof_vfs vfsprof_reports)\n")
        self.passes("layer", "vfs/CMakeLists.txt", "vfsprof_library(vfsprof_vfs)  # not vfsprof_reports\n")


class LengthRules(RuleTest):
    def test_a_file_may_have_400_lines(self):
        for path in ("vfs/a.cpp", "scripts/demo", "vfs/CMakeLists.txt", "scripts/tests/a.py"):
            self.flags("file-length", path, "\n" * 401, line=401)
            self.passes("file-length", path, "\n" * 400)
        self.passes("file-length", "CHANGELOG.md", "\n" * 401)

    def test_a_function_may_have_70_lines(self):
        for head, foot in (("void f() {", "}"), ("TEST(A, B) {", "}"), ("int A::f(int a,\n         int b) const {", "}"),
                           ("A::A(int a)\n    : a_(a),\n      b_(a) {", "}"), ("class A {\n  int f() {", "  }\n};")):
            line = 2 if head.startswith("class") else 1
            self.flags("function-length", "vfs/a.cpp", head + "\n  g();" * 71 + "\n" + foot, line)
            self.passes("function-length", "vfs/a.cpp", head + "\n  g();" * 70 + "\n" + foot)

    def test_blocks_inside_count_towards_their_function(self):
        block = "\n  if (a) {\n    g();\n  } else {\n    h();\n  }\n"
        self.flags("function-length", "vfs/a.cpp", "void f() {" + block * 13 + "}\n")

    def test_namespaces_types_and_tables_are_no_functions(self):
        for head in ("namespace a {", "struct A {", "constexpr int kTable[] = {", "enum class A : int {",
                     "inline constexpr auto kTable = make({"):
            self.passes("function-length", "vfs/a.cpp", head + "\n  int b;" * 90 + "\n}\n")

    def test_functions_of_scripts_count_too(self):
        self.flags("function-length", "scripts/a.py", "def f():\n" + "    g()\n" * 71)
        self.passes("function-length", "scripts/a.py", "def f():\n" + "    g()\n" * 70)
        self.flags("function-length", "scripts/a", "f() {\n" + "  g\n" * 71 + "}\n")


class FileMapRule(RuleTest):
    MAP = "# vfs\n\n## Files\n| file | what |\n|---|---|\n| `a.{h,cpp}` | one |\n| `pool/` | pools |\n\n## More\n"
    FILES = {"vfs/a.h": "", "vfs/a.cpp": "", "vfs/pool/b.h": ""}

    def test_a_file_without_a_row_is_flagged(self):
        self.assertEqual(self.check({"vfs/README.md": self.MAP, **self.FILES}, "file-map"), ["vfs/pool/b.h:1"])

    def test_a_deeper_map_covers_its_folder(self):
        deeper = {"vfs/pool/README.md": "## Files\n| `b.h` | a pool |\n"}
        self.assertEqual(self.check({"vfs/README.md": self.MAP, **self.FILES, **deeper}, "file-map"), [])

    def test_a_row_without_a_file_is_flagged(self):
        self.flags("file-map", "vfs/README.md", "## Files\n| `gone.h` | once |\n", line=2)

    def test_only_the_section_files_is_a_map(self):
        self.flags("file-map", "vfs/a.h", "", others={"vfs/README.md": "## Other\n| `a.h` | one |\n"})

    def test_every_kind_of_source_needs_a_row(self):
        for path in ("vfs/a.def", "scenarios/a.json", "third_party/a.cmake", "scripts/demo", "scripts/tests/a.py"):
            self.flags("file-map", path, "")

    def test_data_folders_and_build_files_need_none(self):
        for path in ("reports/tests/data/a.json", "vfs/CMakeLists.txt", "CMakePresets.json", ".ci/run"):
            self.passes("file-map", path, "")


class MachineTraceRules(RuleTest):
    def test_folders_of_a_machine_are_flagged(self):
        for folder in ("home/somebody", "root", "work"):
            self.flags("machine-path", "vfs/a.cpp", f'open("{SLASH}{folder}{SLASH}a");\n')

    def test_folders_inside_the_project_are_not(self):
        self.passes("machine-path", "vfs/a.cpp", f'open("mnt{SLASH}root{SLASH}a"); path / "work"; "{SLASH}dev{SLASH}fuse";\n')

    def test_registry_hosts_are_flagged(self):
        for host in ("registry.example.org", "pypi.example.org", "apt-mirror.example.com:8080", "user:word@proxy.example.org"):
            self.flags("registry-host", "third_party/a.md", f"{HTTPS}{host}{SLASH}x\n")

    def test_other_hosts_are_not(self):
        self.passes("registry-host", "README.md", f"{HTTPS}github.com{SLASH}npm{SLASH}cli {HTTPS}docs.kernel.org\n")


class CommandLine(unittest.TestCase):
    def test_findings_fail_and_a_clean_tree_passes(self):
        program = os.path.join(os.path.dirname(tree.__file__), "tree.py")
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(subprocess.run([sys.executable, program, root], check=False).returncode, 0)
            os.mkdir(os.path.join(root, "vfs"))
            with open(os.path.join(root, "vfs", "a.cpp"), "w", encoding="utf-8") as file:
                file.write('#include "harness/error.h"\n')
            result = subprocess.run([sys.executable, program, root], check=False, text=True, stdout=subprocess.PIPE)
            self.assertEqual(result.returncode, 1)
            self.assertIn("vfs/a.cpp:1: layer: vfs may not include harness/error.h", result.stdout)

    def test_files_that_git_ignores_are_not_checked(self):
        with tempfile.TemporaryDirectory() as root:
            subprocess.run(["git", "init", "-q", root], check=True)
            with open(os.path.join(root, ".gitignore"), "w", encoding="utf-8") as file:
                file.write("ignored.h\n")
            os.mkdir(os.path.join(root, "vfs"))
            for name in ("ignored.h", "new.h"):
                with open(os.path.join(root, "vfs", name), "w", encoding="utf-8") as file:
                    file.write('#include "harness/error.h"\n')
            flagged = [finding.path for finding in tree.findings(root) if finding.rule == "layer"]
            self.assertEqual(flagged, ["vfs/new.h"])


if __name__ == "__main__":
    unittest.main()
