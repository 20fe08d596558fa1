// The contract of a pool, over every pool with every key and every hash.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <thread>
#include <type_traits>
#include <vector>

#include "vfs/strategies.h"

namespace vfsprof::vfs {
namespace {

template <class PoolStrategy, class KeyType, class HashStrategy, class Accounting>
struct Combination {
  using Key = KeyType;
  using Pool = PoolStrategy::template Of<Key, KeyHasher<Key, HashStrategy>, Accounting>;
};

template <class... Ts>
struct Joined;
template <class... As, class... Bs, class... Rest>
struct Joined<testing::Types<As...>, testing::Types<Bs...>, Rest...>
    : Joined<testing::Types<As..., Bs...>, Rest...> {};
template <class... As>
struct Joined<testing::Types<As...>> {
  using Type = testing::Types<As...>;
};

/// Every accounting with the new key and hash, and the keys and hash as found.
template <class P, class... As>
testing::Types<Combination<P, Packed, Fx, As>..., Combination<P, Wide, Sip13, LruMutex>>
    combinations_of(TypeList<As...>);
template <class... Ps>
Joined<decltype(combinations_of<Ps>(AccountingList{}))...>::Type with_pools(TypeList<Ps...>);

template <class C>
class EveryPool : public testing::Test {
 protected:
  using Key = C::Key;

  static Key key(std::uint64_t inode, std::uint32_t chunk = 0) { return Key({inode}, {chunk}); }
  Block block(std::size_t bytes, std::uint8_t value) {
    Block made{.data = BlockBytes(memory_, 4096)};
    const std::vector<std::byte> content(bytes, std::byte{value});
    made.data.append(content);
    return made;
  }
  /// The first byte if all are the same, else -1.
  static int uniform_byte(const Block& block) {
    std::vector<std::byte> content(block.data.size());
    block.data.read(0, content);
    const bool uniform = std::ranges::count(content, content.front()) == std::ssize(content);
    return uniform ? static_cast<int>(content.front()) : -1;
  }
  static void fill(Block& block, int value) {
    const std::vector<std::byte> content(block.data.size(), static_cast<std::byte>(value));
    const Payload payload(content);
    block.data.write(0, {.payload = payload, .offset = 0, .size = content.size()});
  }

  // The pool's operations, with the file of the key.
  bool insert(const Key& at, Block block) { return pool_.insert(file(at), at, std::move(block)); }
  bool remove(const Key& at) { return pool_.remove(file(at), at); }
  template <class Change>
  bool modify(const Key& at, Change&& change) {
    return pool_.modify(file(at), at, change);
  }
  template <class Look>
  bool read(const Key& at, Look&& look) {
    return pool_.read(file(at), at, look);
  }
  template <class Ask>
  bool remove_if(const Key& at, Ask&& ask) {
    return pool_.remove_if(file(at), at, ask);
  }

  /// The size of a block, or -1.
  std::int64_t size_of(const Key& at) {
    std::int64_t size = -1;
    read(at, [&](const Block& found) { size = static_cast<std::int64_t>(found.data.size()); });
    return size;
  }
  /// The age of a block: 0 is the longest unused.
  std::ptrdiff_t age_of(const Key& at) {
    const auto keys = pool_.keys_by_age();
    return std::ranges::find(keys, at) - keys.begin();
  }

  static void on_threads(int threads, const std::function<void(int)>& work) {
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t) running.emplace_back(work, t);
    for (std::thread& thread : running) thread.join();
  }

  C::Pool::PerFile& file(const Key& at) { return files_.at(at.inode().value % files_.size()); }

