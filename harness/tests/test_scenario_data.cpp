#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "harness/error.h"
#include "harness/scenario/block_data.h"
#include "harness/scenario/hash.h"
#include "harness/scenario/tree_hash.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> copy_of(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(BlockData, IsTheSameForTheSameKeyWhateverCameBefore) {
  BlockData one({.seed = 1, .client = 2, .block_bytes = 4096});
  BlockData other({.seed = 1, .client = 2, .block_bytes = 4096});
  const auto wanted = copy_of(one.block({.file = 1, .offset = 4096, .sequence = 9}));
  for (std::uint64_t i = 0; i < 1000; ++i)
    other.block({.file = 0, .offset = i * 4096, .sequence = i});
  EXPECT_EQ(copy_of(other.block({.file = 1, .offset = 4096, .sequence = 9})), wanted);
  EXPECT_EQ(wanted.size(), 4096U);
}

TEST(BlockData, DiffersInEveryPartOfTheKeyAndTheIdentity) {
  std::set<std::vector<std::byte>> blocks;
  for (const std::uint64_t seed : {1U, 2U}) {
    for (const unsigned client : {0U, 1U}) {
      BlockData data({.seed = seed, .client = client, .block_bytes = 512});
      for (const std::uint32_t file : {0U, 1U}) {
        for (const std::uint64_t offset : {0U, 512U}) {
          for (const std::uint64_t sequence : {0U, 1U}) {
            blocks.insert(
                copy_of(data.block({.file = file, .offset = offset, .sequence = sequence})));
          }
        }
      }
    }
  }
  EXPECT_EQ(blocks.size(), 32U);
}

TEST(SampledHash, ShowsAnotherBlockWhereverItIs) {
  constexpr std::size_t kBlock = 4096;
  constexpr std::size_t kBlocks = 300;  // more than are hashed at a time
  BlockData data({.seed = 1, .client = 2, .block_bytes = kBlock});
  const auto put = [&](std::vector<std::byte>& bytes, std::size_t block, std::uint64_t sequence) {
    const auto from = data.block({.file = 1, .offset = block * kBlock, .sequence = sequence});
    std::ranges::copy(from, bytes.begin() + static_cast<std::ptrdiff_t>(block * kBlock));
  };
  std::vector<std::byte> right(kBlock * kBlocks);
  for (std::size_t block = 0; block < kBlocks; ++block) put(right, block, block + 1);
  std::set<std::uint64_t> hashes{sampled_hash(right, 0), sampled_hash(right, 1)};
  EXPECT_EQ(hashes.size(), 2U);
  for (std::size_t block = 0; block < kBlocks; ++block) {
    std::vector<std::byte> stale = right;
    put(stale, block, block);
    EXPECT_TRUE(hashes.insert(sampled_hash(stale, 0)).second) << "an older block " << block;
    std::ranges::fill(std::span(stale).subspan(block * kBlock, 1024), std::byte{0});
    EXPECT_TRUE(hashes.insert(sampled_hash(stale, 0)).second) << "zeros in block " << block;
  }
  std::vector<std::byte> torn = right;
  torn.back() ^= std::byte{1};
  EXPECT_TRUE(hashes.insert(sampled_hash(torn, 0)).second) << "the last byte";
  for (std::size_t size = 1; size <= 1024; size *= 2) {
    std::vector<std::byte> small(right.begin(), right.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(hashes.insert(sampled_hash(small, 0)).second) << size << " bytes";
    small[size / 2] ^= std::byte{1};
    EXPECT_TRUE(hashes.insert(sampled_hash(small, 0)).second) << "a byte of " << size;
  }
}

TEST(ContentHash, IsXxh3) {
  ContentHash empty;
  EXPECT_EQ(empty.hex(), "99aa06d3014798d86001c324468d497f");  // the algorithm's own test vector
  ContentHash parts;
  ContentHash whole;
  parts.add_value('a');
  parts.add_value('b');
  whole.add(std::as_bytes(std::span("ab", 2)));
  EXPECT_EQ(parts.hex(), whole.hex());
}

class TreeHash : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "vfsprof-tree-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  /// A small tree, its entries created in either order.
  fs::path make(const std::string& name, bool backwards = false) {
    const fs::path tree = root_ / name;
    fs::create_directories(tree / "d" / "e");
    for (int i = 0; i < 20; ++i) {
      const int n = backwards ? 19 - i : i;
      std::ofstream(tree / "d" / ("f" + std::to_string(n))) << "contents " << n;
    }
    fs::create_symlink("d/f1", tree / "link");
    return tree;
  }

  fs::path root_;
};

TEST_F(TreeHash, IsTheSameForTheSameTree) {
  const fs::path one = make("one");
  const fs::path two = make("two", true);
  fs::last_write_time(two / "d" / "f3", fs::file_time_type{});
  EXPECT_EQ(hash_tree(one), hash_tree(two));
  EXPECT_EQ(hash_tree(one).size(), 32U);
}

TEST_F(TreeHash, ShowsEveryDifference) {
  const fs::path tree = make("tree");
  std::set<std::string> hashes{hash_tree(tree)};
  const auto changed = [&] { return hashes.insert(hash_tree(tree)).second; };
  std::ofstream(tree / "d" / "f1") << "contents X";
  EXPECT_TRUE(changed()) << "contents";
  fs::resize_file(tree / "d" / "f1", 3);
  EXPECT_TRUE(changed()) << "size";
  fs::rename(tree / "d" / "f2", tree / "d" / "g2");
  EXPECT_TRUE(changed()) << "name";
  fs::permissions(tree / "d" / "f3", fs::perms::owner_read);
  EXPECT_TRUE(changed()) << "permission bits";
  fs::rename(tree / "d" / "f4", tree / "d" / "e" / "f4");
  EXPECT_TRUE(changed()) << "place";
  fs::remove(tree / "link");
  fs::create_symlink("d/f5", tree / "link");
  EXPECT_TRUE(changed()) << "target of a link";
  fs::remove(tree / "d" / "f6");
  EXPECT_TRUE(changed()) << "a file less";
  fs::create_directory(tree / "d" / "f6");
  EXPECT_TRUE(changed()) << "an empty directory more";
  ASSERT_EQ(::mkfifo((tree / "d" / "f7b").c_str(), 0600), 0);
  EXPECT_TRUE(changed()) << "a pipe more";
}

TEST_F(TreeHash, NamesWhatItCannotRead) {
  try {
    hash_tree(root_ / "missing");
    FAIL() << "it was read";
  } catch (const EnvironmentError& error) {
    EXPECT_NE(std::string(error.what()).find("missing to compare trees: No such file"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace vfsprof::harness
