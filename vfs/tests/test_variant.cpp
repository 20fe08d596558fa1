#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "vfs/base/byte_size.h"
#include "vfs/store/memory_store.h"
#include "vfs/strategies.h"
#include "vfs/tests/temporary_directory.h"
#include "vfs/variant.h"

namespace vfsprof::vfs {
namespace {

TEST(ByteSize, IsAWholeNumberWithAnOptionalUnit) {
  EXPECT_EQ(parse_byte_size("4096"), 4096U);
  EXPECT_EQ(parse_byte_size("4k"), 4096U);
  EXPECT_EQ(parse_byte_size("1m"), 1U << 20);
  EXPECT_EQ(parse_byte_size("3g"), std::uint64_t{3} << 30);
  EXPECT_EQ(parse_byte_size("17179869183g"), std::uint64_t{17179869183} << 30);
  for (const std::string_view bad : {"", "k", "4kk", "4 k", " 4k", "-4k", "4t", "4.5k",
                                     "17179869184g", "18446744073709551616"}) {
    EXPECT_EQ(parse_byte_size(bad), std::nullopt) << bad;
  }
}

TEST(Variant, NamesMeanWhatTheDesignSays) {
  const std::string threads =
      std::to_string(std::clamp(std::thread::hardware_concurrency(), 1U, kMostSessionThreads));
  const std::pair<std::string_view, std::string> kMeanings[] = {
      {"default",
       "pool=sharded,hash=fx,key=packed,copy=direct,executor=sync,flush=batched,memory=arena,"
       "metadata=per_inode,accounting=clock,max_write=1m,chunk=1m,threads=" +
           threads + ",clone_fd=off,writeback=off,splice=off,direct_io=off"},
      {"mutex-pool",
       "pool=mutex,hash=sip13,key=wide,copy=triple,executor=block_on,flush=whole_file,memory=heap,"
       "metadata=global,accounting=lru_mutex,max_write=4k,chunk=256m,threads=1,"
       "clone_fd=off,writeback=off,splice=off,direct_io=off"},
      {"sharded-pool",
       "pool=sharded,hash=sip13,key=wide,copy=triple,executor=block_on,flush=whole_file,memory="
       "heap,"
       "metadata=global,accounting=lru_mutex,max_write=4k,chunk=256m,threads=1,"
       "clone_fd=off,writeback=off,splice=off,direct_io=off"},
      {"sync-path",
       "pool=sharded,hash=sip13,key=wide,copy=direct,executor=sync,flush=whole_file,memory=heap,"
       "metadata=global,accounting=lru_mutex,max_write=4k,chunk=256m,threads=1,"
       "clone_fd=off,writeback=off,splice=off,direct_io=off"},
      {"null", "null,max_write=1m,threads=1,clone_fd=off,writeback=off,splice=off,direct_io=off"},
  };
  // `best` is what was measured, so nothing but its engine is fixed.
  EXPECT_EQ(named_variants().size(), std::size(kMeanings) + 1);
  for (const auto& [name, meaning] : kMeanings) EXPECT_EQ(canonical(parse_variant(name)), meaning);
}

TEST(Variant, CanonicalTextReadsBackAsItself) {
  for (const NamedVariant& named : named_variants()) {
    EXPECT_EQ(parse_variant(canonical(named.variant)), named.variant) << named.name;
  }
}

TEST(Variant, AppliesChangesToAName) {
  const Variant variant = parse_variant("mutex-pool,pool=sharded,max_write=1m,chunk=64k,threads=4");
  Variant expected = parse_variant("mutex-pool");
  expected.values[static_cast<std::size_t>(Axis::kPool)] = "sharded";
  expected.options = {.max_write = 1 << 20, .chunk = 64 << 10, .threads = 4};
  EXPECT_EQ(variant, expected);
  EXPECT_EQ(parse_variant("mutex-pool,executor=sync").executor(), "sync");
  EXPECT_EQ(parse_variant("sharded-pool,copy=direct,executor=sync"), parse_variant("sync-path"));
}

TEST(Variant, TurnsEachSwitchOnAndOff) {
  const std::pair<std::string, bool MountOptions::*> kSwitches[] = {
      {"clone_fd", &MountOptions::clone_fd},
      {"writeback", &MountOptions::writeback},
      {"splice", &MountOptions::splice},
      {"direct_io", &MountOptions::direct_io},
  };
  for (const auto& [name, option] : kSwitches) {
    Variant expected = parse_variant("sync-path");
    EXPECT_FALSE(expected.options.*option) << name;
    EXPECT_EQ(parse_variant("sync-path," + name + "=off"), expected);
    expected.options.*option = true;
    const Variant on = parse_variant("sync-path," + name + "=on");
    EXPECT_EQ(on, expected) << name;
    EXPECT_NE(canonical(on).find(name + "=on"), std::string::npos) << canonical(on);
    EXPECT_EQ(parse_variant(canonical(on)), on) << name;
  }
}

TEST(Variant, NullTakesOptionsAndHasNoStrategies) {
  const Variant variant = parse_variant("null,max_write=4k,threads=2,clone_fd=on");
  EXPECT_FALSE(variant.has_strategies());
  EXPECT_EQ(variant.options, (MountOptions{.max_write = 4096, .threads = 2, .clone_fd = true}));
  EXPECT_EQ(canonical(variant),
            "null,max_write=4k,threads=2,clone_fd=on,writeback=off,splice=off,direct_io=off");
  EXPECT_EQ(parse_variant(canonical(variant)), variant);
  EXPECT_TRUE(parse_variant("sync-path").has_strategies());
}

TEST(Variant, NullNeedsNeitherCacheDirectoryNorStore) {
  const auto engine = make_engine(parse_variant("null"), {});
  const auto file = engine->create({kRootInode, "file"}, {.mode = S_IFREG | 0644}, O_RDWR, {});
  ASSERT_TRUE(file);
  const InodeId inode = file->attributes.inode;
  const std::byte payload[5] = {};
  const Result<std::size_t> written = engine->write({inode, file->handle, 0, Payload(payload)});
  ASSERT_TRUE(written);
  EXPECT_EQ(*written, 5u);
  std::byte out[5];
  const Result<std::size_t> got = engine->read(inode, file->handle, {0, 5}, out);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 0u);
  EXPECT_EQ(engine->lookup({kRootInode, "file"})->size, 0u);
  EXPECT_TRUE(engine->unlink({kRootInode, "file"}));
  EXPECT_TRUE(engine->attributes(inode)) << "lives while it is open";
  EXPECT_TRUE(engine->release(inode, file->handle));
  engine->forget(inode, 2);
  EXPECT_EQ(engine->attributes(inode).error(), Errno{ESTALE});
}

TEST(Variant, ABudgetThatHoldsNoBlockIsRefused) {
  const TemporaryDirectory directory;
  MemoryStore store;
  EngineOptions options{
      .cache_directory = directory.path(), .memory_budget_bytes = (1 << 20) - 1, .store = &store};
  try {
    make_engine(parse_variant("default"), options);
    ADD_FAILURE() << "accepted";
  } catch (const VariantError& error) {
    EXPECT_NE(std::string_view(error.what()).find("1048575 bytes is smaller than a chunk of 1m"),
              std::string_view::npos)
        << error.what();
  }
  ++options.memory_budget_bytes;
  EXPECT_NO_THROW(make_engine(parse_variant("default"), options));
}

/// Whether a named variant with this one change is accepted.
bool some_variant_takes(std::string_view setting) {
  return std::ranges::any_of(named_variants(), [&](const NamedVariant& named) {
    try {
      parse_variant(fmt::format("{},{}", named.name, setting));
      return true;
    } catch (const VariantError&) {
      return false;
    }
  });
}

TEST(Variant, EachConflictIsRefusedWithItsReason) {
  for (const Conflict& conflict : conflicts()) {
    const std::string text = fmt::format("default,{},{}", conflict.first, conflict.second);
    try {
      parse_variant(text);
      ADD_FAILURE() << "accepted " << text;
    } catch (const VariantError& error) {
      const std::string_view message = error.what();
      for (const auto part : {conflict.first, conflict.second, conflict.reason}) {
        EXPECT_NE(message.find(part), message.npos) << "'" << part << "' is not in: " << message;
      }
    }
    EXPECT_TRUE(some_variant_takes(conflict.first)) << conflict.first;
    EXPECT_TRUE(some_variant_takes(conflict.second)) << conflict.second;
  }
}

TEST(Variant, TakesSizesInBytesToo) {
  EXPECT_EQ(parse_variant("mutex-pool,chunk=4096,max_write=131072"),
            parse_variant("mutex-pool,chunk=4k,max_write=128k"));
  EXPECT_EQ(parse_variant("mutex-pool,chunk=1024k"), parse_variant("mutex-pool,chunk=1m"));
}

struct Refusal {
  std::string_view text;
  std::vector<std::string_view> says;  ///< each must be in the message
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.text; }

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithAMessageThatNamesTheOffenderAndWhatIsAllowed) {
  try {
    parse_variant(GetParam().text);
    FAIL() << "accepted '" << GetParam().text << "'";
  } catch (const VariantError& error) {
    const std::string_view message = error.what();
    for (const std::string_view part : GetParam().says) {
      EXPECT_NE(message.find(part), message.npos) << "'" << part << "' is not in: " << message;
    }
  }
}

