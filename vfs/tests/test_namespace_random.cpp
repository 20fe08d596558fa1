#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>

#include "vfs/tests/namespace_fixture.h"

namespace vfsprof::vfs {
namespace {

/// A tree as a map of paths, to compare with.
class ReferenceTree {
 public:
  static std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
  bool is_folder(const std::string& path) const {
    return path.empty() || (nodes.contains(path) && nodes.at(path) == 'd');
  }
  bool has_children(const std::string& path) const {
    const auto next = nodes.upper_bound(path + "/");
    return next != nodes.end() && next->first.starts_with(path + "/");
  }
  int create(const std::string& path, char type) {
    if (nodes.contains(path)) return EEXIST;
    nodes[path] = type;
    return 0;
  }
  int remove(const std::string& path, char type) {
    if (!nodes.contains(path)) return ENOENT;
    if (nodes.at(path) != type) return type == 'd' ? ENOTDIR : EISDIR;
    if (type == 'd' && has_children(path)) return ENOTEMPTY;
    nodes.erase(path);
    return 0;
  }
  int rename(const std::string& from, const std::string& to) {
    if (!nodes.contains(from)) return ENOENT;
    if (from == to) return 0;
    if (nodes.at(from) == 'd' && to.starts_with(from + "/")) return EINVAL;
    if (nodes.contains(to)) {
      if (nodes.at(from) != nodes.at(to)) return nodes.at(from) == 'd' ? ENOTDIR : EISDIR;
      if (has_children(to)) return ENOTEMPTY;
      nodes.erase(to);
    }
    std::map<std::string, char> moved;
    std::erase_if(nodes, [&](const auto& node) {
      if (node.first != from && !node.first.starts_with(from + "/")) return false;
      moved[to + node.first.substr(from.size())] = node.second;
      return true;
    });
    nodes.merge(moved);
    return 0;
  }
  std::map<std::string, char> nodes;  ///< path -> 'd' or 'f'
};

class RandomNamespaceTest : public NamespaceTest {
 protected:
  /// The directory of `path` and its last part; the parent's inode is 0 if it is not there.
  std::pair<InodeId, std::string> resolve(const std::string& path) {
    InodeId at = kRootInode;
    std::size_t begin = 1;
    for (auto end = path.find('/', begin); end != path.npos; end = path.find('/', begin)) {
      at = peek({at, path.substr(begin, end - begin)});
      begin = end + 1;
    }
    return {at, path.substr(begin)};
  }
  void collect(InodeId directory, const std::string& prefix, std::map<std::string, char>& nodes) {
    for (const std::string& name : list(directory)) {
      if (name == "." || name == "..") continue;
      const InodeId inode = peek({directory, name});
      const bool folder = S_ISDIR(names_.attributes(inode)->mode);
      nodes[prefix + "/" + name] = folder ? 'd' : 'f';
      if (folder) collect(inode, prefix + "/" + name, nodes);
    }
  }
};

TEST_F(RandomNamespaceTest, AgreesWithAMapOfPaths) {
  constexpr unsigned kSeed = 20240607;
  std::mt19937 random(kSeed);
  ReferenceTree reference;
  const auto pick = [&](unsigned n) { return random() % n; };
  const auto random_path = [&] {
    std::string path;
    do {
      path += "/" + std::string(1, static_cast<char>('a' + pick(4)));
    } while (path.size() < 8 && reference.is_folder(path) && pick(4) != 0);
    return path;
  };
  for (int i = 0; i < 20000; ++i) {
    const std::string path = random_path();
    const auto [parent, name] = resolve(path);
    int expected = 0;
    int actual = 0;
    switch (pick(5)) {
      case 0:
      case 1: {
        const bool folder = pick(2) == 0;
        expected = reference.create(path, folder ? 'd' : 'f');
        const auto made = names_.create_node({parent, name}, folder ? kFolder : kFile, kOwner);
        actual = error_of(made);
        if (made) names_.forget(made->inode, 1);
        break;
      }
      case 2:
        expected = reference.remove(path, 'f');
        actual = error_of(names_.unlink({parent, name}));
        break;
      case 3:
        expected = reference.remove(path, 'd');
        actual = error_of(names_.remove_directory({parent, name}));
        break;
      default: {
        const std::string to = random_path();
        const auto [to_parent, to_name] = resolve(to);
        expected = reference.rename(path, to);
        actual = rename({parent, name}, {to_parent, to_name});
      }
    }
    ASSERT_EQ(actual, expected) << "operation " << i << " on " << path << ", seed " << kSeed;
  }
  std::map<std::string, char> nodes;
  collect(kRootInode, "", nodes);
  EXPECT_EQ(nodes, reference.nodes);
  // Nothing that lost its name stayed in memory, and nothing was reported gone twice.
  EXPECT_EQ(names_.inode_count(), nodes.size() + 1);
  for (const auto& [inode, times] : gone_) EXPECT_EQ(times, 1) << inode;
}

TEST_F(RandomNamespaceTest, SurvivesEightThreadsThatRenameUnlinkAndLookUpTheSameNames) {
  constexpr unsigned kThreads = 8;
  const std::array<InodeId, 2> folders{make("left", kFolder), make("right", kFolder)};
  {
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < kThreads; ++seed) {
      threads.emplace_back([&, seed] {
        std::mt19937 random(seed);
        const auto entry = [&](std::string& name) {
          name = std::string(1, static_cast<char>('a' + random() % 6));
          return EntryName{folders[random() % 2], name};
        };
        std::string name;
        std::string other;
        for (int i = 0; i < 3000; ++i) {
          switch (random() % 6) {
            case 0:
            case 1: {
              const auto made =
                  names_.create_node(entry(name), random() % 4 == 0 ? kFolder : kFile, kOwner);
              if (made) names_.forget(made->inode, 1);
              break;
            }
            case 2: {
              const EntryName from = entry(name);
              (void)names_.rename(from, entry(other), {.exchange = random() % 4 == 0});
              break;
            }
            case 3:
              (void)names_.unlink(entry(name));
              (void)names_.remove_directory(entry(name));
              break;
            case 4: {
              const auto found = names_.lookup(entry(name));
              if (!found) break;
              if (names_.add_open(found->inode)) names_.drop_open(found->inode);
              AttributeChange change;
              change.mode = 0700;
              (void)names_.set_attributes(found->inode, change);
              names_.forget(found->inode, 1);
              break;
            }
            default:
              EXPECT_TRUE(
                  names_.read_directory(folders[0], 0, [](const DirectoryEntry&) { return true; }));
          }
        }
      });
    }
  }
  std::map<std::string, char> nodes;
  collect(kRootInode, "", nodes);
  EXPECT_EQ(names_.inode_count(), nodes.size() + 1);
  for (const auto& [inode, times] : gone_) EXPECT_EQ(times, 1) << inode;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string prefix = i == 0 ? "/left/" : "/right/";
    const auto subfolders = std::ranges::count_if(nodes, [&](const auto& node) {
      return node.second == 'd' && node.first.starts_with(prefix);
    });
    EXPECT_EQ(links(folders[i]), 2U + static_cast<nlink_t>(subfolders));
  }
}

}  // namespace
}  // namespace vfsprof::vfs
