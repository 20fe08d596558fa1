#include "harness/scenario/tree_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace vfsprof::harness {

TreeModel::TreeModel(Options options)
    : contents_(options.contents), nodes_(1), by_name_(options.names, 0), fds_(options.fds) {}

void TreeModel::add_existing(std::uint32_t name, std::uint64_t size) {
  make(name);
  nodes_[by_name_[name]].size = size;
  nodes_[by_name_[name]].foreign = true;
}

std::int64_t TreeModel::change(const Operation& operation) const {
  switch (operation.kind) {
    case OperationKind::kWrite: {
      const Node& node = node_of(operation);
      if (fds_[operation.fd].appends) return static_cast<std::int64_t>(operation.size);
      const std::uint64_t end = operation.offset + operation.size;
      return end > node.size ? static_cast<std::int64_t>(end - node.size) : 0;
    }
    case OperationKind::kTruncate:
      return static_cast<std::int64_t>(operation.size) -
             static_cast<std::int64_t>(node_of(operation).size);
    case OperationKind::kCreate:
    case OperationKind::kMkdir:
    case OperationKind::kSymlink:
    case OperationKind::kLink:
      return kEntryBytes;
    case OperationKind::kUnlink:
    case OperationKind::kRmdir:
      return -freed_with(operation.file);
    case OperationKind::kRename:
      return by_name_[operation.other] == 0 ? 0 : -freed_with(operation.other);
    case OperationKind::kOpen: {
      const Node& node = nodes_[by_name_[operation.file]];
      return (operation.flags & kOpenTruncate) != 0 ? -static_cast<std::int64_t>(node.size) : 0;
    }
    case OperationKind::kClose: {
      const Node& node = node_of(operation);
      return node.names == 0 && node.fds == 1 ? -static_cast<std::int64_t>(node.size) : 0;
    }
    default:
      return 0;
  }
}

/// Bytes that go with the name: those of the file too, if nothing else holds it.
std::int64_t TreeModel::freed_with(std::uint32_t name) const {
  if (by_name_[name] == 0) return 0;
  const Node& node = nodes_[by_name_[name]];
  const bool last = node.names == 1 && node.fds == 0;
  return kEntryBytes + (last ? static_cast<std::int64_t>(node.size) : 0);
}

void TreeModel::apply(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::kWrite:
      return write(operation);
    case OperationKind::kCreate:
      make(operation.file);
      return open(operation);
    case OperationKind::kOpen:
      return open(operation);
    case OperationKind::kClose:
      return close(operation.fd);
    case OperationKind::kTruncate: {
      Node& node = node_of(operation);
      if (operation.size < node.size) cut(node, operation.size, node.size);
      node.size = operation.size;
      return;
    }
    case OperationKind::kMkdir:
    case OperationKind::kSymlink:
      return make(operation.file);
    case OperationKind::kUnlink:
    case OperationKind::kRmdir:
      return remove(operation.file);
    case OperationKind::kLink:
    case OperationKind::kRename: {
      const std::uint32_t node = by_name_[operation.file];
      if (node == by_name_[operation.other]) return;
      remove(operation.other);
      by_name_[operation.other] = node;
      ++nodes_[node].names;
      if (operation.kind == OperationKind::kRename) remove(operation.file);
      return;
    }
    default:
      return;
  }
}

void TreeModel::open(const Operation& operation) {
  close(operation.fd);
  const std::uint32_t number = by_name_[operation.file];
  fds_[operation.fd] = {number, (operation.flags & kOpenAppend) != 0};
  Node& node = nodes_[number];
  ++node.fds;
  if ((operation.flags & kOpenTruncate) != 0) {
    node.size = 0;
    node.extents.clear();
  }
}

void TreeModel::close(std::uint32_t fd) {
  const std::uint32_t node = fds_[fd].node;
  fds_[fd] = {};
  if (node == 0) return;
  --nodes_[node].fds;
  release(node);
}

void TreeModel::make(std::uint32_t name) {
  remove(name);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(nodes_.size()));
    nodes_.emplace_back();
  }
  by_name_[name] = free_.back();
  free_.pop_back();
  nodes_[by_name_[name]] = {.names = 1};
}

void TreeModel::remove(std::uint32_t name) {
  const std::uint32_t node = by_name_[name];
  by_name_[name] = 0;
  if (node == 0) return;
  --nodes_[node].names;
  release(node);
}

void TreeModel::release(std::uint32_t node) {
  if (nodes_[node].names == 0 && nodes_[node].fds == 0) free_.push_back(node);
}

void TreeModel::write(const Operation& operation) {
  Node& node = node_of(operation);
  const std::uint64_t end = operation.offset + operation.size;
  if (contents_ && operation.size > 0) {
    cut(node, operation.offset, end);
    node.extents[operation.offset] = {
        end, {.file = operation.file, .offset = operation.offset, .sequence = operation.sequence}};
  }
  node.size = std::max(node.size, end);
}

/// Forgets what a range holds; what reaches beyond it is kept.
void TreeModel::cut(Node& node, std::uint64_t begin, std::uint64_t end) {
  auto at = node.extents.lower_bound(begin);
  if (at != node.extents.begin()) {
    const auto before = std::prev(at);
    if (before->second.end > end) at = node.extents.emplace(end, before->second).first;
    before->second.end = std::min(before->second.end, begin);
  }
  while (at != node.extents.end() && at->first < end) {
    if (at->second.end > end) node.extents.emplace(end, at->second);
    at = node.extents.erase(at);
  }
}

std::string TreeModel::compare(const Operation& read, std::span<const std::byte> got,
                               BlockData& data) const {
  if (fds_[read.fd].node == 0) return {};
  const Node& node = node_of(read);
  const std::uint64_t read_end = read.offset + got.size();
  std::uint64_t position = read.offset;
  auto at = node.extents.upper_bound(position);
  if (at != node.extents.begin() && std::prev(at)->second.end > position) --at;
  while (position < read_end) {
    const bool hole = at == node.extents.end() || at->first > position;
    const std::uint64_t limit = !hole                      ? at->second.end
                                : at == node.extents.end() ? read_end
                                                           : at->first;
    const std::uint64_t end = std::min(read_end, limit);
    const auto part = got.subspan(position - read.offset, end - position);
    std::size_t same = 0;
    if (hole && node.foreign) {
      same = part.size();
    } else if (hole) {
      while (same < part.size() && part[same] == std::byte{0}) ++same;
    } else {
      const auto wanted =
          data.block(at->second.key).subspan(position - at->second.key.offset, part.size());
      same =
          std::memcmp(wanted.data(), part.data(), part.size()) == 0
              ? part.size()
              : static_cast<std::size_t>(std::ranges::mismatch(wanted, part).in1 - wanted.begin());
    }
    if (same < part.size()) {
      const std::string whom =
          hole ? "nobody wrote anything" : fmt::format("write {} put", at->second.key.sequence);
      return fmt::format("returned other data than {} there, from byte {} of the block on", whom,
                         position - read.offset + same);
    }
    position = end;
    if (!hole) ++at;
  }
  return {};
}

}  // namespace vfsprof::harness
