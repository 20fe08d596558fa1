#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "harness/scenario/block_data.h"
#include "harness/scenario/operation.h"

namespace vfsprof::harness {

/// What the files hold that a client's operations made, if all of them did what they should: how
/// many bytes they take, and, to check reads, which write put each byte there. Pure.
/// Threads: not safe; each client has its own.
class TreeModel {
 public:
  /// Bytes that a name by itself counts for.
  static constexpr std::int64_t kEntryBytes = 4096;

  struct Options {
    std::size_t names = 0;
    std::size_t fds = 0;
    bool contents = false;  ///< remember who wrote what
  };

  explicit TreeModel(Options options);

  /// A file that others made exists under this name.
  void add_existing(std::uint32_t name, std::uint64_t size);

  /// Bytes that the operation adds, negative where it frees some.
  std::int64_t change(const Operation& operation) const;
  /// The operation was done, with the result that was expected.
  void apply(const Operation& operation);

  /// Empty if `got`, the result of a read, is what was written there; else what is wrong.
  std::string compare(const Operation& read, std::span<const std::byte> got, BlockData& data) const;

 private:
  /// Bytes that one write put somewhere; its key, from the file position on.
  struct Extent {
    std::uint64_t end = 0;
    BlockKey key;
  };
  struct Node {
    std::uint64_t size = 0;
    std::uint32_t names = 0;
    std::uint32_t fds = 0;
    bool foreign = false;  ///< what it held at first is not known
    std::map<std::uint64_t, Extent> extents = {};
  };
  struct OpenNode {
    std::uint32_t node = 0;
    bool appends = false;
  };

  Node& node_of(const Operation& operation) { return nodes_[fds_[operation.fd].node]; }
  const Node& node_of(const Operation& operation) const { return nodes_[fds_[operation.fd].node]; }
  std::int64_t freed_with(std::uint32_t name) const;
  void open(const Operation& operation);
  void close(std::uint32_t fd);
  void make(std::uint32_t name);
  void remove(std::uint32_t name);
  void release(std::uint32_t node);
  void write(const Operation& operation);
  static void cut(Node& node, std::uint64_t begin, std::uint64_t end);

  bool contents_;
  std::vector<Node> nodes_;  ///< 0: of names and files that are none of this client's
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> by_name_;
  std::vector<OpenNode> fds_;
};

}  // namespace vfsprof::harness
