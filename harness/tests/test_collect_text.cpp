#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "harness/collect/capabilities.h"
#include "harness/collect/environment.h"
#include "harness/collect/proc.h"
#include "harness/symbols/symbol_table.h"

namespace vfsprof::harness {
namespace {

TEST(CollectProc, FieldsAreFoundByTheirWholeName) {
  constexpr std::string_view kText =
      "Name:\tx\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
  EXPECT_EQ(field_of(kText, "voluntary_ctxt_switches"), "12");
  EXPECT_EQ(field_of(kText, "nonvoluntary_ctxt_switches"), "3");
  EXPECT_EQ(field_of(kText, "ctxt_switches"), "");
  EXPECT_EQ(field_of("model name\t: AMD EPYC: the best\n", "model name"), "AMD EPYC: the best");
  EXPECT_EQ(field_of("", "x"), "");
}

TEST(CollectProc, SchedstatHasCpuTimeThenWait) {
  const auto statistics = parse_schedstat("123456789 987 42\n");
  ASSERT_TRUE(statistics);
  EXPECT_EQ(statistics->cpu_ns, 123456789u);
  EXPECT_EQ(statistics->runnable_ns, 987u);
  for (const char* text : {"", "12", "x 1 2", "12 -1 2", "99999999999999999999999 1 1"}) {
    EXPECT_FALSE(parse_schedstat(text)) << text;
  }
}

TEST(CollectProc, ContextSwitchesNeedBothLines) {
  const auto switches =
      parse_context_switches("voluntary_ctxt_switches: 5\nnonvoluntary_ctxt_switches: 6\n");
  ASSERT_TRUE(switches);
  EXPECT_EQ(switches->voluntary, 5u);
  EXPECT_EQ(switches->involuntary, 6u);
  EXPECT_FALSE(parse_context_switches("voluntary_ctxt_switches: 5\n"));
}

TEST(CollectProc, OnlyExecutableMappingsAreKeptAndPathsMayHoldBlanks) {
  const auto mappings = parse_executable_mappings(
      "7f0000000000-7f0000001000 r--p 00000000 fe:00 332383                     "
      "/usr/lib/libc.so.6\n"
      "7f0000001000-7f0000002000 r-xp 00001000 fe:00 332383                     /tmp/a b "
      "(deleted)\n"
      "garbage\n"
      "00400000-00401000 r-xp 00000000 00:00 0 \n"
      "7ffe00000000-7ffe00002000 r-xp 00000000 00:00 0                          [vdso]\n");
  ASSERT_EQ(mappings.size(), 3u);
  EXPECT_EQ(mappings[0].start, 0x400000u);
  EXPECT_EQ(mappings[0].path, "");
  EXPECT_EQ(mappings[1].end, 0x7f0000002000u);
  EXPECT_EQ(mappings[1].path, "/tmp/a b (deleted)");
  EXPECT_EQ(mappings[1].file_offset, 0x1000u);
  EXPECT_EQ(mappings[2].path, "[vdso]");
}

TEST(CollectProc, ThisProcessHasItsMainThread) {
  const auto threads = list_threads(::getpid());
  EXPECT_EQ(std::ranges::count(threads, ::getpid()), 1);
  EXPECT_FALSE(kernel_thread_name(::getpid(), ::getpid()).empty());
}

TEST(CollectProc, AProcessThatIsGoneHasNoThreadsAndNoName) {
  constexpr pid_t kNobody = 1 << 30;  // above the largest process id
  EXPECT_TRUE(list_threads(kNobody).empty());
  EXPECT_EQ(kernel_thread_name(kNobody, kNobody), "");
}

TEST(CollectThreadNames, RolesAreNamesWithoutTheirNumber) {
  EXPECT_EQ(thread_role("vfs-io-worker"), "vfs-io-worker");
  EXPECT_EQ(thread_role("worker-12"), "worker");
  EXPECT_EQ(thread_role("worker12"), "worker");
  EXPECT_EQ(thread_role("pool #3"), "pool");
  EXPECT_EQ(thread_role("kworker/0:1"), "kworker/0");
  EXPECT_EQ(thread_role("42"), "42");
  EXPECT_EQ(thread_role("-7"), "-");
  EXPECT_EQ(thread_role(""), "");
}

TEST(CollectThreadNames, TheDaemonsCutNamesAreGivenInFull) {
  EXPECT_EQ(full_thread_name("vfs-async-execu"), "vfs-async-executor");
  EXPECT_EQ(full_thread_name("mount_vfs"), "mount_vfs");
  EXPECT_EQ(full_thread_name("something"), "something");
}

TEST(CollectSymbolTable, AddressesBeyondASymbolsSizeHaveNoName) {
  const SymbolTable table(
      {{.start = 100, .size = 10, .name = "a"}, {.start = 200, .size = 5, .name = "b"}});
  EXPECT_EQ(table.find(99), nullptr);
  ASSERT_NE(table.find(100), nullptr);
  EXPECT_EQ(table.find(109)->name, "a");
  EXPECT_EQ(table.find(110), nullptr);
  EXPECT_EQ(table.find(204)->name, "b");
  EXPECT_EQ(table.find(205), nullptr);
}

TEST(CollectSymbolTable, ASymbolWithoutSizeReachesToTheNext) {
  const SymbolTable table(
      {{.start = 100, .size = 0, .name = "a"}, {.start = 200, .size = 5, .name = "b"}});
  EXPECT_EQ(table.find(199)->name, "a");
  EXPECT_EQ(table.find(200)->name, "b");
}

TEST(CollectSymbolTable, ALabelInsideAFunctionDoesNotCutIt) {
  const SymbolTable table(
      {{.start = 100, .size = 50, .name = "function"}, {.start = 120, .size = 0, .name = "label"}});
  EXPECT_EQ(table.find(130)->name, "function");
}

TEST(CollectSymbolTable, OfAliasesThePublicNameIsKept) {
  const SymbolTable table({{.start = 100, .size = 10, .name = "__write", .global = true},
                           {.start = 100, .size = 10, .name = "write", .global = true},
                           {.start = 100, .size = 10, .name = "__GI___write", .global = false}});
  EXPECT_EQ(table.find(105)->name, "write");
}

TEST(CollectSymbolTable, KallsymsGivesFunctionsOfKernelAndModules) {
  const SymbolTable table = kernel_symbols(
      "ffffffff81000000 T _text\n"
      "ffffffff81000000 T startup_64\n"
      "ffffffff81000100 t futex_wake\n"
      "ffffffff81000200 D jiffies\n"
      "ffffffffc0000000 t fuse_dev_do_write\t[fuse]\n");
  EXPECT_EQ(table.find(0xffffffff81000050)->name, "startup_64");
  EXPECT_EQ(table.find(0xffffffff810001ff)->name, "futex_wake");
  EXPECT_EQ(table.find(0xffffffffc0000010)->name, "fuse_dev_do_write");
  EXPECT_EQ(table.find(0x1000), nullptr);
}

TEST(CollectSymbolTable, HiddenKernelAddressesGiveAnEmptyTable) {
  EXPECT_TRUE(kernel_symbols("0000000000000000 T _text\n0000000000000000 t futex_wake\n").empty());
  EXPECT_TRUE(kernel_symbols("").empty());
  EXPECT_TRUE(kernel_symbols("ffffffff81000000\nnot a line\nffffffff81000000 T").empty());
}

TEST(CollectEnvironment, DistributionIsThePrettyNameUnquoted) {
  EXPECT_EQ(distribution_of("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian\"\n"),
            "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(distribution_of("NAME=x\nPRETTY_NAME=Arch\n"), "Arch");
  EXPECT_EQ(distribution_of("NOT_PRETTY_NAME=x\n"), "");
}

TEST(CollectEnvironment, ThisMachineIsDescribed) {
  const reports::Environment environment = read_environment();
  EXPECT_FALSE(environment.tool_version.empty());
  EXPECT_FALSE(environment.build_type.empty());
  EXPECT_FALSE(environment.compiler.empty());
  EXPECT_TRUE(environment.kernel.starts_with("Linux "));
  EXPECT_TRUE(environment.libc.starts_with("glibc "));
  EXPECT_GT(environment.cpus, 0);
  EXPECT_GT(environment.memory_bytes, std::uint64_t{1} << 20);
  EXPECT_EQ(environment.user, ::geteuid() == 0 ? "root" : "ordinary user");
}

TEST(CollectCapabilities, EachHasANameADetailAndWhereLackingARemedy) {
  std::set<std::string> names;
  for (const reports::Capability& capability : probe_capabilities()) {
    EXPECT_TRUE(names.insert(capability.name).second) << capability.name;
    EXPECT_FALSE(capability.detail.empty()) << capability.name;
    if (capability.state != reports::CapabilityState::kAvailable) {
      EXPECT_FALSE(capability.remedy.empty()) << capability.name << ": " << capability.detail;
    } else {
      EXPECT_TRUE(capability.remedy.empty()) << capability.name;
    }
  }
  EXPECT_TRUE(names.contains("FUSE device"));
  EXPECT_TRUE(names.contains("CPU samples, kernel code"));
}

}  // namespace
}  // namespace vfsprof::harness
