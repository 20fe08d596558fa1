#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <random>

#include "vfs/tests/durable_fixture.h"

namespace vfsprof::vfs {
namespace {

namespace fs = std::filesystem;

/// What is known of a name after a kill: the state that was acknowledged, and the one that was
/// being made.
struct NameState {
  std::optional<std::string> sure;
  std::optional<std::string> maybe;
  bool under_way = false;
};

/// What the child tells before and after each change, small enough for one atomic write to the
/// pipe.
struct Report {
  unsigned name = 0;
  unsigned version = 0;  ///< 0: no file
  bool done = false;
};

constexpr unsigned kNames = 4;

std::string name_of(unsigned index) { return fmt::format("name{}", index); }
/// Long enough for several pages, so that a torn one would show.
std::string text_of(unsigned version) {
  std::string text;
  while (text.size() < 10000) text += fmt::format("version {} ", version);
  return text;
}
std::optional<std::string> state_of(unsigned version) {
  return version == 0 ? std::nullopt : std::optional(text_of(version));
}

/// Changes names in every way that promises something, until it is killed.
[[noreturn]] void change_files(const fs::path& directory, unsigned seed, int pipe) {
  TestMount mount(directory);
  std::mt19937 random(seed);
  const InodeId folder = mount.find("folder");
  for (unsigned step = 1; true; ++step) {
    Report report{static_cast<unsigned>(random() % kNames), seed * 100000 + step, false};
    const std::string name = name_of(report.name);
    const std::string text = text_of(report.version);
    const InodeId there = mount.find("folder/" + name);
    const unsigned kind = random() % 4;
    if (kind == 0) report.version = 0;
    if (::write(pipe, &report, sizeof report) != sizeof report) ::_exit(1);
    if (kind == 0) {
      if (there != InodeId{}) (void)mount.tree.unlink({folder, name});
    } else if (kind == 1 && there != InodeId{}) {
      mount.contents.write(there, text);
      if (mount.fsync(there) != 0) ::_exit(1);
    } else {
      const std::string temporary = fmt::format("temporary{}", report.version);
      const InodeId made = mount.make({folder, temporary});
      mount.contents.write(made, text);
      // Without fsync only if it replaces a durable file.
      if ((kind == 2 || there == InodeId{}) && mount.fsync(made) != 0) ::_exit(1);
      if (mount.rename({folder, temporary}, {folder, name}) != 0) ::_exit(1);
    }
    report.done = true;
    if (::write(pipe, &report, sizeof report) != sizeof report) ::_exit(1);
  }
}

/// Runs a child until it has sent `reports` reports, kills it, and returns all that it sent.
std::vector<Report> run_and_kill(const fs::path& directory, unsigned seed, unsigned reports,
                                 unsigned spins) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    change_files(directory, seed, pipe[1]);
  }
  ::close(pipe[1]);
  std::vector<Report> received;
  Report report;
  while (::read(pipe[0], &report, sizeof report) == sizeof report) {
    received.push_back(report);
    if (received.size() != reports) continue;
    // A little later, so that the kill falls anywhere within a change.
    for (std::atomic<unsigned> spin = 0; spin < spins;) ++spin;
    EXPECT_EQ(::kill(child, SIGKILL), 0);
  }
  ::close(pipe[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "child failed by itself";
  return received;
}

TEST(Recovery, EveryNameIsOldOrNewAfterKillAtRandomPoints) {
  constexpr unsigned kSeed = 7;
  constexpr unsigned kRounds = 40;
  std::mt19937 random(kSeed);
  const TemporaryDirectory directory;
  {
    TestMount mount(directory.path());
    ASSERT_EQ(mount.fsync(mount.make("folder", S_IFDIR | 0755)), 0);
  }
  std::array<NameState, kNames> states;
  for (unsigned round = 1; round <= kRounds; ++round) {
    const auto reports = static_cast<unsigned>(1 + random() % 30);
    const auto spins = static_cast<unsigned>(random() % 300000);
    for (const Report& report : run_and_kill(directory.path(), round, reports, spins)) {
      NameState& state = states[report.name];
      state.under_way = !report.done;
      (report.done ? state.sure : state.maybe) = state_of(report.version);
    }
    TestMount mount(directory.path());
    EXPECT_TRUE(mount.recovery.faults.empty()) << mount.recovery.faults.front();
    std::size_t files = 0;
    for (unsigned i = 0; i < kNames; ++i) {
      const auto content = mount.content("folder/" + name_of(i));
      const bool right =
          content == states[i].sure || (states[i].under_way && content == states[i].maybe);
      ASSERT_TRUE(right) << name_of(i) << " in round " << round << ", seed " << kSeed << " is "
                         << content.value_or("missing").substr(0, 30);
      states[i] = {content, {}, false};
      files += content ? 1U : 0U;
    }
    // A temporary that was synced, but not renamed yet, is a file like any other: the application's
    // to clean up.
    ASSERT_TRUE(mount.tree.names().read_directory(
        mount.find("folder"), 2, [&](const DirectoryEntry& entry) {
          files += entry.name.starts_with("temporary") ? 1U : 0U;
          return true;
        }));
    EXPECT_EQ(mount.recovery.files.size(), files);
    EXPECT_EQ(files_in(directory, "data"), files);
    EXPECT_EQ(files_in(directory, "tmp"), 0U);
  }
}

TEST(Recovery, DamagedRecordsAreReportedAndSkippedAndTheirDataKept) {
  const TemporaryDirectory directory;
  std::array<InodeId, 3> inodes{};
  const auto record = [&](InodeId inode) {
    return directory.path() / "records" / fmt::format("{:016x}", inode.value);
  };
  {
    TestMount mount(directory.path());
    for (std::size_t i = 0; i < inodes.size(); ++i) {
      const std::string name = name_of(static_cast<unsigned>(i));
      inodes[i] = mount.save_durably({kRootInode, name}, name);
    }
  }
  fs::resize_file(record(inodes[0]), 40);
  fs::copy_file(record(inodes[2]), record(inodes[1]), fs::copy_options::overwrite_existing);
  std::ofstream(directory.path() / "records" / "notes.txt") << "mine";
  std::ofstream(directory.path() / "tmp" / "0000000000000002.7") << "half written";
  const std::string orphan = fmt::format("{:016x}", 900);
  std::ofstream(directory.path() / "data" / orphan) << "no record";

  TestMount mount(directory.path());
  EXPECT_EQ(mount.recovery.faults.size(), 3U);
  EXPECT_EQ(mount.content(name_of(2)), name_of(2));
  EXPECT_EQ(mount.find(name_of(0)), InodeId{});
  EXPECT_EQ(mount.find(name_of(1)), InodeId{});
  EXPECT_EQ(read_cached(mount.cache, inodes[0]), name_of(0));
  EXPECT_TRUE(fs::exists(directory.path() / "records" / "notes.txt"));
  EXPECT_EQ(files_in(directory, "tmp"), 0U);
  EXPECT_FALSE(fs::exists(directory.path() / "data" / orphan));
  EXPECT_GT(mount.make("new").value, 900U);
}

TEST(Recovery, ALostDirectoryRecordPutsItsFilesIntoLostAndFoundForGood) {
  const TemporaryDirectory directory;
  InodeId file;
  InodeId folder;
  {
    TestMount mount(directory.path());
    folder = mount.make("folder", S_IFDIR | 0755);
    file = mount.save_durably({folder, "file"}, "text");
  }
  fs::remove(directory.path() / "records" / fmt::format("{:016x}", folder.value));
  const std::string path = fmt::format("lost+found/#{}", file.value);
  {
    TestMount mount(directory.path());
    EXPECT_FALSE(mount.recovery.faults.empty());
    EXPECT_EQ(mount.content(path), "text");
    EXPECT_EQ(mount.fsync(kRootInode), 0);
  }
  TestMount mount(directory.path());
  EXPECT_TRUE(mount.recovery.faults.empty()) << mount.recovery.faults.front();
  EXPECT_EQ(mount.content(path), "text");
}

InodeRecord record_of(std::uint64_t inode, mode_t mode, std::uint64_t sequence,
                      std::vector<InodeName> names) {
  InodeRecord record;
  record.attributes.inode = InodeId{inode};
  record.attributes.mode = mode;
  record.name_sequence = sequence;
  record.names = std::move(names);
  return record;
}

TEST(Recovery, ContradictingRecordsGiveATreeAllTheSame) {
  Namespace names({}, [](InodeId) {});
  const mode_t folder = S_IFDIR | 0755;
  const mode_t file = S_IFREG | 0644;
  const RestoreReport report = names.restore({
      record_of(10, file, 1, {{kRootInode, "taken"}}),
      record_of(11, file, 2, {{kRootInode, "taken"}}),    // later: has the name
      record_of(20, folder, 3, {{InodeId{21}, "loop"}}),  // a loop of two
      record_of(21, folder, 4, {{InodeId{20}, "loop"}}),
      record_of(30, folder, 5, {{InodeId{30}, "self"}}),
      record_of(40, file, 6, {{InodeId{11}, "below a file"}}),
      record_of(50, file, 7, {{kRootInode, "one"}, {InodeId{99}, "gone"}}),  // one of two names
      record_of(60, 0, 8, {{kRootInode, "no type"}}),
      record_of(61, file, 9, {{kRootInode, "a/b"}}),
      record_of(62, folder, 10, {{kRootInode, "x"}, {kRootInode, "y"}}),
      record_of(63, file, 11, {}),
      record_of(0, file, 12, {{kRootInode, "zero"}}),
      record_of(50, file, 2, {{kRootInode, "again"}}),
  });
  const auto find = [&](EntryName entry) {
    const auto found = names.lookup(entry);
    return found ? found->inode.value : 0;
  };
  EXPECT_EQ(find({kRootInode, "taken"}), 11U);
  EXPECT_EQ(find({kRootInode, "one"}), 50U);
  const InodeId lost{find({kRootInode, "lost+found"})};
  EXPECT_EQ(find({lost, "#10"}), 10U);
  EXPECT_EQ(find({lost, "#20"}), 20U);
  EXPECT_EQ(find({InodeId{20}, "loop"}), 21U);
  EXPECT_EQ(find({lost, "#30"}), 30U);
  EXPECT_EQ(find({lost, "#40"}), 40U);
  EXPECT_EQ(report.lost.size(), 4U);
  for (const std::uint64_t dropped : {60U, 61U, 62U, 63U}) {
    EXPECT_EQ(error_of(names.attributes(InodeId{dropped})), ESTALE) << dropped;
  }
  // root, lost+found, 10, 11, 20, 21, 30, 40, 50
  EXPECT_EQ(names.inode_count(), 9U);
  EXPECT_EQ(names.attributes(lost)->links, 4U);
}

TEST(Recovery, FilesOfTheStoreComeBackUnderTheirNewNames) {
  const TemporaryDirectory directory;
  {
    DiskCache cache(directory.path());
    TestContents contents(cache);
    MemoryStore store;
    DurableTree tree(cache, contents);
    ASSERT_TRUE(store.put("a/one", bytes_of("first")));
    ASSERT_TRUE(store.put("a/two", bytes_of("second")));
    const auto recovery = tree.recover(store);
    ASSERT_EQ(recovery->files.size(), 2U);
    EXPECT_EQ(recovery->files[1].size, 6U);
    EXPECT_FALSE(recovery->files[1].cached);
    const InodeId folder = tree.names().lookup({kRootInode, "a"})->inode;
    ASSERT_TRUE(tree.rename({folder, "two"}, {kRootInode, "moved"}, {}));
    contents.write(recovery->files[0].inode, "changed here");
    ASSERT_TRUE(contents.write_back(recovery->files[0].inode));
    ASSERT_TRUE(tree.save_all());
  }
  DiskCache cache(directory.path());
  TestContents contents(cache);
  MemoryStore store;
  DurableTree tree(cache, contents);
  ASSERT_TRUE(store.put("a/one", bytes_of("first")));
  ASSERT_TRUE(store.put("a/two", bytes_of("second")));
  ASSERT_TRUE(store.put("a/three", bytes_of("third one")));
  const auto recovery = tree.recover(store);
  std::map<std::string, std::pair<std::uint64_t, bool>> found;
  for (const auto& file : recovery->files) {
    found[tree.names().store_key(file.inode)] = {file.size, file.cached};
  }
  EXPECT_EQ(found, (decltype(found){
                       {"a/one", {12, true}}, {"a/two", {6, false}}, {"a/three", {9, false}}}));
  EXPECT_TRUE(tree.names().lookup({kRootInode, "moved"}));
  const InodeId folder = tree.names().lookup({kRootInode, "a"})->inode;
  EXPECT_FALSE(tree.names().lookup({folder, "two"}));
}

}  // namespace
}  // namespace vfsprof::vfs
