// The contract of a pool, over every pool with every key and every hash.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <thread>
#include <type_traits>
#include <vector>

#include "vfs/strategies.h"

namespace vfsprof::vfs {
namespace {

template <class PoolStrategy, class KeyType, class HashStrategy>
struct Combination {
  using Key = KeyType;
  using Pool = PoolStrategy::template Of<Key, KeyHasher<Key, HashStrategy>, LruMutex>;
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

template <class P, class K, class... Hs>
testing::Types<Combination<P, K, Hs>...> with_hashes(TypeList<Hs...>);
template <class P, class... Ks>
Joined<decltype(with_hashes<P, Ks>(HashList{}))...>::Type with_keys(TypeList<Ks...>);
template <class... Ps>
Joined<decltype(with_keys<Ps>(KeyList{}))...>::Type with_pools(TypeList<Ps...>);

template <class C>
class EveryPool : public testing::Test {
 protected:
  using Key = C::Key;

  static Key key(std::uint64_t inode, std::uint32_t chunk = 0) { return Key({inode}, {chunk}); }
  static Block block(std::size_t bytes, std::uint8_t value) {
    return {.data = std::pmr::vector<std::byte>(bytes, std::byte{value})};
  }
  /// The size of a block, or -1.
  std::int64_t size_of(const Key& at) {
    std::int64_t size = -1;
    pool_.read(at,
               [&](const Block& found) { size = static_cast<std::int64_t>(found.data.size()); });
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

  C::Pool pool_;
};
TYPED_TEST_SUITE(EveryPool, decltype(with_pools(PoolList{})));

TYPED_TEST(EveryPool, FindsWhatWasInsertedUntilItIsRemoved) {
  EXPECT_EQ(this->size_of(this->key(1)), -1);
  EXPECT_TRUE(this->pool_.insert(this->key(1), this->block(10, 1)));
  EXPECT_FALSE(this->pool_.insert(this->key(1), this->block(20, 2)));
  EXPECT_EQ(this->size_of(this->key(1)), 10);
  EXPECT_EQ(this->size_of(this->key(1, 1)), -1);
  EXPECT_TRUE(this->pool_.remove(this->key(1)));
  EXPECT_FALSE(this->pool_.remove(this->key(1)));
  EXPECT_EQ(this->size_of(this->key(1)), -1);
  EXPECT_FALSE(this->pool_.modify(this->key(1), [](Block&) { FAIL() << "no block to change"; }));
}

TYPED_TEST(EveryPool, RemovesIfAskedAndOnlyThen) {
  this->pool_.insert(this->key(1), this->block(10, 1));
  EXPECT_FALSE(this->pool_.remove_if(this->key(1), [](const Block&) { return false; }));
  EXPECT_EQ(this->size_of(this->key(1)), 10);
  EXPECT_TRUE(
      this->pool_.remove_if(this->key(1), [](const Block& b) { return b.data.size() == 10; }));
  EXPECT_EQ(this->size_of(this->key(1)), -1);
  EXPECT_FALSE(this->pool_.remove_if(this->key(1), [](const Block&) { return true; }));
}

TYPED_TEST(EveryPool, AccountsForTheBytesOfAllBlocks) {
  EXPECT_EQ(this->pool_.bytes(), 0U);
  for (std::uint64_t i = 0; i < 100; ++i) this->pool_.insert(this->key(i), this->block(10, 1));
  EXPECT_EQ(this->pool_.bytes(), 1000U);
  this->pool_.modify(this->key(3), [](Block& b) { b.data.resize(110); });
  EXPECT_EQ(this->pool_.bytes(), 1100U);
  this->pool_.modify(this->key(3), [](Block& b) { b.data.resize(5); });
  EXPECT_EQ(this->pool_.bytes(), 995U);
  this->pool_.remove(this->key(3));
  EXPECT_EQ(this->pool_.bytes(), 990U);
  for (std::uint64_t i = 0; i < 100; ++i) this->pool_.remove(this->key(i));
  EXPECT_EQ(this->pool_.bytes(), 0U);
  EXPECT_TRUE(this->pool_.keys_by_age().empty());
}

TYPED_TEST(EveryPool, OrdersBlocksByTheirLastUse) {
  for (std::uint64_t i = 0; i < 4; ++i) this->pool_.insert(this->key(i), this->block(10, 1));
  const std::vector<typename TypeParam::Key> as_inserted{this->key(0), this->key(1), this->key(2),
                                                         this->key(3)};
  EXPECT_EQ(this->pool_.keys_by_age(), as_inserted);
  this->size_of(this->key(0));
  EXPECT_EQ(this->age_of(this->key(0)), 3) << "read";
  this->pool_.modify(this->key(1), [](Block& b) { ++b.version; });
  EXPECT_EQ(this->age_of(this->key(1)), 3) << "changed";
  this->pool_.modify(this->key(2), [](Block& b) { b.data.resize(20); });
  EXPECT_EQ(this->age_of(this->key(2)), 3) << "grown";
  EXPECT_EQ(this->age_of(this->key(3)), 0) << "not used since";
}

TYPED_TEST(EveryPool, ChangesAreSeenWholeByEveryThread) {
  constexpr std::size_t kBytes = 512;
  this->pool_.insert(this->key(1), this->block(kBytes, 0));
  std::atomic<int> torn{0};
  this->on_threads(8, [&](int t) {
    for (int round = 0; round < 300; ++round) {
      this->pool_.modify(this->key(1), [&](Block& b) {
        std::memset(b.data.data(), t, b.data.size());
        ++b.version;
      });
      this->pool_.read(this->key(1), [&](const Block& b) {
        if (std::ranges::count(b.data, b.data.front()) != static_cast<std::ptrdiff_t>(kBytes))
          ++torn;
      });
    }
  });
  EXPECT_EQ(torn.load(), 0);
  std::uint64_t version = 0;
  this->pool_.read(this->key(1), [&](const Block& b) { version = b.version; });
  EXPECT_EQ(version, 8U * 300U) << "no change was lost";
}

TYPED_TEST(EveryPool, OneOfManyInsertsOfAKeySucceeds) {
  constexpr std::uint64_t kKeys = 200;
  std::atomic<std::uint64_t> inserted{0};
  this->on_threads(8, [&](int t) {
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      if (this->pool_.insert(this->key(i), this->block(8, static_cast<std::uint8_t>(t))))
        ++inserted;
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
      this->pool_.insert(this->key(1), this->block(4096, 7));
      this->pool_.remove(this->key(1));
      this->pool_.insert(this->key(1), this->block(4096, 9));
      this->pool_.remove_if(this->key(1), [](const Block&) { return true; });
    }
  });
  this->on_threads(4, [&](int) {
    for (int round = 0; round < 500; ++round) {
      this->pool_.read(this->key(1), [&](const Block& b) {
        if (std::ranges::count(b.data, b.data.front()) != 4096) ++torn;
      });
      this->pool_.modify(this->key(1), [&](Block& b) {
        if (b.data.size() != 4096) ++torn;
        std::memset(b.data.data(), 8, b.data.size());
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
      this->pool_.insert(this->key(1), this->block(1, 0));
      this->pool_.remove_if(this->key(1), collect);
    }
    this->pool_.remove_if(this->key(1), collect);
  });
  this->on_threads(4, [&](int) {
    for (int round = 0; round < 1000; ++round) {
      if (this->pool_.modify(this->key(1), [](Block& b) { ++b.version; })) ++changes;
    }
  });
  done.store(true);
  remover.join();
  EXPECT_EQ(collected.load(), changes.load());
}

TYPED_TEST(EveryPool, ListsKeysWhileOthersComeAndGo) {
  constexpr std::uint64_t kStable = 50;
  for (std::uint64_t i = 0; i < kStable; ++i) this->pool_.insert(this->key(i), this->block(1, 1));
  std::atomic<bool> done{false};
  std::thread churn([&] {
    for (std::uint32_t i = 0; !done.load(); ++i) {
      this->pool_.insert(this->key(1000, i % 64), this->block(1, 1));
      this->pool_.modify(this->key(1000, i % 64), [](Block& b) { b.data.resize(2); });
      this->pool_.remove(this->key(1000, (i + 32) % 64));
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
