// Logs of strace and fio as workloads: what is read, what is refused, and that a replay does what
// the programs did.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/run/work_directory.h"
#include "harness/scenario/client.h"
#include "harness/scenario/import/workload_import.h"
#include "harness/scenario/operation_list.h"
#include "harness/scenario/recording.h"
#include "harness/tests/mount_fixture.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

ImportedWorkload import(std::string_view format, const std::string& text,
                        const std::string& root = "/w") {
  const WorkloadSource source{"log", text};
  for (const WorkloadFormat& each : workload_formats()) {
    if (each.name == format) return each.import({&source, 1}, {.root = root});
  }
  throw BadInput("no such format");
}

std::string refusal(std::string_view format, const std::string& text) {
  try {
    import(format, text);
    return {};
  } catch (const BadInput& error) {
    return error.what();
  }
}

/// The operations of a recording, without header, times and end.
std::vector<std::string> operations_of(const ImportedWorkload& workload) {
  std::vector<std::string> lines;
  std::string_view rest = workload.recording;
  while (!rest.empty()) {
    std::string line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(line.size() + 1);
    if (line.starts_with(R"({"format)") || line.starts_with(R"({"end)")) continue;
    if (const std::size_t at = line.find(R"("at_ns")"); at != std::string::npos) {
      line.erase(at, line.find(',', at) + 1 - at);
    }
    lines.push_back(line);
  }
  return lines;
}

const std::string kStrace =
    R"(10  1700000000.000000 execve("/bin/x", ["x"], 0x7ffd /* 2 vars */) = 0
10  1700000000.000100 openat(AT_FDCWD</w>, "a,b \"c\"", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0640) = 3</w/a,b "c">
10  1700000000.000200 write(3</w/a,b "c">, "x\"(,"..., 100) = 100
10  1700000000.000300 vfork( <unfinished ...>
11  1700000000.000400 pread64(3</w/a,b "c">,  <unfinished ...>
10  1700000000.000500 <... vfork resumed>) = 11
11  1700000000.000600 <... pread64 resumed>"x"..., 50, 80) = 20
11  1700000000.000700 +++ exited with 0 +++
10  1700000000.000800 newfstatat(3</w/a,b "c">, "", {st_mode=S_IFREG|0640, st_size=100, ...}, AT_EMPTY_PATH) = 0
10  1700000000.000900 openat(AT_FDCWD</w>, "/etc/passwd", O_RDONLY) = 4</etc/passwd>
10  1700000000.001000 read(4</etc/passwd>, "root"..., 4096) = 900
10  1700000000.001100 mkdir("d", 0755)   = 0
10  1700000000.001200 --- SIGCHLD {si_signo=SIGCHLD} ---
10  1700000000.001300 unlink("/w/nothing") = -1 ENOENT (No such file or directory)
10  1700000000.001400 write(3</w/a,b "c">, "x"..., 8) = -1 ENOSPC (No space left on device)
10  1700000000.001500 +++ exited with 0 +++
)";

TEST(StraceLog, SystemCallsBecomeOperations) {
  const ImportedWorkload workload = import("strace", kStrace);
  EXPECT_EQ(operations_of(workload),
            (std::vector<std::string>{
                R"({"client":0,"op":"create","path":"a,b \"c\"","fd":0,"mode":"0640","expect":0})",
                R"({"client":0,"op":"write","fd":0,"offset":0,"size":100,"expect":100})",
                R"({"client":1,"op":"read","fd":0,"offset":80,"size":50,"expect":20})",
                R"({"client":0,"op":"stat","path":"a,b \"c\"","expect":100})",
                R"({"client":0,"op":"mkdir","path":"d","mode":"0755","expect":0})",
                R"({"client":0,"op":"unlink","path":"nothing","expect":"ENOENT"})",
                R"({"client":0,"op":"close","fd":0,"expect":0})"}));
  EXPECT_EQ(workload.read, 13U);
  EXPECT_EQ(workload.left_out.at("failed with ENOSPC, which depends on the target"), 1U);
  EXPECT_GE(workload.left_out.at("outside of the root"), 2U);
  EXPECT_EQ(workload.mapped.at("mkdir"), 1U);
  parse_recording(workload.recording, "r");
}