  Heap memory_;
  typename C::Pool pool_;
  std::array<typename C::Pool::PerFile, 1024> files_;
};
TYPED_TEST_SUITE(EveryPool, decltype(with_pools(PoolList{})));

TYPED_TEST(EveryPool, FindsWhatWasInsertedUntilItIsRemoved) {
  EXPECT_EQ(this->size_of(this->key(1)), -1);
  EXPECT_TRUE(this->insert(this->key(1), this->block(10, 1)));
  EXPECT_FALSE(this->insert(this->key(1), this->block(20, 2)));
  EXPECT_EQ(this->size_of(this->key(1)), 10);
  EXPECT_EQ(this->size_of(this->key(1, 1)), -1);
  EXPECT_TRUE(this->remove(this->key(1)));
  EXPECT_FALSE(this->remove(this->key(1)));
  EXPECT_EQ(this->size_of(this->key(1)), -1);
  EXPECT_FALSE(this->modify(this->key(1), [](Block&) { FAIL() << "no block to change"; }));
}

TYPED_TEST(EveryPool, RemovesIfAskedAndOnlyThen) {
  this->insert(this->key(1), this->block(10, 1));
  EXPECT_FALSE(this->remove_if(this->key(1), [](const Block&) { return false; }));
  EXPECT_EQ(this->size_of(this->key(1)), 10);
  EXPECT_TRUE(this->remove_if(this->key(1), [](const Block& b) { return b.data.size() == 10; }));
  EXPECT_EQ(this->size_of(this->key(1)), -1);
  EXPECT_FALSE(this->remove_if(this->key(1), [](const Block&) { return true; }));
}

TYPED_TEST(EveryPool, AccountsForTheBytesOfAllBlocks) {
  EXPECT_EQ(this->pool_.bytes(), 0U);
  for (std::uint64_t i = 0; i < 100; ++i) this->insert(this->key(i), this->block(10, 1));
  EXPECT_EQ(this->pool_.bytes(), 1000U);
  this->modify(this->key(3), [](Block& b) { b.data.resize(110); });
  EXPECT_EQ(this->pool_.bytes(), 1100U);
  this->modify(this->key(3), [](Block& b) { b.data.resize(5); });
  EXPECT_EQ(this->pool_.bytes(), 995U);
  this->remove(this->key(3));
  EXPECT_EQ(this->pool_.bytes(), 990U);
  for (std::uint64_t i = 0; i < 100; ++i) this->remove(this->key(i));
  EXPECT_EQ(this->pool_.bytes(), 0U);
  EXPECT_TRUE(this->pool_.keys_by_age().empty());
}

TYPED_TEST(EveryPool, OrdersBlocksByTheirLastUse) {
  for (std::uint64_t i = 0; i < 4; ++i) this->insert(this->key(i), this->block(10, 1));
  const std::vector<typename TypeParam::Key> as_inserted{this->key(0), this->key(1), this->key(2),
                                                         this->key(3)};
  EXPECT_EQ(this->pool_.keys_by_age(), as_inserted);
  this->size_of(this->key(0));
  EXPECT_EQ(this->age_of(this->key(0)), 3) << "read";
  this->modify(this->key(1), [](Block& b) { ++b.version; });
  EXPECT_EQ(this->age_of(this->key(1)), 3) << "changed";
  this->modify(this->key(2), [](Block& b) { b.data.resize(20); });
  EXPECT_EQ(this->age_of(this->key(2)), 3) << "grown";
  EXPECT_LT(this->age_of(this->key(3)), 3) << "not used since";
}

TYPED_TEST(EveryPool, ChangesAreSeenWholeByEveryThread) {
  constexpr std::size_t kBytes = 512;
  this->insert(this->key(1), this->block(kBytes, 0));
  std::atomic<int> torn{0};
  this->on_threads(8, [&](int t) {
    for (int round = 0; round < 300; ++round) {
      this->modify(this->key(1), [&](Block& b) {
        this->fill(b, t);
        ++b.version;
      });
      this->read(this->key(1), [&](const Block& b) {
        if (this->uniform_byte(b) < 0) ++torn;
      });
    }
  });
  EXPECT_EQ(torn.load(), 0);
  std::uint64_t version = 0;
  this->read(this->key(1), [&](const Block& b) { version = b.version; });
  EXPECT_EQ(version, 8U * 300U) << "no change was lost";
}

TYPED_TEST(EveryPool, OneOfManyInsertsOfAKeySucceeds) {
  constexpr std::uint64_t kKeys = 200;
  std::atomic<std::uint64_t> inserted{0};
  this->on_threads(8, [&](int t) {
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      if (this->insert(this->key(i), this->block(8, static_cast<std::uint8_t>(t)))) ++inserted;
      EXPECT_EQ(this->size_of(this->key(i)), 8) << "visible to whoever comes after";
    }
  });
  EXPECT_EQ(inserted.load(), kKeys);
  EXPECT_EQ(this->pool_.bytes(), 8 * kKeys);
}

TYPED_TEST(EveryPool, ABlockRemovedWhileItIsUsedStaysWholeForItsUser) {
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::thread remover([&] {
    while (!done.load()) {
      this->insert(this->key(1), this->block(4096, 7));
      this->remove(this->key(1));
      this->insert(this->key(1), this->block(4096, 9));
      this->remove_if(this->key(1), [](const Block&) { return true; });
    }
  });
  this->on_threads(4, [&](int) {
    for (int round = 0; round < 500; ++round) {
      this->read(this->key(1), [&](const Block& b) {
        if (this->uniform_byte(b) < 0) ++torn;
      });
      this->modify(this->key(1), [&](Block& b) {
        if (b.data.size() != 4096) ++torn;
        this->fill(b, 8);
      });
    }
  });
  done.store(true);
  remover.join();
  EXPECT_EQ(torn.load(), 0);
}

TYPED_TEST(EveryPool, ARemovedBlockIsNeverChangedAgain) {
  // Each change that `modify` reports must be in a block that was there: count them on both sides.
  std::atomic<std::uint64_t> changes{0};
  std::atomic<std::uint64_t> collected{0};
  std::atomic<bool> done{false};
  std::thread remover([&] {
    const auto collect = [&](const Block& b) {
      collected += b.version;
      return true;
    };
    while (!done.load()) {
      this->insert(this->key(1), this->block(1, 0));
      this->remove_if(this->key(1), collect);
    }
    this->remove_if(this->key(1), collect);
  });
  this->on_threads(4, [&](int) {
    for (int round = 0; round < 1000; ++round) {
      if (this->modify(this->key(1), [](Block& b) { ++b.version; })) ++changes;
    }
  });
  done.store(true);
  remover.join();
  EXPECT_EQ(collected.load(), changes.load());
}

TYPED_TEST(EveryPool, ListsKeysWhileOthersComeAndGo) {
  constexpr std::uint64_t kStable = 50;
  for (std::uint64_t i = 0; i < kStable; ++i) this->insert(this->key(i), this->block(1, 1));
  std::atomic<bool> done{false};
  std::thread churn([&] {
    for (std::uint32_t i = 0; !done.load(); ++i) {
      this->insert(this->key(1000, i % 64), this->block(1, 1));
      this->modify(this->key(1000, i % 64), [](Block& b) { b.data.resize(2); });
      this->remove(this->key(1000, (i + 32) % 64));
    }
  });
  for (int round = 0; round < 100; ++round) {
    std::multiset<std::uint64_t> stable;
    for (const auto& key : this->pool_.keys_by_age()) {
      if (key.inode().value < kStable) stable.insert(key.inode().value);
    }
    std::multiset<std::uint64_t> expected;
    for (std::uint64_t i = 0; i < kStable; ++i) expected.insert(i);
    EXPECT_EQ(stable, expected);
  }
  done.store(true);
  churn.join();
}

}  // namespace
}  // namespace vfsprof::vfs
