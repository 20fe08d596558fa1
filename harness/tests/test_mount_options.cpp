// Each mount option is in effect on a real mount, or refused; and the variant that only replies.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "harness/collect/counters.h"
#include "harness/process.h"
#include "harness/tests/mount_fixture.h"
#include "reports/model/run_result.h"
#include "vfs/base/unique_fd.h"
#include "vfs/fuse/unmount.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// By how much the daemon's counters rose from here on.
class CounterRise {
 public:
  explicit CounterRise(Mount& mount) : collector_(make_counters_collector({})) {
    collector_->attach({*mount.target().observed_process(), mount.target().counter_page()});
    collector_->start();
  }
  /// By name, all of one instant.
  std::map<std::string, std::uint64_t> read() {
    collector_->stop();
    reports::Round round;
    collector_->collect(round);
    std::map<std::string, std::uint64_t> rise;
    for (const reports::CounterValue& counter : round.counters) rise[counter.name] = counter.value;
    return rise;
  }
  std::uint64_t of(const std::string& name) { return read().at(name); }

 private:
  std::unique_ptr<Collector> collector_;
};

class MountOptions : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

UniqueFd open_file(Mount& mount, const char* name, int flags = O_RDWR | O_CREAT) {
  UniqueFd file(::open((mount.root() / name).c_str(), flags | O_CLOEXEC, 0644));
  EXPECT_TRUE(file) << name;
  return file;
}

void write_block(const UniqueFd& file, std::size_t size, off_t offset) {
  const std::vector<char> data(size, 'd');
  ASSERT_EQ(::pwrite(file.get(), data.data(), size, offset), static_cast<ssize_t>(size));
}

constexpr int kCalls = 100;

/// Requests that the daemon gets while one page is read many times over.
std::uint64_t requests_of_repeated_reads(const std::string& variant) {
  Mount mount(variant);
  const UniqueFd file = open_file(mount, "file");
  write_block(file, 4096, 0);
  CounterRise rise(mount);
  char page[4096];
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(::pread(file.get(), page, 4096, 0), 4096);
  return rise.of("fuse_requests");
}

TEST_F(MountOptions, DirectIoReadsFromTheDaemonEachTime) {
  EXPECT_GE(requests_of_repeated_reads("sync-path,direct_io=on"), kCalls);
  EXPECT_LT(requests_of_repeated_reads("sync-path"), kCalls / 2);
}

TEST_F(MountOptions, DirectIoOffersPrivateButNoSharedMappings) {
  Mount mount("sync-path,direct_io=on");
  const UniqueFd file = open_file(mount, "file");
  write_block(file, 4096, 0);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0), MAP_FAILED);
  EXPECT_EQ(errno, ENODEV);
  void* const memory = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  EXPECT_EQ(static_cast<const char*>(memory)[4095], 'd');
  ::munmap(memory, 4096);
}

/// Write requests that the daemon gets for many small writes one after the other.
std::uint64_t requests_of_small_writes(const std::string& variant) {
  Mount mount(variant);
  const UniqueFd file = open_file(mount, "file", O_WRONLY | O_CREAT);
  CounterRise rise(mount);
  // Of a size that divides a page, as a write across two pages is two requests.
  for (int i = 0; i < kCalls; ++i) write_block(file, 64, i * 64);
  EXPECT_EQ(::fsync(file.get()), 0);
  EXPECT_EQ(fs::file_size(mount.root() / "file"), kCalls * 64u);
  EXPECT_GE(rise.of("bytes_written"), kCalls * 64u);
  return rise.of("fuse_writes");
}

TEST_F(MountOptions, WritebackCollectsSmallWrites) {
  EXPECT_LT(requests_of_small_writes("sync-path,writeback=on"), kCalls / 2);
  EXPECT_EQ(requests_of_small_writes("sync-path"), kCalls);
}