TEST(StraceLog, FilesThatWereThereAreKnownByWhatIsReadOfThem) {
  const ImportedWorkload workload = import(
      "strace",
      R"(1 1700000000.000000 openat(AT_FDCWD</w>, "sub/f", O_RDWR|O_CREAT, 0644) = 3</w/sub/f>
1 1700000000.000100 read(3</w/sub/f>, "..."..., 4096) = 1234
1 1700000000.000200 write(3</w/sub/f>, "."..., 10) = 10
1 1700000000.000300 openat(AT_FDCWD</w>, "new", O_WRONLY|O_CREAT, 0600) = 4</w/new>
1 1700000000.000400 write(4</w/new>, "."..., 10) = 10
)");
  EXPECT_EQ(operations_of(workload),
            (std::vector<std::string>{
                R"({"exists":"directory","path":"sub"})",
                R"({"exists":"file","path":"sub/f","size":1234})",
                R"({"client":0,"op":"open","path":"sub/f","fd":0,"expect":0})",
                R"({"client":0,"op":"read","fd":0,"offset":0,"size":4096,"expect":1234})",
                R"({"client":0,"op":"write","fd":0,"offset":1234,"size":10,"expect":10})",
                R"({"client":0,"op":"create","path":"new","fd":1,"mode":"0600","expect":0})",
                R"({"client":0,"op":"write","fd":1,"offset":0,"size":10,"expect":10})"}));
  parse_recording(workload.recording, "r");
}

TEST(StraceLog, HostileTextIsRefusedWithItsLine) {
  EXPECT_THAT(refusal("strace", "nonsense\n"), HasSubstr("log, line 1: no time"));
  EXPECT_THAT(refusal("strace", "1 1700000000.1 read(3</w/x>, \"abc\n"), HasSubstr("line 1"));
  EXPECT_THAT(refusal("strace", "1 99999999999999999999.1 close(3) = 0\n"), HasSubstr("line 1"));
  EXPECT_THAT(refusal("strace", "1 1700000000.1 close(3) = 0\n"), HasSubstr("none of 1 entries"));
  const std::string made = R"(mkdir("/w/a", 0777) = 0)";
  EXPECT_THAT(refusal("strace", "1 0.1 " + made + "\n1 1700000000.1 " + made + "\n"),
              HasSubstr("line 2: its time"));
  // What is outside stays outside, however it is written.
  const ImportedWorkload escape = import("strace", R"(1 1700000000.0 mkdir("/w/a", 0777) = 0
1 1700000000.1 mkdir("/w/../etc/x", 0777) = 0
1 1700000000.2 unlinkat(5</w>, "../../etc/passwd", 0) = 0
1 1700000000.3 rename("/w/a", "/elsewhere") = 0
1 1700000000.4 symlink("/etc/passwd", "/w/l") = 0
)");
  EXPECT_EQ(operations_of(escape),
            (std::vector<std::string>{
                R"({"client":0,"op":"mkdir","path":"a","mode":"0777","expect":0})",
                R"({"client":0,"op":"symlink","path":"l","target":"___________","expect":0})"}));
  // Cut or corrupted anywhere: an error, or a recording that can be read.
  for (std::size_t at = 0; at < kStrace.size(); at += 3) {
    for (const char byte : {'"', '(', '<', '9', '\xff', '\n'}) {
      std::string text = kStrace;
      text[at] = byte;
      for (const std::string& hostile : {text, kStrace.substr(0, at)}) {
        try {
          import("strace", hostile);
        } catch (const BadInput&) {
          continue;
        }
      }
    }
  }
}

