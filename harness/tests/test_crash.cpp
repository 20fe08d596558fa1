// kill -9 of the daemon in the midst of writes, cuts, renames and fsyncs, again and again on one
// cache directory: what is found afterwards is what vfs/durability/README.md promises.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "harness/process.h"
#include "harness/run/work_directory.h"
#include "harness/tests/mount_fixture.h"
#include "vfs/fuse/unmount.h"

namespace vfsprof::harness {
namespace {

namespace fs = std::filesystem;

/// How a durable file may look that was changed since its last fsync.
enum class Change {
  kWhole,    ///< as after the fsync or after one of the changes
  kInPlace,  ///< any part of any change may be there
};

/// What is known of a file that was fsynced at least once.
struct KnownFile {
  std::vector<std::string> names;     ///< it has one of these
  std::vector<std::string> contents;  ///< as it was synced, then after each change, also unanswered
};

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Whether each byte is one of those that some content has there, or a zero where some content
/// ends.
bool is_mixture(const std::string& found, const std::vector<std::string>& contents) {
  const auto [shortest, longest] = std::ranges::minmax(contents, {}, &std::string::size);
  if (found.size() < shortest.size() || found.size() > longest.size()) return false;
  for (std::size_t at = 0; at < found.size(); ++at) {
    const bool known = std::ranges::any_of(contents, [&](const std::string& content) {
      return found[at] == (at < content.size() ? content[at] : '\0');
    });
    if (!known) return false;
  }
  return true;
}

/// Changes files on a mount until the daemon is gone, and knows what must be left of them.
class Client {
 public:
  Client(fs::path root, unsigned seed) : root_(std::move(root)), random_(seed) {}

