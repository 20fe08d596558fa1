#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// xxHash's sanity buffer and its values for seed 0 (XSUM_XXH3_testdata, xsum_sanity_check.c of
// xxHash 0.8), for every branch up to 240 bytes and one beyond.
TEST(Xxh3, GivesThePublishedVectors) {
  std::vector<std::byte> message(403);
  std::uint64_t generator = 2654435761;
  for (std::byte& byte : message) {
    byte = static_cast<std::byte>(generator >> 56);
    generator *= 11400714785074694797U;
  }
  struct Vector {
    std::size_t size;
    std::uint64_t hash;
  };
  const Xxh3 hash;
  for (const Vector& vector :
       {Vector{0, 0x2d06800538d394c2}, Vector{1, 0xc44bdff4074eecdb}, Vector{6, 0x27b56a84cd2d7325},
        Vector{12, 0xa713daf0dfbb77e7}, Vector{24, 0xa3fe70bf9d3510eb},
        Vector{48, 0x397da259ecba1f11}, Vector{80, 0xbcdefbbb2c47c90a},
        Vector{195, 0xcd94217ee362ec3a}, Vector{403, 0xcdeb804d65c6dea4}}) {
    EXPECT_EQ(hash(std::span(message).first(vector.size)), vector.hash) << vector.size;
  }
}

// The messages of the author's test_vector.cpp, each with its place as the seed; the values are
// those of version 4.2 (also in SMHasher3, hashes/wyhash.cpp).
TEST(Wyhash, GivesThePublishedVectors) {
  struct Vector {
    std::string_view message;
    std::uint64_t hash;
  };
  std::uint64_t seed = 0;
  for (const Vector& vector :
       {Vector{"", 0x93228a4de0eec5a2}, Vector{"a", 0xc5bac3db178713c4},
        Vector{"abc", 0xa97f2f7b1d9b3314}, Vector{"message digest", 0x786d1f1df3801df4},
        Vector{"abcdefghijklmnopqrstuvwxyz", 0xdca5a8138ad37c87},
        Vector{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
               0xb9e734f117cfaf70},
        Vector{"1234567890123456789012345678901234567890"
               "1234567890123456789012345678901234567890",
               0x6cc5eab49a92d617}}) {
    EXPECT_EQ(Wyhash(seed)(bytes_of(vector.message)), vector.hash) << vector.message;
    ++seed;
  }
}

// SMHasher's procedure: the hash, without a seed, of the hashes of the messages 0, 1, ... n-1 for
// n below 256, each under the seed 256 - n. SMHasher3 publishes its low half.
TEST(Wyhash, GivesSmhashersVerificationValue) {
  const auto message = counting<256>();
  std::array<std::uint64_t, 256> hashes{};
  for (std::size_t size = 0; size < hashes.size(); ++size) {
    hashes[size] = Wyhash(256 - size)(std::span(message).first(size));
  }
  EXPECT_EQ(Wyhash()(std::as_bytes(std::span(hashes))) & 0xffffffff, 0x9dae7dd3U);
}

class EveryCrc32c : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (checksum_ == nullptr) GTEST_SKIP() << "this processor lacks SSE4.2";
  }
  const Crc32c::Checksum checksum_ = GetParam() ? Crc32c::by_instruction() : Crc32c::by_table;
};
INSTANTIATE_TEST_SUITE_P(Crc32c, EveryCrc32c, testing::Bool(), [](const auto& tested) {
  return tested.param ? "ByInstruction" : "ByTable";
});

// RFC 3720, appendix B.4, whose bytes are the checksum's from the lowest on.
TEST_P(EveryCrc32c, GivesThePublishedVectors) {
  std::array<std::byte, 32> message{};
  EXPECT_EQ(checksum_(message), 0x8a9136aaU) << "zeros";
  message.fill(std::byte{0xff});
  EXPECT_EQ(checksum_(message), 0x62a8ab43U) << "ones";
  message = counting<32>();
  EXPECT_EQ(checksum_(message), 0x46dd794eU) << "incrementing";
  std::ranges::reverse(message);
  EXPECT_EQ(checksum_(message), 0x113fdb5cU) << "decrementing";
  std::array<std::byte, 48> read_command{};
  read_command[0] = std::byte{0x01};
  read_command[1] = std::byte{0xc0};
  read_command[16] = read_command[27] = std::byte{0x14};
  read_command[22] = std::byte{0x04};
  read_command[31] = std::byte{0x18};
  read_command[32] = std::byte{0x28};
  read_command[40] = std::byte{0x02};
  EXPECT_EQ(checksum_(read_command), 0xd9963a56U) << "an iSCSI read command";
  // Nine bytes, the check value in the catalogue of CRCs: a remainder after the words.
  EXPECT_EQ(checksum_(bytes_of("123456789")), 0xe3069283U);
}

TEST(Crc32c, GivesTheSameByInstructionAsByTable) {
  if (Crc32c::by_instruction() == nullptr) GTEST_SKIP() << "this processor lacks SSE4.2";
  const auto message = counting<64>();
  for (std::size_t size = 0; size <= message.size(); ++size) {
    const auto bytes = std::span(message).first(size);
    EXPECT_EQ(Crc32c::by_instruction()(bytes), Crc32c::by_table(bytes)) << size;
  }
}

