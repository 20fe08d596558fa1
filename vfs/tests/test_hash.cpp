#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>

#include "vfs/counters.h"
#include "vfs/key/packed.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs {
namespace {

constexpr SipKey kVectorKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

/// The bytes 0, 1, 2, ...: the message of SipHash's test vectors.
template <std::size_t kSize>
std::array<std::byte, kSize> counting() {
  std::array<std::byte, kSize> bytes{};
  for (std::size_t i = 0; i < kSize; ++i) bytes[i] = static_cast<std::byte>(i);
  return bytes;
}

template <class Hash, std::size_t kVectors>
void expect_vectors(const Hash& hash, const std::array<std::uint64_t, kVectors>& expected) {
  const auto message = counting<kVectors>();
  for (std::size_t length = 0; length < kVectors; ++length) {
    EXPECT_EQ(hash(std::span(message).first(length)), expected[length]) << length;
  }
}

// The first 24 of the 64 vectors that the authors publish (vectors.h of their reference
// implementation).
TEST(SipHash, GivesThePublishedVectorsOfSipHash24) {
  expect_vectors(
      SipHash<2, 4>(kVectorKey),
      std::array<std::uint64_t, 24>{
          0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
          0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
          0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
          0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
          0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
          0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8});
}

// Key and messages as above; computed with SipHasher13 of Rust's core library (1.95).
TEST(SipHash, GivesWhatRustsSipHasher13Gives) {
  expect_vectors(
      SipHash<1, 3>(kVectorKey),
      std::array<std::uint64_t, 24>{
          0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
          0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
          0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
          0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956,
          0xcc4fdd1a7d908b66, 0x9cf2689063dbd80c, 0x8ffc389cb473e63e, 0xf21f9de58d297d1c,
          0xc0dc2f46a6cce040, 0xb992abfe2b45f844, 0x7ffe7b9ba320872e, 0x525a0e7fdae6c123});
}

TEST(SipHash, DrawsANewKeyForEachHash) {
  const auto message = counting<20>();
  const Sip13 first;
  const Sip13 second;
  EXPECT_EQ(first(message), first(message));
  EXPECT_NE(first(message), second(message));
}

// Worked out from the definition: hash = (rotl(hash, 5) ^ word) * 0x517cc1b727220a95 modulo 2^64,
// word by word.
TEST(FxHash, GivesWhatItsDefinitionGives) {
  const Fx hash;
  const auto message = counting<15>();
  EXPECT_EQ(hash({}), 0U);
  EXPECT_EQ(hash(Packed({1}, {0}).bytes().first(8)), 0x517cc1b727220a95);
  EXPECT_EQ(hash(Packed({1}, {2}).bytes()), 0x6a4be67ff98fabc8);
  EXPECT_EQ(hash(std::span(message).first(8)), 0xbee07edef6349500);
  EXPECT_EQ(hash(message), 0x815796261ab79476) << "words of 8, 4, 2 and 1 bytes";
}

template <class H>
class EveryHash : public testing::Test {};
template <class... Ts>
testing::Types<Ts...> as_types(TypeList<Ts...>);
TYPED_TEST_SUITE(EveryHash, decltype(as_types(HashList{})));

TYPED_TEST(EveryHash, SpreadsConsecutiveKeysOverItsHighBits) {
  constexpr std::size_t kBuckets = 64;
  constexpr std::size_t kPerBucket = 256;
  const TypeParam hash;
  std::array<std::size_t, kBuckets> hits{};
  for (std::uint64_t inode = 1; inode <= kBuckets; ++inode) {
    for (std::uint32_t chunk = 0; chunk < kPerBucket; ++chunk) {
      ++hits[hash(Packed({inode}, {chunk}).bytes()) >> 58];
    }
  }
  EXPECT_LT(*std::ranges::max_element(hits), 2 * kPerBucket);
  EXPECT_GT(*std::ranges::min_element(hits), kPerBucket / 2);
}

TYPED_TEST(EveryHash, TellsKeysApartByEachByte) {
  const TypeParam hash;
  auto message = counting<20>();
  std::set<std::uint64_t> hashes{hash(message)};
  for (std::byte& byte : message) {
    byte ^= std::byte{0x80};
    hashes.insert(hash(message));
    byte ^= std::byte{0x80};
  }
  EXPECT_EQ(hashes.size(), message.size() + 1);
}

TEST(KeyHasher, CountsTheKeysBytes) {
  const std::uint64_t before = total(Counter::kBytesHashed);
  KeyHasher<Packed, Fx>()(Packed({1}, {2}));
  EXPECT_EQ(total(Counter::kBytesHashed) - before, 16U);
  KeyHasher<Wide, Fx>()(Wide({1}, {2}));
  EXPECT_EQ(total(Counter::kBytesHashed) - before, 36U);
}

template <class K>
class EveryKey : public testing::Test {};
TYPED_TEST_SUITE(EveryKey, decltype(as_types(KeyList{})));

TYPED_TEST(EveryKey, KeepsItsParts) {
  const TypeParam key({0x1122334455667788}, {0xaabbccdd});
  EXPECT_EQ(key.inode().value, 0x1122334455667788U);
  EXPECT_EQ(key.chunk().value, 0xaabbccddU);
}

TYPED_TEST(EveryKey, IsEqualInValueAndBytesIfBothPartsAre) {
  const TypeParam key({5}, {6});
  EXPECT_EQ(key, TypeParam({5}, {6}));
  EXPECT_TRUE(std::ranges::equal(key.bytes(), TypeParam({5}, {6}).bytes()));
  for (const TypeParam& other : {TypeParam({6}, {5}), TypeParam({5}, {7}), TypeParam({4}, {6})}) {
    EXPECT_NE(key, other);
    EXPECT_FALSE(std::ranges::equal(key.bytes(), other.bytes()));
  }
}

TEST(Keys, HaveTheSizesThatTheirSummariesName) {
  EXPECT_EQ(Wide({1}, {2}).bytes().size(), 20U);
  EXPECT_EQ(Packed({1}, {2}).bytes().size(), 16U);
}

}  // namespace
}  // namespace vfsprof::vfs