  /// Makes the files, all durable.
  void make_files() {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      files_[i] = {.names = {"file" + std::to_string(i)}, .contents = {random_bytes(60'000)}};
      const UniqueFd file(
          ::open(path(files_[i].names[0]).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
      ASSERT_TRUE(write_at(file.get(), 0, files_[i].contents[0]) && ::fsync(file.get()) == 0);
    }
  }

  /// Until an operation fails, as they do once the daemon is gone.
  void run() {
    while (change(files_[random_() % files_.size()])) ++done_;
    ended_ = true;
  }
  /// Returns once so many operations more have succeeded; false if one failed before.
  bool wait_for(int operations) {
    const int all = done_ + operations;
    while (done_ < all && !ended_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return done_ >= all;
  }

  /// Compares what is there with what is known, and goes on from that.
  void check(Change how) {
    for (KnownFile& file : files_) {
      std::vector<std::string> there = file.names;
      std::erase_if(there, [this](const std::string& name) { return !fs::exists(path(name)); });
      ASSERT_EQ(there.size(), 1U) << file.names.front() << " has no name or two";
      const std::string found = read_all(path(there.front()));
      const bool known = how == Change::kWhole
                             ? std::ranges::find(file.contents, found) != file.contents.end()
                             : is_mixture(found, file.contents);
      EXPECT_TRUE(known) << there.front() << ": " << found.size() << " bytes, synced were "
                         << file.contents.front().size() << ", changes since "
                         << file.contents.size() - 1;
      file = {.names = there, .contents = {found}};
    }
    for (const std::string& name : removed_) EXPECT_FALSE(fs::exists(path(name))) << name;
    ended_ = false;
  }

 private:
  fs::path path(const std::string& name) const { return root_ / name; }

  std::string random_bytes(std::size_t most) {
    std::string bytes(1 + random_() % most, '\0');
    for (char& byte : bytes) byte = static_cast<char>(1 + random_() % 255);
    return bytes;
  }
  static bool write_at(int fd, std::size_t offset, const std::string& bytes) {
    return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
           static_cast<ssize_t>(bytes.size());
  }

  /// One operation; false if it failed.
  bool change(KnownFile& file) {
    switch (random_() % 8) {
      case 0:
        return rename(file);
      case 1:
        return remove_another();
      case 2:
      case 3:
        return sync(file);
      case 4:
        return cut(file);
      default:
        return write(file);
    }
  }

  // What may have happened is known before it is asked for.

  bool write(KnownFile& file) {
    const std::string bytes = random_bytes(20'000);
    std::string content = file.contents.back();
    const std::size_t offset = random_() % (content.size() + 5'000);
    content.resize(std::max(content.size(), offset + bytes.size()), '\0');
    content.replace(offset, bytes.size(), bytes);
    file.contents.push_back(content);
    const UniqueFd fd(::open(path(file.names[0]).c_str(), O_WRONLY | O_CLOEXEC));
    return fd && write_at(fd.get(), offset, bytes);
  }

  bool cut(KnownFile& file) {
    std::string content = file.contents.back();
    content.resize(random_() % 80'000, '\0');
    file.contents.push_back(content);
    return ::truncate(path(file.names[0]).c_str(), static_cast<off_t>(content.size())) == 0;
  }

  bool sync(KnownFile& file) {
    const UniqueFd fd(::open(path(file.names[0]).c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return false;
    file.contents.erase(file.contents.begin(), file.contents.end() - 1);
    return true;
  }

  bool rename(KnownFile& file) {
    file.names.push_back(file.names[0].substr(0, 5) + "-" + std::to_string(++named_));
    if (::rename(path(file.names[0]).c_str(), path(file.names[1]).c_str()) != 0) return false;
    file.names.erase(file.names.begin());
    return true;
  }

  bool remove_another() {
    const std::string name = "gone-" + std::to_string(++named_);
    const UniqueFd fd(::open(path(name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    if (!fd || !write_at(fd.get(), 0, "x") || ::fsync(fd.get()) != 0) return false;
    if (::unlink(path(name).c_str()) != 0) return false;
    removed_.push_back(name);
    return true;
  }

  const fs::path root_;
  std::mt19937 random_;
  std::array<KnownFile, 4> files_;
  std::vector<std::string> removed_;
  int named_ = 0;
  std::atomic<int> done_ = 0;
  std::atomic<bool> ended_ = false;
};

struct Case {
  const char* name;
  const char* variant;
  Change change;
};

class Crash : public ::testing::TestWithParam<Case> {
 protected:
  Crash() : work_(fs::temp_directory_path()) {}
  void SetUp() override {
    if (const std::string reason = reason_not_to_mount(); !reason.empty()) GTEST_SKIP() << reason;
    fs::create_directory(root());
    fs::create_directory(work_.path() / "cache");
  }
  void TearDown() override {
    if (daemon_) kill_daemon();
  }
  fs::path root() const { return work_.path() / "mnt"; }

  void start() {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd ready(ends[0]);
    UniqueFd theirs(ends[1]);
    daemon_.emplace(ChildOptions{
        .command = {(program_directory() / "vfsprof-mount").string(), root().string(), "--variant",
                    GetParam().variant, "--cache-dir", (work_.path() / "cache").string(),
                    "--memory-budget", "64MB", "--ready-fd", "5"},
        .fds = {{theirs.get(), 5}},
        .before_exec = {}});
    theirs.reset();
    char byte = 0;
    ASSERT_EQ(::read(ready.get(), &byte, 1), 1) << "the daemon did not start";
  }
  void kill_daemon() {
    ::kill(daemon_->pid(), SIGKILL);
    daemon_.reset();
    vfs::unmount(root());
  }

  WorkDirectory work_;
  std::optional<ChildProcess> daemon_;
};

TEST_P(Crash, LeavesWhatWasPromised) {
  constexpr int kCrashes = 6;
  start();
  Client client(root(), 7);
  client.make_files();
  for (int crash = 0; crash < kCrashes && !HasFailure(); ++crash) {
    std::jthread load([&] { client.run(); });
    EXPECT_TRUE(client.wait_for(2 + 2 * crash)) << "an operation failed";
    kill_daemon();
    load.join();
    start();
    client.check(GetParam().change);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Variants, Crash,
    ::testing::Values(Case{"whole_file", "mutex-pool,chunk=16k", Change::kWhole},
                      Case{"batched", "default,chunk=16k", Change::kInPlace},
                      Case{"per_chunk", "best,chunk=16k,flush=per_chunk", Change::kInPlace},
                      Case{"uring", "default,chunk=16k,flush=uring,executor=spin",
                           Change::kInPlace}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace vfsprof::harness
