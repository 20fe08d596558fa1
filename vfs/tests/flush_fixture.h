#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vfs/strategies.h"
#include "vfs/tests/durable_fixture.h"

namespace vfsprof::vfs {

inline constexpr std::uint64_t kFlushChunk = 8192;  // bytes

/// Text of which every byte depends on its place.
inline std::string pattern(std::size_t bytes, unsigned seed = 1) {
  std::string text(bytes, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& character : text) {
    state = state * 1664525U + 1013904223U;
    character = static_cast<char>(state >> 24U);
  }
  return text;
}

/// A file as an engine would hand it over: its content in a string.
struct TestImage {
  InodeId inode{42};
  std::string content = {};
  std::vector<ChunkIndex> dirty = {};
  std::optional<std::uint64_t> in_place_bytes = {};
  std::uint64_t chunk_bytes = kFlushChunk;
  std::optional<std::uint64_t> unreadable_from = {};  ///< reads from there on fail with EIO

  /// One that the cache has never seen.
  static TestImage fresh(std::string content, InodeId inode = InodeId{42}) {
    TestImage image{.inode = inode, .content = std::move(content), .in_place_bytes = 0};
    image.all_dirty();
    return image;
  }
  void all_dirty() {
    dirty.clear();
    for (std::uint64_t start = 0; start < content.size(); start += chunk_bytes) {
      dirty.push_back({static_cast<std::uint32_t>(start / chunk_bytes)});
    }
  }

  Result<void> read(std::uint64_t offset, std::span<std::byte> out) const {
    EXPECT_LE(offset + out.size(), content.size());
    EXPECT_EQ(offset / chunk_bytes, (offset + out.size() - 1) / chunk_bytes) << "two chunks";
    if (unreadable_from && offset + out.size() > *unreadable_from) return fail(EIO);
    std::memcpy(out.data(), content.data() + offset, out.size());
    return {};
  }
};

/// A strategy of FlushList on a cache in a temporary directory.
class FlushTest : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    try {
      flush_ = make(GetParam());
    } catch (const FlushUnavailable& error) {
      GTEST_SKIP() << error.what();
    }
  }

  static std::unique_ptr<FlushStrategy> make(std::string_view name) {
    std::unique_ptr<FlushStrategy> made;
    for_each_type(FlushList{}, [&]<class T>(TypeTag<T>) {
      if (T::kName == name) made = std::make_unique<T>();
    });
    return made;
  }

  int write_back(const TestImage& image, Durability durability = Durability::kOnRequest) {
    return write_back(image, cache_, durability);
  }
  int write_back(const TestImage& image, DiskCache& cache,
                 Durability durability = Durability::kOnRequest) {
    const FileImage file{.inode = image.inode,
                         .size = image.content.size(),
                         .chunk_bytes = image.chunk_bytes,
                         .dirty = image.dirty,
                         .in_place_bytes = image.in_place_bytes,
                         .read = [&](std::uint64_t offset, std::span<std::byte> out) {
                           return image.read(offset, out);
                         }};
    return error_of(flush_->write_back(file, cache, durability));
  }

  /// A file that is new to the cache, written in full; afterwards clean.
  TestImage saved(std::string content, Durability durability = Durability::kOnRequest) {
    TestImage image = TestImage::fresh(std::move(content));
    EXPECT_EQ(write_back(image, durability), 0);
    image.dirty.clear();
    image.in_place_bytes = image.content.size();
    return image;
  }

  std::string cached(InodeId inode = InodeId{42}) const { return read_cached(cache_, inode); }
  std::filesystem::path data_path() const {
    return directory_.path() / "data" / cache_file_name(InodeId{42});
  }
  /// What the summary of each value says: dirty chunks are written into the file that stands.
  static bool in_place() { return GetParam() != WholeFile::kName; }
  static bool writes_direct() { return GetParam() == Batched::kName || GetParam() == Uring::kName; }

  TemporaryDirectory directory_;
  DiskCache cache_{directory_.path(),
                   [this](const std::string& fault) { faults_.push_back(fault); }};
  std::vector<std::string> faults_;
  std::unique_ptr<FlushStrategy> flush_;
};

}  // namespace vfsprof::vfs