const Refusal kRefusals[] = {
    {"", {"no variant named ''", "default, best, mutex-pool, sharded-pool, sync-path"}},
    {"mutexpool", {"no variant named 'mutexpool'", "mutex-pool, sharded-pool, sync-path"}},
    {"best,memory=heap", {"copy=adopt and memory=heap exclude each other", "change one of them"}},
    {"key=wide,metadata=global",
     {"not compiled in", "VFSPROF_ENGINE(sharded, fx, wide, direct, global, clock)"}},
    {"mutex-pool,", {"ends in a comma"}},
    {"mutex-pool,,pool=tbb", {"'' is no change"}},
    {"mutex-pool,sync-path", {"'sync-path' is no change", "pool=tbb"}},
    {"mutex-pool,colour=red",
     {"'colour'", "pool, hash, key, copy", "max_write, chunk, threads, clone_fd"}},
    {"mutex-pool,clone_fd=1", {"clone_fd cannot be '1'", "on or off"}},
    {"mutex-pool,writeback=", {"writeback cannot be ''", "on or off"}},
    {"mutex-pool,direct_io=On", {"direct_io cannot be 'On'", "on or off"}},
    {"mutex-pool,splice=on,splice=off", {"'splice' is given twice"}},
    {"null,pool=mutex", {"'null' only replies, so it has no pool", "mount options"}},
    {"null,chunk=1m", {"'null' only replies, so it has no chunk", "mount options"}},
    {"null,threads=0", {"threads cannot be '0'"}},
    {"mutex-pool,splice", {"'splice' is no change"}},
    {"mutex-pool,pool=", {"pool has no value ''", "sharded, mutex, rwlock, tbb, chunk_array"}},
    {"mutex-pool,pool=lockfree", {"pool has no value 'lockfree'", "sharded, mutex, rwlock"}},
    {"mutex-pool,Pool=mutex", {"'Pool'"}},
    {"mutex-pool, pool=tbb", {"' pool'"}},
    {"mutex-pool,pool=tbb,pool=mutex", {"'pool' is given twice"}},
    {"mutex-pool,max_write=8k", {"max_write cannot be '8k'", "4k, 128k or 1m"}},
    {"mutex-pool,max_write=4K", {"max_write cannot be '4K'"}},
    {"mutex-pool,chunk=2k", {"chunk cannot be '2k'", "power of two from 4k to 256m"}},
    {"mutex-pool,chunk=512m", {"chunk cannot be '512m'"}},
    {"mutex-pool,chunk=5k", {"chunk cannot be '5k'"}},
    {"mutex-pool,chunk=k", {"chunk cannot be 'k'"}},
    {"mutex-pool,chunk=-4k", {"chunk cannot be '-4k'"}},
    {"mutex-pool,chunk=18446744073709551615m", {"chunk cannot be"}},
    {"mutex-pool,threads=0", {"threads cannot be '0'", "1 to 64"}},
    {"mutex-pool,threads=65", {"threads cannot be '65'"}},
    {"mutex-pool,threads=two", {"threads cannot be 'two'"}},
    {"mutex-pool,pool=tbb,hash=fx",
     {"not compiled in", "VFSPROF_ENGINE(tbb, fx, wide, triple, global, lru_mutex)",
      "vfs/variants.def"}},
};
INSTANTIATE_TEST_SUITE_P(Variant, Refused, testing::ValuesIn(kRefusals));

