// A libFuzzer target: the first byte says what the rest is taken for: a scenario, a recording, a
// log of strace, a log of fio. Whatever a log becomes must be a recording that can be read. Built
// and run like reports/tests/fuzz/fuzz_reports.cpp, as vfsprof-fuzz-workloads.

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "harness/error.h"
#include "harness/scenario/import/workload_import.h"
#include "harness/scenario/recording.h"
#include "harness/scenario/scenario.h"

namespace harness = vfsprof::harness;

namespace {

using Import = harness::ImportedWorkload (*)(std::span<const harness::WorkloadSource>,
                                             const harness::WorkloadImportOptions&);

/// A workload that was read is one that can be replayed.
void import_and_parse(Import import, std::string_view text) {
  const harness::WorkloadSource source{"hostile", std::string(text)};
  const std::string recording = import({&source, 1}, {.root = "/w"}).recording;
  try {
    harness::parse_recording(recording, "imported");
  } catch (const harness::BadInput& error) {
    fmt::print(stderr, "{}\n{}\n", error.what(), recording);
    std::abort();
  }
}

constexpr std::array<void (*)(std::string_view), 4> kReaders{
    [](std::string_view text) { harness::parse_scenario(text, "hostile"); },
    [](std::string_view text) { harness::parse_recording(text, "hostile"); },
    [](std::string_view text) { import_and_parse(harness::import_strace_log, text); },
    [](std::string_view text) { import_and_parse(harness::import_fio_iolog, text); }};

constexpr std::array<std::string_view, kReaders.size()> kSeeds{
    R"({"name": "s", "summary": "x", "stresses": "y",
 "filesets": [{"name": "logs", "nrfiles": 4, "filesize": {"gamma": {"mean": "128k", "shape": 1.5}},
   "dirs": 2, "existing": 80}],
 "jobs": [{"name": "j", "rw": "randwrite", "bs": "4k", "size": "1m", "nrfiles": 2, "numjobs": 2,
   "number_ios": 100, "prefill": true},
  {"name": "log", "numjobs": 4, "loops": 50, "setup": [{"op": "open", "set": "logs"}],
   "steps": [{"repeat": 64, "steps": [{"op": "append", "size": {"uniform": [1, 512]}}]},
             {"op": "fdatasync"}]}]})",
    R"({"format": 1, "name": "r", "summary": "x", "stresses": "y"}
{"exists":"directory","path":"sub"}
{"exists":"file","path":"sub/f","size":1234}
{"client":0,"op":"open","path":"sub/f","fd":0,"expect":0}
{"client":0,"at_ns":100,"op":"read","fd":0,"offset":0,"size":4096,"expect":1234}
{"client":1,"op":"create","path":"new","fd":1,"mode":"0600","expect":0}
{"client":1,"op":"write","fd":1,"offset":0,"size":10,"expect":10}
{"client":0,"op":"rename","path":"new","to":"old"}
{"client":0,"op":"close","fd":0}
{"end":7,"left_out":{}}
)",
    R"(10  1700000000.000100 openat(AT_FDCWD</w>, "a,b \"c\"", O_RDWR|O_CREAT|O_EXCL, 0640) = 3</w/a,b "c">
10  1700000000.000200 write(3</w/a,b "c">, "x\"(,"..., 100) = 100
10  1700000000.000300 vfork( <unfinished ...>
11  1700000000.000400 pread64(3</w/a,b "c">,  <unfinished ...>
10  1700000000.000500 <... vfork resumed>) = 11
11  1700000000.000600 <... pread64 resumed>"x"..., 50, 80) = 20
10  1700000000.000800 newfstatat(3</w/a,b "c">, "", {st_mode=S_IFREG|0640, st_size=100, ...}, AT_EMPTY_PATH) = 0
10  1700000000.001100 mkdir("d", 0755)   = 0
10  1700000000.001200 rename("d", "e") = 0
10  1700000000.001300 symlink("/etc/passwd", "/w/l") = 0
10  1700000000.001400 dup2(3</w/a,b "c">, 7) = 7</w/a,b "c">
10  1700000000.001500 lseek(7</w/a,b "c">, 5, SEEK_SET) = 5
10  1700000000.001600 truncate("/w/a,b \"c\"", 9) = 0
10  1700000000.001700 +++ exited with 0 +++
)",
    "fio version 3 iolog\n0 /x/a add\n10 /x/a open\n20 /x/a write 4096 8192\n30 /x/a sync 0 0\n"
    "40 /x/a read 0 4096\n50 /x/a trim 0 4096\n60 /x/a close\nfio version 3 iolog\n"
    "15 /y/a open\n25 /y/a write 0 512\n"};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  if (*count != 3 || std::string_view((*arguments)[1]) != "--seeds") return 0;
  for (std::size_t kind = 0; kind < kSeeds.size(); ++kind) {
    std::ofstream(fmt::format("{}/workload-{}", (*arguments)[2], kind))
        << static_cast<char>(kind) << kSeeds[kind];
  }
  std::exit(0);  // NOLINT(concurrency-mt-unsafe): one thread
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    kReaders[data[0] % kReaders.size()](text);
  } catch (const harness::BadInput&) {
    return 0;
  }
  return 0;
}