TEST_F(MountOptions, WritebackChangesPartOfAPageThroughAWriteOnlyDescriptor) {
  Mount mount("sync-path,writeback=on");
  write_block(open_file(mount, "file"), 3 * 4096, 0);
  {
    // The kernel forgets its pages, so it has to read the one that the write changes a part of.
    const UniqueFd write_only = open_file(mount, "file", O_WRONLY);
    ASSERT_EQ(::fsync(write_only.get()), 0);
    ASSERT_EQ(::posix_fadvise(write_only.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
    CounterRise rise(mount);
    ASSERT_EQ(::pwrite(write_only.get(), "new", 3, 5000), 3);
    EXPECT_GE(rise.of("fuse_requests"), 1u) << "the kernel had no need to read the page";
  }
  std::string expected(3 * 4096, 'd');
  expected.replace(5000, 3, "new");
  std::string content(expected.size(), ' ');
  const UniqueFd file = open_file(mount, "file", O_RDONLY);
  ASSERT_EQ(::pread(file.get(), content.data(), content.size(), 0),
            static_cast<ssize_t>(content.size()));
  EXPECT_EQ(content, expected);
}

/// Descriptors of a process to /dev/fuse.
std::ptrdiff_t fuse_descriptors(pid_t process) {
  const fs::directory_iterator descriptors("/proc/" + std::to_string(process) + "/fd");
  return std::count_if(begin(descriptors), end(descriptors), [](const fs::directory_entry& each) {
    std::error_code gone;
    return fs::read_symlink(each.path(), gone) == "/dev/fuse";
  });
}

TEST_F(MountOptions, CloneFdGivesEachSessionThreadADescriptor) {
  Mount cloned("sync-path,clone_fd=on,threads=3");
  EXPECT_EQ(fuse_descriptors(*cloned.target().observed_process()), 1 + 3);
  Mount shared("sync-path,threads=3");
  EXPECT_EQ(fuse_descriptors(*shared.target().observed_process()), 1);
}

TEST_F(MountOptions, SpliceBringsEveryRequest) {
  for (const std::string variant : {"sync-path,splice=on", "sync-path,splice=on,max_write=128k",
                                    "sync-path,splice=on,clone_fd=on,threads=2"}) {
    Mount mount(variant);
    const UniqueFd file = open_file(mount, "file");
    CounterRise rise(mount);
    write_block(file, 300'001, 3);
    const auto counters = rise.read();
    EXPECT_EQ(counters.at("spliced_requests"), counters.at("fuse_requests")) << variant;
    EXPECT_GE(counters.at("fuse_writes"), 3u) << variant;
    EXPECT_EQ(counters.at("bytes_written"), 300'001u) << variant;
  }
  Mount mount("sync-path");
  CounterRise rise(mount);
  write_block(open_file(mount, "file"), 4096, 0);
  EXPECT_GT(rise.of("fuse_requests"), 0u);
  EXPECT_EQ(rise.of("spliced_requests"), 0u);
}

/// Starts a daemon that is to refuse its options; checks how it does, and returns what it said.
std::string refusal_of(const std::string& variant, const std::string& environment) {
  const WorkDirectory work(fs::temp_directory_path());
  const fs::path mount_point = work.path() / "mnt";
  const fs::path log = work.path() / "log";
  fs::create_directory(mount_point);
  const std::string line = environment + " timeout 60 '" + program_directory().string() +
                           "/vfsprof-mount' '" + mount_point.string() + "' --variant '" + variant +
                           "' 2>'" + log.string() + "'";
  const int status = std::system(line.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
  EXPECT_EQ(WEXITSTATUS(status), 3) << variant;
  EXPECT_EQ(vfs::mount_point_state(mount_point), vfs::MountPointState::kFree) << "left mounted";
  std::ifstream text(log);
  return {std::istreambuf_iterator<char>(text), {}};
}

TEST_F(MountOptions, SpliceIsRefusedWhereNoPipeIsLargeEnough) {
  std::uint64_t limit = 0;
  std::ifstream("/proc/sys/fs/pipe-max-size") >> limit;
  if (limit > (1u << 20)) GTEST_SKIP() << "fs.pipe-max-size is " << limit << ": any pipe will do";
  // Who has CAP_SYS_RESOURCE is above the limit.
  const std::string without =
      ::geteuid() == 0 ? "setpriv --bounding-set -sys_resource --inh-caps -sys_resource" : "";
  EXPECT_THAT(refusal_of("null,splice=on,max_write=1m", without),
              AllOf(HasSubstr("splice=on"), HasSubstr("max_write"), HasSubstr("sysctl")));
}

TEST_F(MountOptions, WritebackIsRefusedWhereTheKernelDoesNotOfferIt) {
#ifdef VFSPROF_KERNEL_WITHOUT_WRITEBACK
  const std::string preload = "LD_PRELOAD='" VFSPROF_KERNEL_WITHOUT_WRITEBACK "'";
  EXPECT_THAT(refusal_of("null,writeback=on,threads=2", preload), HasSubstr("writeback=on"));
  EXPECT_THAT(refusal_of("null,writeback=on,clone_fd=on,threads=2", preload),
              HasSubstr("writeback=on"));
#else
  GTEST_SKIP() << "a library cannot be preloaded before that of a sanitizer";
#endif
}

TEST_F(MountOptions, NullKeepsNamesAndNoContents) {
  Mount mount("null,threads=2");
  CounterRise rise(mount);
  write_block(open_file(mount, "file"), 70'000, 0);
  EXPECT_TRUE(
      mount.shell("mkdir d && mv file d/other && ln -s other d/link && test -L d/link && "
                  "test -f d/other && chmod 600 d/other && ! test -e file && "
                  "rm d/other d/link && rmdir d && test -z \"$(ls)\""));
  EXPECT_EQ(rise.of("bytes_written"), 70'000u);
  for (const char* const work : {"bytes_copied", "bytes_hashed", "hand_offs", "thread_wakes",
                                 "pool_inserts", "flushes", "cache_syncs"}) {
    EXPECT_EQ(rise.of(work), 0u) << work;
  }
  EXPECT_TRUE(fs::is_empty(mount.cache_directory()));
}

}  // namespace
}  // namespace vfsprof::harness