TEST(Strategies, EveryNameOfAnAxisIsUniqueAndDescribed) {
  ASSERT_EQ(axes().size(), kAxisCount);
  for (const AxisInfo& axis : axes()) {
    EXPECT_FALSE(axis.summary.empty()) << axis.name;
    std::set<std::string_view> names;
    for (const ValueInfo& value : axis.values) {
      EXPECT_TRUE(names.insert(value.name).second) << axis.name << '=' << value.name;
      EXPECT_FALSE(value.summary.empty()) << axis.name << '=' << value.name;
    }
    EXPECT_FALSE(names.empty()) << axis.name;
  }
}

TEST(Strategies, EveryNamedVariantWasCompiledIn) {
  for (const NamedVariant& named : named_variants()) {
    EXPECT_NO_THROW(parse_variant(named.name)) << named.name;
  }
}

/// Every line of variants.def, whether this build has it or not.
#define VFSPROF_NAMED_ENGINE(pool, hash, key, copy, metadata, accounting) \
  {#pool, #hash, #key, #copy, #metadata, #accounting},
#define VFSPROF_ENGINE(...) VFSPROF_NAMED_ENGINE(__VA_ARGS__)
constexpr EngineCombination kListedEngines[] = {
#include "vfs/variants.def"
};
#undef VFSPROF_ENGINE
#undef VFSPROF_NAMED_ENGINE

TEST(Strategies, EveryValueIsInSomeEngine) {
  const std::size_t axis_of_place[] = {0, 1, 2, 3, 7, 8};  // of an engine combination
  for (std::size_t place = 0; place < std::size(axis_of_place); ++place) {
    std::set<std::string_view> listed;
    for (const EngineCombination& combination : kListedEngines) listed.insert(combination[place]);
    std::set<std::string_view> offered;
    for (const ValueInfo& value : axes()[axis_of_place[place]].values) offered.insert(value.name);
    EXPECT_EQ(listed, offered) << axes()[axis_of_place[place]].name;
  }
}

}  // namespace
}  // namespace vfsprof::vfs
