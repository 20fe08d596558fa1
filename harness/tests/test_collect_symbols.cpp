#include <dlfcn.h>
#include <gtest/gtest.h>
#include <time.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "harness/collect/proc.h"
#include "harness/symbols/dwarf_functions.h"
#include "harness/symbols/symbol_table.h"
#include "harness/symbols/user_symbols.h"

// The address of the instruction itself, within whatever function it is inlined into.
#if defined(__x86_64__)
#define CURRENT_ADDRESS(variable) asm volatile("lea 0(%%rip), %0" : "=r"(variable))
#elif defined(__aarch64__)
#define CURRENT_ADDRESS(variable) asm volatile("adr %0, ." : "=r"(variable))
#endif

namespace collect_test {

class Pool {
 public:
  [[gnu::always_inline]] std::uint64_t lookup(int) {
    std::uint64_t address = 0;
    CURRENT_ADDRESS(address);
    return address - 1;
  }
};

[[gnu::noinline]] std::uint64_t write_path(Pool& pool) {
  const std::uint64_t address = pool.lookup(1);
  asm volatile("" ::: "memory");
  return address;
}

namespace {
[[gnu::always_inline]] inline std::uint64_t hidden_inner() {
  std::uint64_t address = 0;
  CURRENT_ADDRESS(address);
  return address - 1;
}
[[gnu::always_inline]] inline std::uint64_t hidden_outer() { return hidden_inner(); }
}  // namespace

[[gnu::noinline]] std::uint64_t calls_hidden() {
  const std::uint64_t address = hidden_outer();
  asm volatile("" ::: "memory");
  return address;
}

[[gnu::noinline]] std::uint64_t calls_lambda() {
  const auto lambda = []() __attribute__((always_inline)) {
    std::uint64_t address = 0;
    CURRENT_ADDRESS(address);
    return address - 1;
  };
  const std::uint64_t address = lambda();
  asm volatile("" ::: "memory");
  return address;
}

}  // namespace collect_test

namespace vfsprof::harness {
namespace {

using reports::Frame;
using enum reports::FrameKind;

std::vector<Frame> frames_at(std::uint64_t address) {
  UserSymbols symbols(read_text("/proc/self/maps").value_or(""));
  return symbols.frames_at(address);
}

TEST(CollectSymbols, DemangledNamesLoseTheCompilersCloneSuffix) {
  EXPECT_EQ(demangle("_Z3fooi"), "foo(int)");
  EXPECT_EQ(demangle("_Z3fooi.constprop.0"), "foo(int)");
  EXPECT_EQ(demangle("_Z3fooi.part.1.cold"), "foo(int)");
  EXPECT_EQ(demangle("main"), "main");
  EXPECT_EQ(demangle("futex_wake.isra.0"), "futex_wake.isra.0");
  EXPECT_EQ(demangle("_Znonsense"), "_Znonsense");
}

TEST(CollectSymbols, AFunctionIsNamedWithItsModule) {
  collect_test::Pool pool;
  const auto frames = frames_at(collect_test::write_path(pool));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames.back().function, "collect_test::write_path(collect_test::Pool&)");
  EXPECT_EQ(frames.back().kind, kUser);
  EXPECT_EQ(frames.back().module, "test_collect");
}

TEST(CollectSymbols, InlinedMembersAreFramesOfTheirOwnWithQualifiedNames) {
  collect_test::Pool pool;
  const auto frames = frames_at(collect_test::write_path(pool));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].kind, kInlined);
  EXPECT_EQ(frames[0].function, "collect_test::Pool::lookup(int)");
}

TEST(CollectSymbols, InlinedFunctionsOfAnonymousNamespacesAreQualifiedInnermostFirst) {
  const auto frames = frames_at(collect_test::calls_hidden());
  ASSERT_EQ(frames.size(), 3u);
  // The compilers differ in whether such functions keep a linkage name, hence a parameter list.
  EXPECT_TRUE(frames[0].function.starts_with("collect_test::(anonymous namespace)::hidden_inner"))
      << frames[0].function;
  EXPECT_TRUE(frames[1].function.starts_with("collect_test::(anonymous namespace)::hidden_outer"))
      << frames[1].function;
  EXPECT_EQ(frames[2].function, "collect_test::calls_hidden()");
}

