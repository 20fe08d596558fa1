// A write under executor=sync: behind its entry no virtual call, no allocation, no type erasure.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/tests/allocation_counter.h"
#include "vfs/tests/disassembly.h"
#include "vfs/tests/engine_fixture.h"

namespace vfsprof::vfs {
namespace {

using File = EngineUnderTest::File;

constexpr EngineCombination kDefault{"sharded", "fx", "packed", "direct", "per_inode", "clock"};
constexpr EngineCombination kBest{"chunk_array", "fx", "packed", "adopt", "per_inode", "clock"};
constexpr std::uint64_t kChunk = std::uint64_t{1} << 20;
constexpr std::uint64_t kChunks = 4;

/// Writes blocks of `block_bytes` again and again to a file that is in the cache, and counts what
/// that allocates.
class Overwriter {
 public:
  Overwriter(const EngineCombination& combination, std::size_t block_bytes)
      : fs_(combination, {.flush = "batched", .memory = "arena", .chunk_bytes = kChunk}),
        bytes_(filled(block_bytes, 1)),
        pages_(fs_.engine().payload_pages(block_bytes)) {
    for (int round = 0; round < 3; ++round) {
      for (std::uint64_t at = 0; at < kChunks * kChunk; at += bytes_.size()) write(at);
    }
  }

  std::uint64_t allocations_of(int writes) {
    std::uint64_t allocated = 0;
    std::uniform_int_distribution<std::uint64_t> block(0, kChunks * kChunk / bytes_.size() - 1);
    for (int i = 0; i < writes; ++i) allocated += write(block(random_) * bytes_.size());
    return allocated;
  }

 private:
  /// Returns how often the engine allocated.
  std::uint64_t write(std::uint64_t offset) {
    const WriteRequest request{file_.inode, file_.handle, offset, receive()};
    const std::uint64_t before = allocations();
    const auto written = fs_.engine().try_write(request);
    const std::uint64_t allocated = allocations() - before;
    EXPECT_TRUE(written.has_value() && *written == bytes_.size());
    return allocated;
  }

  /// The payload as a session thread holds it.
  Payload receive() {
    if (pages_ == nullptr) return Payload(bytes_);
    pages_->renew();
    const std::size_t in_first = std::min(bytes_.size(), pages_->first().size());
    const auto first = pages_->first().first(in_first);
    const auto rest = pages_->rest().first(bytes_.size() - in_first);
    return {first, rest, pages_.get()};
  }

  EngineUnderTest fs_;
  const Bytes bytes_;
  const File file_ = fs_.create("a");
  std::unique_ptr<PayloadPages> pages_;
  std::mt19937_64 random_{1};
};

TEST(WritePathTest, OverwritesInSteadyStateAllocateNothing) {
  if (!counts_allocations()) GTEST_SKIP() << "a sanitizer replaces malloc too";
  const std::uint64_t before = allocations();
  const auto one = std::make_unique<std::vector<int>>(std::size_t{100});
  ASSERT_EQ(allocations() - before, 2U) << "the counter works";
  for (const EngineCombination& combination : {kDefault, kBest}) {
    for (const std::size_t block_bytes : {std::size_t{4096}, std::size_t{128} << 10}) {
      Overwriter overwriter(combination, block_bytes);
      EXPECT_EQ(overwriter.allocations_of(1000), 0U) << combination[0] << ", " << block_bytes;
    }
  }
}

/// A function that a write reaches only where it is not the usual write, and why.
struct RarePath {
  std::string_view name;  ///< found in the demangled name
  std::string_view reason;
};
constexpr RarePath kRarePaths[] = {
    {"::with_found_file", "a write without a handle; the kernel's have one"},
    {"::write_missing", "the block is not cached"},
    {"::must_fetch", "the file stands in the object store"},
    {"::make_room", "the memory budget is used up"},
    {"::EntryPointer::destroy(", "the last owner of a block that was evicted meanwhile"},
    {"::BlockBytes::grow", "the file grows, once a page"},
    {"::FileState::add_dirty", "a chunk becomes dirty, once a write-back"},
    {"::WriteBehindQueue::add_slowly", "something becomes dirty, once a write-back"},
    {"::SpinLock::wait", "another thread holds the lock"},
    {"::claim_slot", "the first count of a thread"},
    {"[clone .cold]", "the compiler moved it away as never run: exceptions, failed checks"},
};

bool is_rare(std::string_view name) {
  return std::ranges::any_of(
      kRarePaths, [&](const RarePath& path) { return name.find(path.name) != name.npos; });
}

/// Of other libraries: what no write may call.
constexpr std::string_view kForbidden[] = {
    "operator new",  "malloc",         "calloc",        "realloc",
    "aligned_alloc", "posix_memalign", "std::function", "bad_function_call",
    "_M_invoke"};

bool is_forbidden(std::string_view name) {
  return std::ranges::any_of(kForbidden,
                             [&](std::string_view part) { return name.find(part) != name.npos; });
}

/// What is wrong with a function and all that it calls, a line each.
class Inspection {
 public:
  void inspect(const ProgramFunction& function) {
    if (!seen_.insert(&function).second) return;
    for (const CallSite& call : program_.calls_of(function)) {
      if (call.is_indirect) {
        faults_.push_back("indirect call in " + function.name + ": " + call.text);
        continue;
      }
      const ProgramFunction* const called = program_.at(call.target);
      const std::string& name = called != nullptr ? called->name : call.target_name;
      if (is_rare(name)) {
        rare_.insert(name);
      } else if (is_forbidden(name)) {
        faults_.push_back("call in " + function.name + ": " + call.text);
      } else if (called != nullptr) {
        inspect(*called);
      }
    }
  }

