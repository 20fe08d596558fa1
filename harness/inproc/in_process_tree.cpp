#include "harness/inproc/in_process_tree.h"

#include <fcntl.h>

#include <utility>
#include <vector>

#include "harness/scenario/tree_hash.h"

namespace vfsprof::harness {
namespace {

class InProcessReader final : public TreeReader {
 public:
  explicit InProcessReader(InProcessFileSystem& files) : files_(files) {}

  std::vector<std::string> list(const std::string& path) override {
    std::vector<std::string> names = checked(path, files_.list(path));
    std::erase_if(names, [](const std::string& name) { return name == "." || name == ".."; });
    return names;
  }

  Status status(const std::string& path) override {
    const InProcessFileSystem::Status status = checked(path, files_.status(path));
    return {status.mode, status.size_bytes};
  }

  std::string read_link(const std::string& path) override {
    return checked(path, files_.read_symlink(path));
  }

  void read(const std::string& path,
            const std::function<void(std::span<const std::byte>)>& take) override {
    InProcessHandle file = checked(path, files_.open(path, O_RDONLY, 0));
    std::int64_t got = 0;
    for (std::uint64_t offset = 0; (got = files_.read(file, buffer_, offset)) > 0;) {
      take(std::span(buffer_).first(static_cast<std::size_t>(got)));
      offset += static_cast<std::uint64_t>(got);
    }
    if (const auto closed = files_.close(file); got >= 0 && !closed) got = -closed.error().value;
    if (got < 0) throw_unreadable_tree(path, static_cast<int>(-got));
  }

 private:
  template <class T>
  static T checked(const std::string& path, Result<T> result) {
    if (!result) throw_unreadable_tree(path, result.error().value);
    return *std::move(result);
  }

  InProcessFileSystem& files_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(1 << 20);
};

}  // namespace

std::string hash_tree(InProcessFileSystem& files, std::vector<TreeEntry>& entries) {
  InProcessReader reader(files);
  return hash_tree(reader, entries);
}

}  // namespace vfsprof::harness