TEST(CollectSymbols, AnInlinedLambdaNamesTheFunctionThatHoldsIt) {
  const auto frames = frames_at(collect_test::calls_lambda());
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_TRUE(frames[0].function.starts_with("collect_test::calls_lambda()")) << frames[0].function;
  EXPECT_NE(frames[0].function.find("operator()"), std::string::npos) << frames[0].function;
}

TEST(CollectSymbols, LibcFunctionsAreNamedWithoutPrivatePrefixes) {
  void* const function = ::dlsym(RTLD_NEXT, "write");
  ASSERT_NE(function, nullptr);
  const auto frames = frames_at(reinterpret_cast<std::uint64_t>(function) + 4);
  ASSERT_FALSE(frames.empty());
  EXPECT_TRUE(frames.back().module.starts_with("libc.so")) << frames.back().module;
  EXPECT_EQ(frames.back().function, "write");
}

TEST(CollectSymbols, MemmoveIsNamedThroughItsIndirectSymbol) {
  void* const memmove_here = ::dlsym(RTLD_NEXT, "memmove");
  ASSERT_NE(memmove_here, nullptr);
  const auto frames = frames_at(reinterpret_cast<std::uint64_t>(memmove_here) + 4);
  ASSERT_FALSE(frames.empty());
  EXPECT_TRUE(frames.back().module.starts_with("libc.so")) << frames.back().module;
  EXPECT_NE(frames.back().function.find("memmove"), std::string::npos) << frames.back().function;
}

TEST(CollectSymbols, TheVdsoIsNamed) {
  for (const auto& mapping : parse_executable_mappings(read_text("/proc/self/maps").value_or(""))) {
    if (mapping.path != "[vdso]") continue;
    bool found = false;
    UserSymbols symbols(read_text("/proc/self/maps").value_or(""));
    for (std::uint64_t at = mapping.start; at < mapping.end && !found; at += 16) {
      const auto frames = symbols.frames_at(at);
      ASSERT_EQ(frames.back().module, "[vdso]");
      found = frames.back().function.find("clock_gettime") != std::string::npos;
    }
    EXPECT_TRUE(found);
    return;
  }
  GTEST_SKIP() << "no vdso in this process";
}

TEST(CollectSymbols, AnAddressOutsideAllCodeHasNoFrame) {
  EXPECT_TRUE(frames_at(8).empty());
  int local = 0;
  EXPECT_TRUE(frames_at(reinterpret_cast<std::uint64_t>(&local)).empty());
}

TEST(CollectSymbols, WithoutMappingsNothingIsNamed) {
  UserSymbols symbols("");
  EXPECT_TRUE(
      symbols.frames_at(reinterpret_cast<std::uint64_t>(&collect_test::calls_hidden)).empty());
}

TEST(CollectSymbols, AMappedFileThatIsGoneStillNamesItsModule) {
  UserSymbols symbols("00400000-00500000 r-xp 00000000 fe:00 99 /nowhere/daemon (deleted)\n");
  EXPECT_EQ(symbols.frames_at(0x400100), (std::vector<Frame>{{kUser, "", "daemon"}}));
}

TEST(CollectSymbols, TheRunningKernelsFunctionsAreFound) {
  const SymbolTable kernel = kernel_symbols(read_text("/proc/kallsyms").value_or(""));
  if (kernel.empty()) GTEST_SKIP() << "kernel.kptr_restrict hides kernel addresses from this user";
  const std::string text = *read_text("/proc/kallsyms");
  const std::size_t at = text.find(" do_syscall_64\n");
  if (at == std::string::npos) GTEST_SKIP() << "no do_syscall_64 in this kernel";
  const std::size_t line = text.rfind('\n', at) + 1;
  const std::uint64_t address = std::stoull(text.substr(line, 16), nullptr, 16);
  ASSERT_NE(kernel.find(address + 1), nullptr);
  EXPECT_EQ(kernel.find(address + 1)->name, "do_syscall_64");
}

}  // namespace
}  // namespace vfsprof::harness
