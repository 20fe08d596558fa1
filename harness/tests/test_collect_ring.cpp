#include <gtest/gtest.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "harness/collect/ring.h"
#include "harness/collect/sample.h"
#include "harness/collect/sample_store.h"

namespace vfsprof::harness {
namespace {

/// A ring buffer as the kernel would fill it, in ordinary memory.
class FakeRing {
 public:
  explicit FakeRing(std::size_t size, std::uint64_t position = 0) : data_(size) {
    control_.data_head = position;
    control_.data_tail = position;
  }

  void write(std::uint32_t type, const std::string& payload) {
    perf_event_header header{};
    header.type = type;
    header.size = static_cast<std::uint16_t>(sizeof header + payload.size());
    write_bytes(std::as_bytes(std::span(&header, 1)));
    write_bytes(std::as_bytes(std::span(payload)));
  }
  void write_bytes(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) data_[control_.data_head++ % data_.size()] = byte;
  }
  RingMemory memory() { return {.control = &control_, .data = data_}; }
  perf_event_mmap_page& control() { return control_; }

 private:
  perf_event_mmap_page control_{};
  std::vector<std::byte> data_;
};

struct Seen {
  std::uint32_t type = 0;
  std::string payload;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> read_all(FakeRing& ring, bool* corrupted = nullptr) {
  std::vector<Seen> seen;
  RingRecords records(ring.memory());
  for (const RingRecord& record : records) {
    seen.push_back({record.type, std::string(reinterpret_cast<const char*>(record.payload.data()),
                                             record.payload.size())});
  }
  if (corrupted != nullptr) *corrupted = records.corrupted();
  return seen;
}

TEST(CollectRing, AnEmptyRingHasNoRecords) {
  FakeRing ring(64);
  EXPECT_TRUE(read_all(ring).empty());
}

TEST(CollectRing, RecordsComeInOrderAndTheirSpaceIsHandedBack) {
  FakeRing ring(64);
  ring.write(9, "12345678");
  ring.write(2, "abcdefgh");
  EXPECT_EQ(read_all(ring), (std::vector<Seen>{{9, "12345678"}, {2, "abcdefgh"}}));
  EXPECT_EQ(ring.control().data_tail, ring.control().data_head);
  EXPECT_TRUE(read_all(ring).empty());
}

TEST(CollectRing, RecordsThatWrapAroundTheEndAreWholeAtEveryOffset) {
  for (std::uint64_t start = 0; start < 64; ++start) {
    FakeRing ring(64, 6400 + start);  // positions only grow; the ring has gone round before
    ring.write(9, "the first payload...");
    ring.write(5, "second");
    EXPECT_EQ(read_all(ring), (std::vector<Seen>{{9, "the first payload..."}, {5, "second"}}))
        << "start " << start;
  }
}

TEST(CollectRing, SpaceIsHandedBackEvenIfTheReaderStopsEarly) {
  FakeRing ring(64);
  ring.write(9, "12345678");
  ring.write(9, "12345678");
  {
    RingRecords records(ring.memory());
    EXPECT_NE(records.begin(), records.end());
  }
  EXPECT_EQ(ring.control().data_tail, ring.control().data_head);
}

TEST(CollectRing, ATruncatedRecordEndsTheIterationAndIsReported) {
  FakeRing ring(64);
  ring.write(9, "12345678");
  perf_event_header header{};
  header.type = 9;
  header.size = 40;  // more than was written
  ring.write_bytes(std::as_bytes(std::span(&header, 1)));
  bool corrupted = false;
  EXPECT_EQ(read_all(ring, &corrupted).size(), 1u);
  EXPECT_TRUE(corrupted);
  EXPECT_EQ(ring.control().data_tail, ring.control().data_head);
}

TEST(CollectRing, ARecordSmallerThanItsHeaderIsCorruptAndDoesNotLoop) {
  FakeRing ring(64);
  perf_event_header header{};
  header.size = 0;
  ring.write_bytes(std::as_bytes(std::span(&header, 1)));
  bool corrupted = false;
  EXPECT_TRUE(read_all(ring, &corrupted).empty());
  EXPECT_TRUE(corrupted);
}

TEST(CollectRing, AHeadFurtherAwayThanTheRingIsLongIsCorrupt) {
  FakeRing ring(64);
  ring.control().data_head = 1000;
  bool corrupted = false;
  EXPECT_TRUE(read_all(ring, &corrupted).empty());
  EXPECT_TRUE(corrupted);
}

/// The payload of a PERF_RECORD_SAMPLE.
std::vector<std::byte> sample_payload(std::uint64_t ip, std::int32_t tid, std::uint64_t time_ns,
                                      const std::vector<std::uint64_t>& chain) {
  std::vector<std::byte> payload;
  const auto put = [&](const auto& value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    payload.insert(payload.end(), bytes, bytes + sizeof value);
  };
  put(ip);
  put(std::int32_t{4711});  // process
  put(tid);
  put(time_ns);
  put(std::uint64_t{chain.size()});
  for (const std::uint64_t address : chain) put(address);
  return payload;
}

TEST(CollectSample, AllFieldsAreRead) {
  const auto payload = sample_payload(0x1000, 42, 123456789, {PERF_CONTEXT_USER, 0x1000, 0x2000});
  const auto sample = parse_sample(payload);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->tid, 42);
  EXPECT_EQ(sample->time_ns, 123456789u);
  EXPECT_EQ(sample->chain, (std::vector<std::uint64_t>{PERF_CONTEXT_USER, 0x1000, 0x2000}));
}

TEST(CollectSample, WithoutAChainTheSampledAddressIsTheStack) {
  const auto sample = parse_sample(sample_payload(0x1000, 42, 1, {}));
  ASSERT_TRUE(sample);
  const auto addresses = addresses_of(sample->chain);
  ASSERT_EQ(addresses.size(), 1u);
  EXPECT_EQ(addresses[0].lookup, 0x1000u);
}

TEST(CollectSample, APayloadCutAtAnyByteIsRefused) {
  const auto payload = sample_payload(0x1000, 42, 1, {PERF_CONTEXT_USER, 0x1000});
  for (std::size_t size = 0; size < payload.size(); ++size) {
    EXPECT_FALSE(parse_sample(std::span(payload).first(size))) << size;
  }
}

TEST(CollectSample, AChainLengthThatOverflowsIsRefused) {
  auto payload = sample_payload(0x1000, 42, 1, {});
  const std::uint64_t length = std::uint64_t{1} << 61;  // times 8 is 0
  std::memcpy(payload.data() + 24, &length, sizeof length);
  EXPECT_FALSE(parse_sample(payload));
}

TEST(CollectSample, MarkersSplitTheChainAndReturnAddressesAreLookedUpBeforeThem) {
  const std::vector<std::uint64_t> chain{PERF_CONTEXT_KERNEL,
                                         0xffffffff81000010,
                                         0xffffffff81000020,
                                         PERF_CONTEXT_USER,
                                         0x401000,
                                         0x402000,
                                         0};
  const auto addresses = addresses_of(chain);
  ASSERT_EQ(addresses.size(), 4u);
  EXPECT_EQ(addresses[0].kind, AddressKind::kKernel);
  EXPECT_EQ(addresses[0].lookup, 0xffffffff81000010);
  EXPECT_EQ(addresses[1].kind, AddressKind::kKernel);
  EXPECT_EQ(addresses[1].lookup, 0xffffffff8100001f);
  EXPECT_EQ(addresses[2].kind, AddressKind::kUser);
  EXPECT_EQ(addresses[2].lookup, 0x401000u);
  EXPECT_EQ(addresses[3].lookup, 0x401fffu);
}

TEST(CollectSample, ContextsOfGuestsAreLeftOut) {
  const std::vector<std::uint64_t> chain{PERF_CONTEXT_GUEST_KERNEL, 0xffffffff81000010,
                                         PERF_CONTEXT_USER, 0x401000};
  const auto addresses = addresses_of(chain);
  ASSERT_EQ(addresses.size(), 1u);
  EXPECT_EQ(addresses[0].lookup, 0x401000u);
}

TEST(CollectSampleStore, PathsShareTheirOuterPartAndAreCountedPerThreadAndSlice) {
  SampleStore store;
  const auto add = [&](pid_t tid, std::vector<std::uint64_t> chain, std::uint32_t slice) {
    std::vector<ChainAddress> addresses;
    for (const std::uint64_t address : chain) addresses.push_back({AddressKind::kUser, address});
    store.add(addresses, tid, slice);
  };
  add(1, {10, 20}, 0);
  add(1, {10, 20}, 0);
  add(1, {10, 20}, 3);
  add(2, {10, 20}, 0);
  add(1, {11, 20}, 0);
  ASSERT_EQ(store.nodes().size(), 3u);
  EXPECT_EQ(store.nodes()[0].caller, SampleStore::kRoot);
  EXPECT_EQ(store.nodes()[0].address.lookup, 20u);
  EXPECT_EQ(store.nodes()[1].caller, 0u);
  EXPECT_EQ(store.nodes()[1].address.lookup, 10u);
  EXPECT_EQ(store.nodes()[2].caller, 0u);
  ASSERT_EQ(store.counts().size(), 4u);
  const auto count_of = [&](const SampleStore::Key& key) {
    const auto found = std::ranges::find(store.counts(), key, &SampleStore::Count::key);
    return found == store.counts().end() ? 0 : found->count;
  };
  EXPECT_EQ(count_of({.node = 1, .tid = 1, .slice = 0}), 2u);
  EXPECT_EQ(count_of({.node = 1, .tid = 1, .slice = 3}), 1u);
  EXPECT_EQ(count_of({.node = 1, .tid = 2, .slice = 0}), 1u);
  EXPECT_EQ(count_of({.node = 2, .tid = 1, .slice = 0}), 1u);
}

TEST(CollectSampleStore, ManyPathsStayApart) {
  SampleStore store;
  constexpr std::uint64_t kPaths = 20'000;
  for (std::uint64_t pass = 0; pass < 2; ++pass) {
    for (std::uint64_t i = 0; i < kPaths; ++i) {
      const std::array<ChainAddress, 2> chain{ChainAddress{AddressKind::kUser, 0x1000 + 16 * i},
                                              ChainAddress{AddressKind::kUser, 0x10}};
      store.add(chain, 1, 0);
    }
  }
  EXPECT_EQ(store.nodes().size(), kPaths + 1);
  ASSERT_EQ(store.counts().size(), kPaths);
  for (const SampleStore::Count& each : store.counts()) EXPECT_EQ(each.count, 2u);
}

}  // namespace
}  // namespace vfsprof::harness