TEST(StraceLog, WhatTheLogDoesNotShowIsLeftOut) {
  // Who made d, x and e/y again was not logged.
  const ImportedWorkload gaps = import("strace", R"(1 1700000000.1 mkdir("/w/d", 0777) = 0
1 1700000000.2 rename("/w/d", "/w/e") = 0
1 1700000000.3 rename("/w/d", "/w/e") = 0
1 1700000000.4 unlink("/w/x") = 0
1 1700000000.5 unlink("/w/x") = 0
1 1700000000.6 unlink("/w/old/y") = 0
1 1700000000.7 rename("/w/old", "/w/new") = 0
1 1700000000.8 unlink("/w/new/y") = 0
1 1700000000.9 mkdir("/w/new", 0777) = 0
1 1700000001.0 rename("/w", "/w/f") = 0
1 1700000001.1 rename("/w/g", "/w/g/h") = 0
1 1700000001.2 rmdir("/w") = 0
1 1700000001.3 unlink("/w/f/y") = 0
)");
  EXPECT_EQ(
      operations_of(gaps),
      (std::vector<std::string>{
          R"({"exists":"file","path":"x","size":0})", R"({"exists":"directory","path":"old"})",
          R"({"exists":"file","path":"old/y","size":0})", R"({"exists":"directory","path":"f"})",
          R"({"exists":"file","path":"f/y","size":0})",
          R"({"client":0,"op":"mkdir","path":"d","mode":"0777","expect":0})",
          R"({"client":0,"op":"rename","path":"d","to":"e","expect":0})",
          R"({"client":0,"op":"unlink","path":"x","expect":0})",
          R"({"client":0,"op":"unlink","path":"old/y","expect":0})",
          R"({"client":0,"op":"rename","path":"old","to":"new","expect":0})",
          R"({"client":0,"op":"unlink","path":"f/y","expect":0})"}));
}

TEST(StraceLog, ALineThatIsLateInTheLogMovesNoOther) {
  const ImportedWorkload late = import("strace", R"(1 1700000000.2 mkdir("/w/b", 0777) = 0
1 1700000000.1 mkdir("/w/a", 0777) = 0
1 1700000000.3 mkdir("/w/c", 0777) = 0
)");
  EXPECT_THAT(late.recording, AllOf(HasSubstr(R"("at_ns":0,"op":"mkdir","path":"a")"),
                                    HasSubstr(R"("at_ns":100000000,"op":"mkdir","path":"b")"),
                                    HasSubstr(R"("at_ns":200000000,"op":"mkdir","path":"c")")));
}

TEST(FioIolog, ActionsBecomeOperations) {
  const ImportedWorkload workload = import("fio-iolog", R"(fio version 3 iolog
0 /x/a add
10 /x/a open
20 /x/a write 4096 8192
30 /x/a sync 0 0
40 /x/a read 0 4096
50 /x/a trim 0 4096
60 /x/a close
fio version 3 iolog
15 /y/a open
25 /y/a write 0 512
)");
  EXPECT_THAT(workload.recording, HasSubstr(R"("at_ns":40000,"op":"read")"));
  EXPECT_EQ(
      operations_of(workload),
      (std::vector<std::string>{R"({"exists":"file","path":"a","size":12288})",
                                R"({"client":0,"op":"open","path":"a","fd":0})",
                                R"({"client":1,"op":"create","path":"a.1","fd":1})",
                                R"({"client":0,"op":"write","fd":0,"offset":4096,"size":8192})",
                                R"({"client":1,"op":"write","fd":1,"offset":0,"size":512})",
                                R"({"client":0,"op":"fsync","fd":0})",
                                R"({"client":0,"op":"read","fd":0,"offset":0,"size":4096})",
                                R"({"client":0,"op":"close","fd":0})"}));
  EXPECT_EQ(workload.left_out.at("trim"), 1U);
  parse_recording(workload.recording, "r");
  const ImportedWorkload second =
      import("fio-iolog", "fio version 2 iolog\n/f add\n/f open\n/f wait 500\n/f write 0 4096\n");
  EXPECT_THAT(second.recording, HasSubstr(R"("at_ns":500000,"op":"write")"));
}

