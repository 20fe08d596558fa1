// The reference file system on a real mount: semantics through system calls, and real programs.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <vector>

#include "harness/error.h"
#include "harness/tests/mount_fixture.h"
#include "vfs/base/unique_fd.h"
#include "vfs/fuse/unmount.h"
#include "vfs/variant.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

class MountTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
    mount_.emplace(GetParam());
  }
  void TearDown() override {
    if (!mount_) return;
    const fs::path root = mount_->root();
    mount_->target().stop();
    EXPECT_EQ(vfs::mount_point_state(root), vfs::MountPointState::kFree) << "left mounted";
  }

  fs::path path(const std::string& name) const { return mount_->root() / name; }

  std::optional<Mount> mount_;
};

void write_text(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  ASSERT_TRUE(file) << path;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_P(MountTest, ThreadsBearTheirNames) {
  write_text(path("file"), "some text");
  std::map<std::string, int> names;
  const fs::path tasks = "/proc/" + std::to_string(*mount_->target().observed_process()) + "/task";
  for (const auto& task : fs::directory_iterator(tasks)) {
    std::string name = read_text(task.path() / "comm");
    name.pop_back();
    ++names[name];
  }
  const vfs::Variant variant = vfs::parse_variant(GetParam());
  EXPECT_EQ(names["mount_vfs"], static_cast<int>(variant.options.threads));
  EXPECT_EQ(names["vfs-io-worker"], 4);
  const bool has_dispatcher = variant.executor() == "block_on" || variant.executor() == "spin";
  EXPECT_EQ(names["vfs-async-execu"], has_dispatcher ? 1 : 0);
}

TEST_P(MountTest, HolesAndTruncationReadAsZeros) {
  const UniqueFd file(::open(path("sparse").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_TRUE(file);
  ASSERT_EQ(::pwrite(file.get(), "tail", 4, 300'000), 4);
  ASSERT_EQ(::ftruncate(file.get(), 300'002), 0);
  ASSERT_EQ(::ftruncate(file.get(), 300'010), 0);
  std::string all(300'010, 'x');
  ASSERT_EQ(::pread(file.get(), all.data(), all.size(), 0), static_cast<ssize_t>(all.size()));
  std::string expected(300'010, '\0');
  expected.replace(300'000, 2, "ta");
  EXPECT_EQ(all, expected);
}

TEST_P(MountTest, AnUnlinkedFileLivesWhileItIsOpen) {
  const UniqueFd file(::open(path("gone").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_TRUE(file);
  ASSERT_EQ(::write(file.get(), "still", 5), 5);
  ASSERT_EQ(::unlink(path("gone").c_str()), 0);
  ASSERT_EQ(::pwrite(file.get(), " here", 5, 5), 5);
  struct stat stat{};
  ASSERT_EQ(::fstat(file.get(), &stat), 0);
  EXPECT_EQ(stat.st_nlink, 0u);
  char text[10];
  ASSERT_EQ(::pread(file.get(), text, 10, 0), 10);
  EXPECT_EQ(std::string(text, 10), "still here");
  EXPECT_FALSE(fs::exists(path("gone")));
}

TEST_P(MountTest, RenameReplacesAndHardLinksShare) {
  write_text(path("a"), "from a");
  write_text(path("b"), "from b");
  fs::create_hard_link(path("b"), path("c"));
  EXPECT_EQ(fs::hard_link_count(path("b")), 2u);
  fs::rename(path("a"), path("b"));
  EXPECT_EQ(read_text(path("b")), "from a");
  EXPECT_EQ(read_text(path("c")), "from b");
  EXPECT_FALSE(fs::exists(path("a")));
  fs::create_symlink("b", path("s"));
  EXPECT_EQ(read_text(path("s")), "from a");
}

TEST_P(MountTest, ErrorsAreThoseOfPosix) {
  fs::create_directory(path("full"));
  write_text(path("full/file"), "x");
  EXPECT_EQ(::rmdir(path("full").c_str()), -1);
  EXPECT_EQ(errno, ENOTEMPTY);
  EXPECT_EQ(::open(path("absent").c_str(), O_RDONLY | O_CLOEXEC), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(::mkdir(path("full").c_str(), 0755), -1);
  EXPECT_EQ(errno, EEXIST);
  EXPECT_EQ(::unlink(path("full").c_str()), -1);
  EXPECT_EQ(errno, EISDIR);
  EXPECT_EQ(::rename(path("full").c_str(), path("full/inside").c_str()), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(::open(path(std::string(256, 'n')).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644), -1);
  EXPECT_EQ(errno, ENAMETOOLONG);
}

TEST_P(MountTest, AppendersDoNotOverwriteEachOther) {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const UniqueFd file(
          ::open(path("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
      ASSERT_TRUE(file);
      const std::string line(15, static_cast<char>('a' + t));
      for (int i = 0; i < kLines; ++i)
        ASSERT_EQ(::write(file.get(), (line + "\n").c_str(), 16), 16);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::map<std::string, int> lines;
  std::ifstream log(path("log"));
  for (std::string line; std::getline(log, line);) ++lines[line];
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(kThreads));
  for (const auto& [line, count] : lines) EXPECT_EQ(count, kLines) << line;
}

TEST_P(MountTest, SharedMappingsReachTheFile) {
  if (vfs::parse_variant(GetParam()).options.direct_io) {
    GTEST_SKIP() << "direct_io=on offers no shared mappings";
  }
  const UniqueFd file(::open(path("mapped").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(::ftruncate(file.get(), 8192), 0);
  void* const memory = ::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  static_cast<char*>(memory)[5000] = 'm';
  ASSERT_EQ(::msync(memory, 8192, MS_SYNC), 0);
  ::munmap(memory, 8192);
  EXPECT_EQ(read_text(path("mapped"))[5000], 'm');
}

TEST_P(MountTest, ALargeDirectoryListsEveryNameOnce) {
  constexpr int kFiles = 1000;
  fs::create_directory(path("many"));
  for (int i = 0; i < kFiles; ++i) write_text(path("many/" + std::to_string(i)), "");
  std::map<std::string, int> seen;
  for (const auto& entry : fs::directory_iterator(path("many"))) ++seen[entry.path().filename()];
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kFiles));
  EXPECT_EQ(fs::remove_all(path("many")), static_cast<std::uintmax_t>(kFiles + 1));
}

TEST_P(MountTest, StatfsReportsTheDiskBehindTheCache) {
  struct statvfs mounted{};
  ASSERT_EQ(::statvfs(mount_->root().c_str(), &mounted), 0);
  struct statvfs disk{};
  ASSERT_EQ(::statvfs(mount_->root().parent_path().c_str(), &disk), 0);
  EXPECT_EQ(mounted.f_blocks * mounted.f_frsize / 4096, disk.f_blocks * disk.f_frsize / 4096);
  EXPECT_GT(mounted.f_bfree, 0U);
  EXPECT_LE(mounted.f_bfree, mounted.f_blocks);
  EXPECT_EQ(mounted.f_namemax, 255U);
}

TEST_P(MountTest, CopiesTreesAndUnpacksArchives) {
  EXPECT_TRUE(
      mount_->shell("mkdir tree && for d in 1 2 3; do mkdir -p tree/$d/x && head -c 70000 "
                    "/dev/urandom >tree/$d/x/f$d "
                    "&& ln -s x/f$d tree/$d/link; done && cp -r tree copy && diff -r tree copy "
                    "&& tar cf a.tar tree && mkdir out && tar xf a.tar -C out && diff -r tree "
                    "out/tree && rm -rf tree copy out"));
}

TEST_P(MountTest, GitCommitsAndClones) {
  EXPECT_TRUE(mount_->shell(
      "export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org "
      "GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org && git init -q repo && cd repo "
      "&& for i in $(seq 50); do echo $i >file$i; done && git add -A && git commit -qm one "
      "&& echo more >>file1 && git commit -qam two && cd .. && git clone -q repo clone "
      "&& git -C clone fsck --full --strict && diff -r --exclude=.git repo clone"));
}

TEST_P(MountTest, SqliteKeepsItsPromises) {
  for (const std::string mode : {"delete", "wal"}) {
    // The index of a write-ahead log is a shared mapping, which direct_io=on does not offer.
    if (mode == "wal" && vfs::parse_variant(GetParam()).options.direct_io) continue;
    EXPECT_TRUE(mount_->shell(fmt::format(
        "sqlite3 {0}.db \"pragma journal_mode={0}; create table t(i integer primary key, x); "
        "with recursive c(i) as (select 1 union all select i+1 from c where i<2000) "
        "insert into t select i, randomblob(100) from c; "
        "delete from t where i%3=0; vacuum;\" && "
        "test \"$(sqlite3 {0}.db 'pragma integrity_check; select count(*) from t')\" = "
        "\"ok\n1334\"",
        mode)));
  }
}

TEST_P(MountTest, FioVerifiesWhatItWrote) {
  EXPECT_TRUE(
      mount_->shell("fio --name=verify --rw=randwrite --bs=4k --size=4m --numjobs=2 "
                    "--verify=crc32c --do_verify=1 "
                    "--verify_fatal=1 --fsync=64 --ioengine=psync --minimal"));
}

INSTANTIATE_TEST_SUITE_P(
    Variants, MountTest,
    ::testing::Values("mutex-pool", "sharded-pool", "sync-path", "default", "best,threads=4",
                      "best,max_write=4k,chunk=64k,splice=on",
                      "default,executor=local,flush=per_chunk,memory=heap",
                      "default,executor=spin,flush=uring,threads=2,clone_fd=on",
                      "best,writeback=on,threads=2,max_write=128k",
                      "sync-path,direct_io=on,threads=2,max_write=128k",
                      "default,splice=on,clone_fd=on,writeback=on,max_write=128k"),
    [](const auto& tested) {
      std::string name = tested.param;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      return name;
    });

TEST(MountEnd, AKilledDaemonLeavesNothingMounted) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  fs::path root;
  {
    Mount mount("sync-path");
    root = mount.root();
    write_text(root / "file", "text");
    ::kill(*mount.target().observed_process(), SIGKILL);
    EXPECT_THROW(mount.target().stop(), EnvironmentError);
  }
  EXPECT_EQ(vfs::mount_point_state(root), vfs::MountPointState::kMissing);
}

TEST(MountEnd, AnOpenFileDoesNotKeepTheDaemonAlive) {
  if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
  Mount mount("mutex-pool");
  const UniqueFd file(::open((mount.root() / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_TRUE(file);
  EXPECT_NO_THROW(mount.target().stop());
  EXPECT_EQ(vfs::mount_point_state(mount.root()), vfs::MountPointState::kFree);
}

}  // namespace
}  // namespace vfsprof::harness
