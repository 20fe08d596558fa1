#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/floors/floors.h"
#include "harness/floors/mounts.h"
#include "harness/floors/null_handler.h"
#include "harness/floors/repeat.h"

namespace vfsprof::harness {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Repeats, EachCallDoesAsManyAndValuesArePerTime) {
  std::vector<std::uint64_t> calls;
  std::uint64_t done = 0;
  const auto values =
      time_repeats({.count = 7, .each = std::chrono::microseconds(200)}, [&](std::uint64_t times) {
        calls.push_back(times);
        const auto end = std::chrono::steady_clock::now() + times * std::chrono::microseconds(10);
        while (std::chrono::steady_clock::now() < end) ++done;
      });
  EXPECT_EQ(values.size(), 7u);
  // The search doubles, then every repeat does the same number of times.
  EXPECT_EQ(std::count(calls.end() - 7, calls.end(), calls.back()), 7);
  EXPECT_GE(calls.back(), 8u);
  for (const double ns : values) EXPECT_GE(ns, 10'000);
}

TEST(Repeats, RatesAreBytesPerNanosecond) {
  EXPECT_THAT(to_gigabytes_per_second({1.0, 4.0}, 8), ElementsAre(8.0, 2.0));
}

TEST(Mounts, TheLongestMountPointAboveAPathDecides) {
  constexpr std::string_view kMountInfo =
      "21 1 254:0 / / rw - ext4 /dev/vda rw\n"
      "22 21 0:5 / /data rw shared:3 master:1 - tmpfs tmpfs rw\n"
      "23 22 0:6 / /data/deep rw - xfs /dev/vdb rw\n"
      "damaged line\n"
      "24 21 0:7 / /data/deep rw - btrfs /dev/vdc rw\n";
  EXPECT_EQ(filesystem_of(kMountInfo, "/dat"), "ext4");
  EXPECT_EQ(filesystem_of(kMountInfo, "/data/x"), "tmpfs");
  EXPECT_EQ(filesystem_of(kMountInfo, "/data/deeper"), "tmpfs");
  EXPECT_EQ(filesystem_of(kMountInfo, "/data/deep/x/y"), "btrfs");
  EXPECT_EQ(filesystem_of("", "/data"), "unknown");
}

TEST(NullHandlers, TakeTheMountOptionsAndShareThem) {
  const std::vector<vfs::Variant> variants{vfs::parse_variant("mutex-pool"),
                                           vfs::parse_variant("sync-path,max_write=128k,threads=3"),
                                           vfs::parse_variant("sharded-pool")};
  const NullHandlers handlers = null_handlers(variants);
  EXPECT_EQ(handlers.absent, "");
  ASSERT_EQ(handlers.variants.size(), 2u);
  EXPECT_THAT(handlers.of, ElementsAre(0u, 1u, 0u));
  EXPECT_EQ(handlers.variants[0].options.max_write, 4u << 10);
  EXPECT_EQ(handlers.variants[1].options.max_write, 128u << 10);
  EXPECT_EQ(handlers.variants[1].options.threads, 3u);
}

class MachineFloors : public ::testing::TestWithParam<Placement> {};

TEST_P(MachineFloors, HaveAValueOrAReason) {
  std::vector<std::string> told;
  const auto floors = measure_floors(
      {.placement = GetParam(), .directory = std::filesystem::temp_directory_path(), .quick = true},
      [&](std::string_view title) { told.emplace_back(title); });
  ASSERT_GE(floors.size(), 5u);
  EXPECT_EQ(told.size(), floors.size());
  for (const reports::MachineFloor& floor : floors) {
    EXPECT_EQ(floor.values.empty(), !floor.unavailable.empty()) << floor.name;
    EXPECT_EQ(floor.values.empty(), floor.conditions.empty()) << floor.name;
    for (const double value : floor.values) EXPECT_GT(value, 0) << floor.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Placements, MachineFloors,
                         ::testing::Values(Placement::kPacked, Placement::kSplit,
                                           Placement::kFree));

TEST(MachineFloorsOfMemory, HugePagesAndFirstTouchAreToldApart) {
  const FloorOptions options{.directory = "/"};
  for (const auto measure :
       {measure_first_touch_fresh, measure_first_touch_recycled, measure_first_touch_huge}) {
    const FloorReading reading = measure(options);
    EXPECT_NE(reading.values.empty(), reading.unavailable.empty());
  }
}

TEST(MachineFloorsOfDisks, SayWhichFileSystemAndWhyNot) {
  const FloorReading here =
      measure_disk_write({.directory = std::filesystem::temp_directory_path()});
  EXPECT_THAT(here.conditions + here.unavailable,
              HasSubstr(std::filesystem::temp_directory_path().string()));
  const FloorReading proc = measure_disk_write({.directory = "/proc"});
  EXPECT_TRUE(proc.values.empty());
  EXPECT_THAT(proc.unavailable, HasSubstr("/proc (proc)"));
  EXPECT_THAT(proc.unavailable, HasSubstr("--work-dir"));
}

}  // namespace
}  // namespace vfsprof::harness