TEST(FioIolog, HostileTextIsRefusedWithItsLine) {
  const std::string start = "fio version 3 iolog\n";
  EXPECT_THAT(refusal("fio-iolog", "1 /x open\n"), HasSubstr("log, line 1"));
  EXPECT_THAT(refusal("fio-iolog", "fio version 9 iolog\n"), HasSubstr("versions 2 and 3"));
  EXPECT_THAT(refusal("fio-iolog", start + "1 /x open\n2 /x write 0 99999999999\n"),
              AllOf(HasSubstr("line 3"), HasSubstr("99999999999")));
  EXPECT_THAT(refusal("fio-iolog", start + "1 /x dance\n"), HasSubstr("unknown action 'dance'"));
  EXPECT_THAT(refusal("fio-iolog", start + "1 /x open\n2 /x write -1 4096\n"), HasSubstr("'-1'"));
  EXPECT_THAT(refusal("fio-iolog", start + "1 /x open\n2 /x write 0\n"), HasSubstr("line 3"));
  EXPECT_THAT(refusal("fio-iolog",
                      "fio version 2 iolog\n/x open\n/x wait 999999999999\n/x wait 999999999999\n"),
              HasSubstr("line 4: the waits"));
  const ImportedWorkload up = import("fio-iolog", start + "1 /a/.. open\n2 /a/.. write 0 1\n");
  EXPECT_THAT(up.recording, HasSubstr(R"("path":"file")"));
}

/// Names, kinds and sizes of everything below a directory.
std::set<std::string> shape_of(const fs::path& directory) {
  std::set<std::string> shape;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    std::string line = entry.path().lexically_relative(directory).string();
    if (entry.is_symlink()) {
      line += " link";
    } else {
      line += entry.is_directory() ? " directory" : " file " + std::to_string(entry.file_size());
    }
    shape.insert(line);
  }
  return shape;
}

class RealPrograms : public ::testing::Test {
 protected:
  RealPrograms() : work_(fs::temp_directory_path()), original_(work_.path() / "original") {
    fs::create_directory(original_);
  }

  static bool has(const std::string& programs) {
    for (const char* const folder : {"/usr/bin/", "/bin/"}) {
      if (fs::exists(folder + programs)) return true;
    }
    return false;
  }