  const Disassembly& program() const { return program_; }
  const std::vector<std::string>& faults() const { return faults_; }
  const std::set<std::string>& rare() const { return rare_; }
  std::size_t functions() const { return seen_.size(); }
  bool has_seen(std::string_view part) const {
    return std::ranges::any_of(seen_, [&](const ProgramFunction* function) {
      return function->name.find(part) != function->name.npos;
    });
  }

 private:
  const Disassembly program_;
  std::set<const ProgramFunction*> seen_;
  std::set<std::string> rare_;
  std::vector<std::string> faults_;
};

constexpr std::string_view kTryWrite = "::try_write(vfsprof::vfs::WriteRequest const&)";

TEST(WritePathTest, TheDefaultEngineCallsNothingIndirectlyAndAllocatesNothing) {
  if (const std::string reason = Disassembly::unavailable(); !reason.empty()) {
    GTEST_SKIP() << reason;
  }
  Inspection inspection;
  const auto entry = inspection.program().find(
      "vfsprof::vfs::WriteBackEngine<vfsprof::vfs::ShardedPool, vfsprof::vfs::Fx, "
      "vfsprof::vfs::Packed, vfsprof::vfs::Direct, vfsprof::vfs::PerInode, vfsprof::vfs::Clock>",
      kTryWrite);
  ASSERT_EQ(entry.size(), 1U);
  inspection.inspect(*entry.front());
  for (const std::string& fault : inspection.faults()) ADD_FAILURE() << fault;
  // That calls were followed at all:
  EXPECT_TRUE(std::ranges::any_of(
      inspection.rare(),
      [](const std::string& name) { return name.find("::write_missing") != name.npos; }))
      << "the way to a missing block was not found in " << inspection.functions() << " functions";
}

TEST(WritePathTest, TheInspectionFindsAllocationsAndIndirectCalls) {
  if (const std::string reason = Disassembly::unavailable(); !reason.empty()) {
    GTEST_SKIP() << reason;
  }
  // copy=triple allocates in each write; a batch is handed over through a std::function.
  Inspection triple;
  const auto entry = triple.program().find(
      "vfsprof::vfs::WriteBackEngine<vfsprof::vfs::ShardedPool, vfsprof::vfs::Sip13, "
      "vfsprof::vfs::Wide, vfsprof::vfs::Triple, vfsprof::vfs::Global, vfsprof::vfs::LruMutex>",
      kTryWrite);
  ASSERT_EQ(entry.size(), 1U);
  triple.inspect(*entry.front());
  EXPECT_FALSE(triple.faults().empty());
  Inspection batch;
  const auto start = batch.program().find("vfsprof::vfs::WriteBehindQueue::start(", ")");
  ASSERT_EQ(start.size(), 1U);
  batch.inspect(*start.front());
  EXPECT_TRUE(std::ranges::any_of(
      batch.faults(), [](const std::string& fault) { return fault.starts_with("indirect call"); }));
}

}  // namespace
}  // namespace vfsprof::vfs
