#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "vfs/tests/engine_fixture.h"

namespace vfsprof::vfs {
namespace {

using File = EngineUnderTest::File;

/// Does random operations on an engine and on plain vectors of bytes, and compares what can be
/// read.
class RandomOperations {
 public:
  RandomOperations(const WriteBackCase& tested, std::uint32_t seed)
      : fs_(tested.combination, tested.options(6 * kTestChunk)), random_(seed) {}

  void step() {
    const std::string name = std::to_string(below(5));
    switch (below(14)) {
      case 0:
        return restart();
      case 1:
        return unlink(name);
      case 2:
        return rename(name, std::to_string(below(5)));
      case 3:
        return resize(name);
      case 4:
        return sync(name);
      case 5:
        return close(name);
      case 6:
      case 7:
        return append(name);
      case 8:
      case 9:
      case 10:
        return read(name);
      default:
        return write(name, below(5 * kTestChunk));
    }
  }

  void check_all() {
    for (const auto& [name, content] : model_) {
      ASSERT_EQ(fs_.content(file(name)), content) << name;
    }
  }

 private:
  std::uint64_t below(std::uint64_t limit) {
    return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
  }

  /// Opens the file, or creates it, unless it is open.
  File file(const std::string& name) {
    const auto found = open_.find(name);
    if (found != open_.end()) return found->second;
    const bool exists = model_.contains(name);
    model_.try_emplace(name);
    return open_[name] = exists ? fs_.open(name) : fs_.create(name);
  }

  void write(const std::string& name, std::uint64_t offset) {
    const Bytes bytes =
        filled(1 + below(2 * kTestChunk), static_cast<std::uint8_t>(1 + below(255)));
    ASSERT_EQ(fs_.write(file(name), offset, bytes), 0);
    Bytes& content = model_[name];
    content.resize(std::max<std::size_t>(content.size(), offset + bytes.size()));
    std::ranges::copy(bytes, content.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void append(const std::string& name) {
    file(name);
    write(name, model_[name].size());
  }
  void read(const std::string& name) {
    const File opened = file(name);
    const Bytes& content = model_[name];
    const std::uint64_t offset = below(content.size() + 10);
    const std::uint64_t size = 1 + below(2 * kTestChunk);
    const auto from =
        content.begin() + static_cast<std::ptrdiff_t>(std::min(offset, content.size()));
    const auto to =
        content.begin() + static_cast<std::ptrdiff_t>(std::min(offset + size, content.size()));
    ASSERT_EQ(fs_.size(opened), content.size());
    ASSERT_EQ(fs_.read(opened, offset, size), Bytes(from, to));
  }
  void resize(const std::string& name) {
    const std::uint64_t size = below(6 * kTestChunk);
    ASSERT_EQ(fs_.resize(file(name), size), 0);
    model_[name].resize(size);
  }
  void sync(const std::string& name) { ASSERT_EQ(fs_.sync(file(name)), 0); }
  void close(const std::string& name) {
    if (!open_.contains(name)) return;
    fs_.close(open_[name]);
    open_.erase(name);
  }
  void unlink(const std::string& name) {
    const bool existed = model_.erase(name) > 0;
    ASSERT_EQ(fs_.engine().unlink({kRootInode, name}).has_value(), existed);
    close(name);
  }
  void rename(const std::string& from, const std::string& to) {
    if (from == to || !model_.contains(from)) return;
    ASSERT_TRUE(fs_.engine().rename({kRootInode, from}, {kRootInode, to}, {}));
    close(to);
    model_[to] = std::move(model_[from]);
    model_.erase(from);
    if (auto moved = open_.extract(from)) {
      moved.key() = to;
      open_.insert(std::move(moved));
    }
  }
  void restart() {
    fs_.restart();
    open_.clear();
    check_all();
  }

  EngineUnderTest fs_;
  std::mt19937 random_;
  std::map<std::string, Bytes> model_;
  std::map<std::string, File> open_;
};

TEST_P(EveryWriteBack, BehavesAsPlainBytesDo) {
  for (const std::uint32_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(seed);
    RandomOperations operations(GetParam(), seed);
    for (int i = 0; i < 400; ++i) {
      SCOPED_TRACE(i);
      operations.step();
      if (HasFatalFailure()) return;
    }
    operations.check_all();
  }
}

}  // namespace
}  // namespace vfsprof::vfs
