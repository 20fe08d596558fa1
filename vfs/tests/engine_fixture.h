#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vfs/engine.h"
#include "vfs/flush/flush.h"
#include "vfs/store/memory_store.h"
#include "vfs/tests/file_size_limit.h"
#include "vfs/tests/temporary_directory.h"
#include "vfs/variant.h"
#include "vfs/write_behind.h"

namespace vfsprof::vfs {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline Bytes filled(std::size_t size, std::uint8_t value) { return Bytes(size, std::byte{value}); }

inline constexpr std::uint64_t kTestChunk = 4096;  // bytes

/// What runs once a file or block is as found unless said otherwise.
struct EngineTestOptions {
  std::uint64_t memory_budget_bytes = std::uint64_t{1} << 30;
  std::string_view flush = "whole_file";
  std::string_view memory = "heap";
  std::uint64_t chunk_bytes = kTestChunk;
  Spawn spawn{};  ///< empty: at once, on the calling thread
};

/// An engine on a temporary cache directory, small chunks, and short names for what tests do with
/// it.
class EngineUnderTest {
 public:
  explicit EngineUnderTest(const EngineCombination& combination, EngineTestOptions options = {})
      : variant_(parse_variant("mutex-pool")), options_(std::move(options)) {
    constexpr Axis kAxesOfEngine[] = {Axis::kPool, Axis::kHash,     Axis::kKey,
                                      Axis::kCopy, Axis::kMetadata, Axis::kAccounting};
    for (std::size_t i = 0; i < combination.size(); ++i) {
      variant_.values[static_cast<std::size_t>(kAxesOfEngine[i])] = combination[i];
    }
    variant_.values[static_cast<std::size_t>(Axis::kFlush)] = options_.flush;
    variant_.values[static_cast<std::size_t>(Axis::kMemory)] = options_.memory;
    variant_.options.chunk = options_.chunk_bytes;
  }
  EngineUnderTest(const EngineCombination& combination, std::uint64_t memory_budget_bytes)
      : EngineUnderTest(combination,
                        EngineTestOptions{.memory_budget_bytes = memory_budget_bytes}) {}

  Engine& engine() {
    if (!engine_) engine_ = make();
    return *engine_;
  }

  /// Ends the engine as the daemon does, and starts another on what it left.
  void restart() {
    if (engine_) {
      EXPECT_TRUE(engine_->write_back_all());
    }
    engine_.reset();
  }

  MemoryStore& store() { return store_; }
  /// Ends the engine as a kill does: what was not written back is gone.
  void kill() { engine_.reset(); }
  const std::filesystem::path& cache_directory() const { return directory_.path(); }

  struct File {
    InodeId inode;
    HandleId handle;
  };
  File create(std::string_view name) {
    const auto made = engine().create({kRootInode, name}, {.mode = S_IFREG | 0644}, O_RDWR, {});
    EXPECT_TRUE(made) << name;
    return made ? File{made->attributes.inode, made->handle} : File{};
  }
  File open(std::string_view name, int flags = O_RDWR) {
    const auto found = engine().lookup({kRootInode, name});
    EXPECT_TRUE(found) << name;
    if (!found) return {};
    const auto handle = engine().open(found->inode, flags);
    EXPECT_TRUE(handle) << name;
    return handle ? File{found->inode, *handle} : File{};
  }
  /// Closes, and forgets the one lookup that `create` or `open` counted.
  void close(File file) {
    EXPECT_TRUE(engine().release(file.inode, file.handle));
    engine().forget(file.inode, 1);
  }

  /// 0, or the errno.
  int write(File file, std::uint64_t offset, std::span<const std::byte> bytes) {
    const auto written = engine().write({file.inode, file.handle, offset, Payload(bytes)});
    if (!written) return written.error().value;
    EXPECT_EQ(*written, bytes.size());
    return 0;
  }
  Bytes read(File file, std::uint64_t offset, std::size_t size) {
    Bytes out(size, std::byte{0xee});
    const auto got = engine().read(file.inode, file.handle, {offset, size}, out);
    EXPECT_TRUE(got);
    out.resize(got.value_or(0));
    return out;
  }
  Bytes content(File file) { return read(file, 0, size(file)); }
  std::uint64_t size(File file) {
    const auto attributes = engine().attributes(file.inode);
    EXPECT_TRUE(attributes);
    return attributes ? attributes->size : 0;
  }
  int resize(File file, std::uint64_t size) {
    AttributeChange change;
    change.size = size;
    const auto changed = engine().set_attributes(file.inode, change);
    return changed ? 0 : changed.error().value;
  }
  int flush(File file) { return error_of(engine().flush(file.inode, file.handle)); }
  int sync(File file) {
    return error_of(engine().sync(file.inode, file.handle, SyncScope::kDataAndMetadata));
  }

  static int error_of(const Result<void>& result) { return result ? 0 : result.error().value; }

 private:
  std::unique_ptr<Engine> make() {
    EngineOptions options{.cache_directory = directory_.path(),
                          .memory_budget_bytes = options_.memory_budget_bytes,
                          .store = &store_};
    if (options_.spawn) options.spawn = options_.spawn;
    return make_engine(variant_, options);
  }

  TemporaryDirectory directory_;
  MemoryStore store_;
  Variant variant_;
  const EngineTestOptions options_;
  std::unique_ptr<Engine> engine_;
};

/// Runs a test over every engine that was compiled in.
class EveryEngine : public testing::TestWithParam<EngineCombination> {};

inline std::string combination_name(const testing::TestParamInfo<EngineCombination>& info) {
  std::string name;
  for (const std::string_view value : info.param) name.append(value).append("_");
  name.pop_back();
  return name;
}

/// An engine with the values of the axes that matter once a file or block.
struct WriteBackCase {
  EngineCombination combination;
  std::string_view flush = "whole_file";
  std::string_view memory = "heap";

  EngineTestOptions options(std::uint64_t memory_budget_bytes = std::uint64_t{1} << 30) const {
    return {.memory_budget_bytes = memory_budget_bytes, .flush = flush, .memory = memory};
  }
};

/// For messages of GoogleTest.
inline void PrintTo(const WriteBackCase& tested, std::ostream* out) {
  for (const std::string_view value : tested.combination) *out << value << ", ";
  *out << tested.flush << ", " << tested.memory;
}

/// Runs a test over every engine that was compiled in as found, and over some engines with every
/// flush strategy and with memory=arena.
class EveryWriteBack : public testing::TestWithParam<WriteBackCase> {
 protected:
  /// Skips where the machine lacks what the flush strategy needs.
  void SetUp() override {
    try {
      EngineUnderTest(GetParam().combination, GetParam().options()).engine();
    } catch (const FlushUnavailable& error) {
      GTEST_SKIP() << error.what();
    }
  }
};

inline std::string write_back_case_name(const testing::TestParamInfo<WriteBackCase>& info) {
  std::string name = combination_name({info.param.combination, info.index});
  return name.append("_").append(info.param.flush).append("_").append(info.param.memory);
}

}  // namespace vfsprof::vfs