  int shell(const std::string& command) const {
    const std::string line = "cd '" + original_.string() + "' && { " + command + "; } >'" +
                             (work_.path() / "log.txt").string() + "' 2>&1 </dev/null";
    return std::system(line.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  }

  std::string text_of(const std::string& name) const {
    std::ifstream file(work_.path() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  /// The programs, traced in `original_`, as a scenario.
  Scenario traced(const std::string& command) {
    std::ofstream(work_.path() / "script") << command;
    EXPECT_EQ(shell("strace -f -ttt -yy -o ../strace.log sh ../script"), 0) << text_of("log.txt");
    workload_ = import("strace", text_of("strace.log"), original_.string());
    return parse_recording(workload_.recording, "strace");
  }

  std::string replay(const Scenario& scenario, const fs::path& directory) {
    fs::create_directories(directory);
    ClientProcess clients(
        scenario,
        {.directory = directory, .placement = Placement::kFree, .program = VFSPROF_TEST_CLIENT});
    clients.wait_until_ready();
    clients.go();
    const ClientResult result = clients.wait();
    clients.finish();
    return result.failure;
  }

  /// Replays on a plain directory and on the mount: the results are those of the log, and what is
  /// left has the same names and sizes.
  void expect_same(const Scenario& scenario) {
    const std::set<std::string> shape = shape_of(original_);
    EXPECT_EQ(replay(scenario, work_.path() / "plain"), "");
    EXPECT_EQ(shape_of(work_.path() / "plain"), shape);
    if (!reason_not_to_mount().empty()) return;
    const Mount mount("default");
    EXPECT_EQ(replay(scenario, mount.root()), "");
    EXPECT_EQ(shape_of(mount.root()), shape);
  }

  WorkDirectory work_;
  fs::path original_;
  ImportedWorkload workload_;
};

TEST_F(RealPrograms, TarAndTheShell) {
  if (!has("strace") || !has("tar")) GTEST_SKIP() << "strace or tar is not installed";
  expect_same(
      traced("mkdir -p a/b; for i in 1 2 3; do echo hello $i > a/b/f$i; done; "
             "echo more >> a/b/f1; tar cf a.tar a; mkdir c; tar xf a.tar -C c; ls c/a/b; "
             "mv c/a/b d; ln -s ../a c/link; ln d/f1 d/hard; chmod 600 d/f2; cat d/*; "
             "rm -r a; dd if=a.tar of=part bs=1000 count=3 skip=1 conv=fsync; "
             "truncate -s 100 d/f3; cp a.tar copy"));
}

TEST_F(RealPrograms, Sqlite) {
  if (!has("strace") || !has("sqlite3")) GTEST_SKIP() << "strace or sqlite3 is not installed";
  expect_same(
      traced("sqlite3 db 'create table t(a); insert into t values(1);'; "
             "sqlite3 db 'insert into t values(randomblob(20000)); delete from t where a=1;'; "
             "sqlite3 db 'select count(*) from t; vacuum'"));
  EXPECT_GT(workload_.mapped["fdatasync"] + workload_.mapped["fsync"], 0U);
}

TEST_F(RealPrograms, Git) {
  if (!has("strace") || !has("git")) GTEST_SKIP() << "strace or git is not installed";
  ASSERT_EQ(shell("true"), 0);
  expect_same(
      traced("export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1; git init -q --template= r; cd r; "
             "for i in 1 2 3; do echo $i > f$i; done; git add .; "
             "git -c user.name=a -c user.email=a@b -c gc.auto=0 commit -qm one; "
             "git mv f1 g1; git status --short"));
}

TEST_F(RealPrograms, FioAndItsOwnLog) {
  if (!has("fio")) GTEST_SKIP() << "fio is not installed";
  ASSERT_EQ(shell("fio --name=a --rw=randrw --bs=4k --size=128k --fsync=8 --ioengine=psync "
                  "--write_iolog=../iolog --filename=f --thread"),
            0)
      << text_of("log.txt");
  workload_ = import("fio-iolog", text_of("iolog"));
  const Scenario scenario = parse_recording(workload_.recording, "fio");
  std::vector<std::string> expected;
  std::istringstream log(text_of("iolog"));
  for (std::string line; std::getline(log, line);) {
    std::istringstream words(line);
    std::string time, file, action, offset, size;
    words >> time >> file >> action >> offset >> size;
    if (action == "read" || action == "write") {
      expected.push_back(action.append(" ").append(offset).append(" ").append(size));
    }
  }
  std::vector<std::string> replayed;
  for (const Operation& operation : scenario.jobs.front().operations->operations) {
    if (!moves_data(operation.kind)) continue;
    replayed.push_back(std::string(kOperationNames[static_cast<std::size_t>(operation.kind)]) +
                       " " + std::to_string(operation.offset) + " " +
                       std::to_string(operation.size));
  }
  EXPECT_EQ(replayed, expected);
  EXPECT_GE(expected.size(), 32U);
  EXPECT_EQ(replay(scenario, work_.path() / "plain"), "");
  EXPECT_EQ(shape_of(work_.path() / "plain"), shape_of(original_));
}

}  // namespace
}  // namespace vfsprof::harness