/// 32 hexadecimal digits, the first byte first.
AesBlock block_of(std::uint64_t first_bytes, std::uint64_t last_bytes) {
  return {__builtin_bswap64(first_bytes), __builtin_bswap64(last_bytes)};
}

// FIPS 197, appendix B: the state at the start of rounds 1 and 2, and round key 1.
TEST(AesRound, GivesThePublishedExample) {
  EXPECT_EQ(aes_round(block_of(0x193de3bea0f4e22b, 0x9ac68d2ae9f84808),
                      block_of(0xa0fafe1788542cb1, 0x23a339392a6c7605)),
            block_of(0xa49c7ff2689f352b, 0x6b5bea43026a5049));
}

TEST(Aes, GivesTheSameByInstructionAsWithout) {
  if (Aes::by_instruction() == nullptr) GTEST_SKIP() << "this processor lacks AES-NI";
  const Aes::Key key{.state = {0x0123456789abcdef, 0xfedcba9876543210},
                     .sum = {0x0f1e2d3c4b5a6978, 0x8796a5b4c3d2e1f0}};
  const auto message = counting<64>();
  for (std::size_t size = 0; size <= message.size(); ++size) {
    const auto bytes = std::span(message).first(size);
    EXPECT_EQ(Aes::by_instruction()(key, bytes), Aes::portable(key, bytes)) << size;
  }
}

TEST(Aes, DrawsANewKeyForEachHash) {
  const auto message = counting<20>();
  const Aes first;
  const Aes second;
  EXPECT_EQ(first(message), first(message));
  EXPECT_NE(first(message), second(message));
}

// Worked out from the definition: hash ^= word + 0x9e3779b9 + (hash << 6) + (hash >> 2), word by
// word.
TEST(Std, GivesWhatItsDefinitionGives) {
  const Std hash;
  const auto message = counting<15>();
  EXPECT_EQ(hash({}), 0U);
  EXPECT_EQ(hash(Packed({1}, {2}).bytes().first(8)), 0x9e3779baU);
  EXPECT_EQ(hash(Packed({1}, {2}).bytes()), 0x28cd94bf13);
  EXPECT_EQ(hash(message), 0x2573618a21e8d372) << "words of 8, 4, 2 and 1 bytes";
}

template <class H>
class EveryHash : public testing::Test {};
template <class... Ts>
testing::Types<Ts...> as_types(TypeList<Ts...>);
TYPED_TEST_SUITE(EveryHash, decltype(as_types(HashList{})));

/// How many keys fall on each of 64 shards, chosen by the high bits of the hash or by the low ones.
struct Spread {
  std::array<std::size_t, 64> by_high_bits{};
  std::array<std::size_t, 64> by_low_bits{};
};

constexpr std::uint64_t kKeysPerShard = 256;

/// Keys of `files` files, numbered from 1 on, and as many chunks of each as give all shards their
/// share.
template <class Key, class H>
Spread spread_of_keys(std::uint64_t files) {
  const KeyHasher<Key, H> hash;
  Spread spread;
  const auto chunks = static_cast<std::uint32_t>(kKeysPerShard * 64 / files);
  for (std::uint64_t inode = 1; inode <= files; ++inode) {
    for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
      const std::uint64_t value = hash(Key({inode}, {chunk}));
      ++spread.by_high_bits[value >> 58];
      ++spread.by_low_bits[value & 63];
    }
  }
  return spread;
}

/// No shard has twice its share, or half of it. Half is eight standard deviations away: a hash
/// under a random key does not get there by chance.
void expect_even(const std::array<std::size_t, 64>& shards, const std::string& what) {
  EXPECT_LT(*std::ranges::max_element(shards), 2 * kKeysPerShard) << what;
  EXPECT_GT(*std::ranges::min_element(shards), kKeysPerShard / 2) << what;
}

TYPED_TEST(EveryHash, SpreadsKeysEvenlyOverTheBitsThatItCallsWellMixed) {
  for_each_type(KeyList{}, []<class Key>(TypeTag<Key>) {
    // One large file, some files, and many small ones.
    for (const std::uint64_t files : {1U, 64U, 16384U}) {
      const std::string what = fmt::format("{} keys of {} files", Key::kName, files);
      const Spread spread = spread_of_keys<Key, TypeParam>(files);
      expect_even(spread.by_high_bits, "high bits of " + what);
      if (TypeParam::kWellMixed != WellMixed::kAll) continue;
      expect_even(spread.by_low_bits, "low bits of " + what);
    }
  });
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

TEST(KeyHasher, MultipliesAHashThatMixesNothing) {
  const Packed key({1}, {2});
  EXPECT_EQ((KeyHasher<Packed, Std>()(key)), Std()(key.bytes()) * kGoldenRatio);
  EXPECT_EQ((KeyHasher<Packed, Fx>()(key)), Fx()(key.bytes()));
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
