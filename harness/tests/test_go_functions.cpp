// Names of Go programs by the table of their runtime: tables made here, damaged ones, and a program
// of Debian that has no symbols.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "harness/collect/proc.h"
#include "harness/symbols/go_functions.h"
#include "harness/symbols/user_symbols.h"

namespace vfsprof::harness {
namespace {

constexpr std::uint64_t kText = 0x401000;

class Table {
 public:
  template <class T>
  void put(T value) {
    const auto* const bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
  }
  void text(const std::string& value) {
    for (const char c : value) put(c);
    put('\0');
  }
  std::size_t size() const { return bytes_.size(); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// Three functions of 0x10, 0x20 and 0x30 bytes.
std::vector<std::byte> table_of(std::uint32_t magic, std::uint64_t text_start) {
  const bool wide = magic == 0xfffffffa;
  const std::vector<std::string> names{"main.main", "main.(*Server).Serve", "runtime.mallocgc"};
  Table table;
  table.put(magic);
  for (const int byte : {0, 0, 1, 8}) table.put(static_cast<std::uint8_t>(byte));
  const std::uint64_t header = 8 + 8 * (wide ? 7 : 8);
  std::uint64_t name_bytes = 0;
  for (const std::string& name : names) name_bytes += name.size() + 1;
  const std::uint64_t entries = header + name_bytes;
  table.put(std::uint64_t{names.size()});
  table.put(std::uint64_t{1});
  if (!wide) table.put(text_start);
  table.put(header);  // names
  for (int i = 0; i < 3; ++i) table.put(std::uint64_t{0});
  table.put(entries);
  for (const std::string& name : names) table.text(name);
  const std::uint64_t width = wide ? 8 : 4;
  const auto word = [&](std::uint64_t value) {
    wide ? table.put(value) : table.put(static_cast<std::uint32_t>(value));
  };
  const std::uint64_t base = wide ? kText : 0, about = (2 * names.size() + 1) * width;
  const std::uint64_t starts[] = {0, 0x10, 0x30, 0x60};
  for (std::uint64_t i = 0; i < names.size(); ++i) {
    word(base + starts[i]);
    word(about + i * (width + 4));
  }
  word(base + starts[3]);
  std::int32_t offset = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    word(base + starts[i]);
    table.put(offset);
    offset += static_cast<std::int32_t>(names[i].size() + 1);
  }
  return table.take();
}

TEST(GoFunctions, EveryFormatGivesNamesAndSizes) {
  for (const std::uint32_t magic : {0xfffffffaU, 0xfffffff0U, 0xfffffff1U}) {
    const std::vector<Symbol> symbols = read_go_functions(table_of(magic, kText));
    ASSERT_EQ(symbols.size(), 3U) << std::hex << magic;
    EXPECT_EQ(symbols[1].name, "main.(*Server).Serve");
    EXPECT_EQ(symbols[1].start, kText + 0x10);
    EXPECT_EQ(symbols[1].size, 0x20U);
    EXPECT_EQ(symbols[2].start + symbols[2].size, kText + 0x60);
  }
}

TEST(GoFunctions, AProgramThatIsLoadedAnywhereSaysElsewhereWhereItsCodeStarts) {
  const std::vector<std::byte> table = table_of(0xfffffff1, 0);
  EXPECT_TRUE(read_go_functions(table).empty());
  const std::vector<Symbol> symbols = read_go_functions(table, 0x1000);
  ASSERT_EQ(symbols.size(), 3U);
  EXPECT_EQ(symbols[0].start, 0x1000U);
}

TEST(GoFunctions, OtherTablesHaveNone) {
  EXPECT_TRUE(read_go_functions({}).empty());
  std::vector<std::byte> old = table_of(0xfffffff1, kText);
  old[0] = std::byte{0xfb};  // Go 1.2 to 1.15
  EXPECT_TRUE(read_go_functions(old).empty());
  std::vector<std::byte> narrow = table_of(0xfffffff1, kText);
  narrow[7] = std::byte{4};  // 32 bits
  EXPECT_TRUE(read_go_functions(narrow).empty());
}

TEST(GoFunctions, DamageIsReadAsFarAsItGoes) {
  std::mt19937_64 random(5);
  for (const std::uint32_t magic : {0xfffffffaU, 0xfffffff0U}) {
    const std::vector<std::byte> good = table_of(magic, kText);
    for (std::size_t size = 0; size < good.size(); ++size) {
      EXPECT_LE(read_go_functions(std::span(good).first(size)).size(), 3U);
    }
    for (int run = 0; run < 20'000; ++run) {
      std::vector<std::byte> bad = good;
      for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
        bad[random() % bad.size()] = static_cast<std::byte>(random());
      }
      EXPECT_LE(read_go_functions(bad).size(), bad.size());
    }
  }
}

/// gocryptfs of Debian is stripped.
TEST(GoFunctions, NameAStrippedProgramOfDebian) {
  constexpr const char* kProgram = "/usr/bin/gocryptfs";
  if (::access(kProgram, X_OK) != 0) GTEST_SKIP() << "gocryptfs is not installed";
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::execl(kProgram, kProgram, "-speed", nullptr);
    ::_exit(127);
  }
  ASSERT_GT(child, 0);
  std::string maps;
  for (int tries = 0; tries < 200 && maps.find("gocryptfs") == std::string::npos; ++tries) {
    ::usleep(5'000);
    maps = read_text("/proc/" + std::to_string(child) + "/maps").value_or("");
  }
  std::set<std::string> names;
  std::size_t known = 0, asked = 0;
  UserSymbols symbols(maps);
  for (const ExecutableMapping& mapping : parse_executable_mappings(maps)) {
    if (mapping.path != kProgram) continue;
    for (std::uint64_t address = mapping.start + 0x3000; address + 0x3000 < mapping.end;
         address += 997) {
      const auto frames = symbols.frames_at(address);
      ++asked;
      if (frames.empty() || frames.back().function.empty()) continue;
      ++known;
      names.insert(frames.back().function);
    }
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_GT(asked, 100U) << maps;
  EXPECT_GT(static_cast<double>(known), 0.95 * static_cast<double>(asked));
  EXPECT_TRUE(std::ranges::any_of(
      names, [](const std::string& name) { return name.starts_with("runtime."); }));
}

}  // namespace
}  // namespace vfsprof::harness
