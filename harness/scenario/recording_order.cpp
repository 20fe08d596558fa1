#include "harness/scenario/recording_order.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/scenario/tree_model.h"

namespace vfsprof::harness {
namespace {

constexpr std::uint32_t kTop = 0;
constexpr std::uint32_t kTopNode = 1;

}  // namespace

RecordingOrder::RecordingOrder(const std::vector<std::string>& names,
                               std::vector<OperationList>& lists)
    : names_(names),
      lists_(lists),
      paths_(1),
      nodes_(2),
      covered_(lists.size(), std::vector<std::uint32_t>(lists.size(), 0)) {
  path_numbers_["."] = kTop;
  nodes_[kTopNode].is_directory = true;
}

std::uint32_t RecordingOrder::path_of_text(const std::string& text) {
  const auto [found, is_new] =
      path_numbers_.try_emplace(text, static_cast<std::uint32_t>(paths_.size()));
  if (!is_new) return found->second;
  const std::uint32_t path = found->second;
  paths_.push_back({.text = text, .parent = kTop, .name = {}, .entries = {}});
  const std::size_t slash = text.rfind('/');
  if (slash == std::string::npos) return path;
  const std::uint32_t parent = path_of_text(text.substr(0, slash));
  paths_[path].parent = parent;
  return path;
}

std::uint32_t RecordingOrder::path_of(std::uint32_t name) {
  if (path_of_name_.size() <= name) path_of_name_.resize(names_.size(), UINT32_MAX);
  if (path_of_name_[name] == UINT32_MAX) path_of_name_[name] = path_of_text(names_[name]);
  return path_of_name_[name];
}

RecordingOrder::Node* RecordingOrder::find(std::uint32_t path) {
  if (path == kTop) return &nodes_[kTopNode];
  const auto found = tree_.find(paths_[path].text);
  return found == tree_.end() ? nullptr : &nodes_[found->second];
}

void RecordingOrder::wait_for(const Resource::LastUses& uses) {
  for (const Wait& use : uses) {
    std::uint32_t& covered = covered_[client_][use.client];
    if (use.client == client_ || covered >= use.count) continue;
    covered = use.count;
    lists_[client_].waits.push_back(use);
  }
}

/// Waits for all earlier uses that this one may not change places with, and notes this one.
void RecordingOrder::touch(Resource& resource, Use use) {
  const std::size_t own = use == kShared || use == kList ? 0 : 1;
  Resource::LastUses& alike = resource.uses[own];
  wait_for(resource.uses[1 - own]);
  if (use == kExclusive) {
    wait_for(alike);
    // Who waits for this operation waits for all those too.
    resource.uses[0].clear();
    alike.clear();
  }
  const auto found = std::ranges::find(alike, client_, &Wait::client);
  if (found == alike.end()) {
    alike.push_back({client_, index_ + 1});
  } else {
    found->count = index_ + 1;
  }
}

/// Uses a name, and looks up the directories on the way.
void RecordingOrder::touch_path(std::uint32_t path, Use use) {
  touch(paths_[path].name, use);
  if (use == kExclusive) touch(paths_[paths_[path].parent].entries, kChange);
  while (path != kTop) {
    path = paths_[path].parent;
    touch(paths_[path].name, kShared);
  }
}

void RecordingOrder::resize(Node& node, std::uint64_t size) {
  change_ += static_cast<std::int64_t>(size) - static_cast<std::int64_t>(node.size);
  node.size = size;
}

void RecordingOrder::release(std::uint32_t node) {
  if (nodes_[node].names == 0 && nodes_[node].fds == 0) resize(nodes_[node], 0);
}

std::string RecordingOrder::make(std::uint32_t path, bool is_directory) {
  if (find(path) != nullptr) return fmt::format("'{}' exists already by then", paths_[path].text);
  const Node* const parent = find(paths_[path].parent);
  if (parent == nullptr || !parent->is_directory) {
    return fmt::format("'{}' lies in no directory that exists by then", paths_[path].text);
  }
  tree_[paths_[path].text] = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({.is_directory = is_directory, .names = 1});
  touch(nodes_.back().uses, kExclusive);
  change_ += TreeModel::kEntryBytes;
  return {};
}

void RecordingOrder::remove(std::uint32_t path) {
  const auto found = tree_.find(paths_[path].text);
  if (found == tree_.end()) return;
  const std::uint32_t node = found->second;
  tree_.erase(found);
  change_ -= TreeModel::kEntryBytes;
  --nodes_[node].names;
  release(node);
}

void RecordingOrder::add_existing(std::uint32_t name, bool is_directory, std::uint64_t size) {
  const std::string& text = names_[name];
  nodes_.push_back({.is_directory = is_directory, .size = size, .names = 1});
  tree_[text] = static_cast<std::uint32_t>(nodes_.size() - 1);
  held_ += TreeModel::kEntryBytes + static_cast<std::int64_t>(size);
  peak_ = std::max(peak_, held_);
}

std::string RecordingOrder::open(const Operation& operation) {
  const std::uint32_t path = path_of(operation.file);
  const bool creates = operation.kind == OperationKind::kCreate;
  touch_path(path, creates ? kExclusive : kShared);
  if (Node* const node = find(path)) touch(node->uses, kExclusive);
  if (!succeeds_) return {};
  if (fds_[operation.fd] != 0) return fmt::format("fd {} is still open by then", operation.fd);
  if (creates) {
    if (std::string problem = make(path, false); !problem.empty()) return problem;
  }
  Node* const node = find(path);
  if (node == nullptr) return fmt::format("'{}' does not exist by then", names_[operation.file]);
  touch(fd_uses_[operation.fd], kExclusive);
  if ((operation.flags & kOpenTruncate) != 0) resize(*node, 0);
  ++node->fds;
  fd_appends_[operation.fd] = (operation.flags & kOpenAppend) != 0;
  fds_[operation.fd] = static_cast<std::uint32_t>(node - nodes_.data());
  return {};
}

/// Operations on an open file.
std::string RecordingOrder::add_to_file(const Operation& operation) {
  const std::uint32_t number = fds_[operation.fd];
  Node& node = nodes_[number];
  if (number == 0) {
    if (!succeeds_) return {};
    return fmt::format("fd {} is not open by then", operation.fd);
  }
  touch(node.uses, kExclusive);
  if (!succeeds_) return {};
  if (operation.kind == OperationKind::kClose) {
    touch(fd_uses_[operation.fd], kExclusive);
    fds_[operation.fd] = 0;
    --node.fds;
    release(number);
  }
  const std::uint64_t size = operation.expected == kInFull
                                 ? operation.size
                                 : static_cast<std::uint64_t>(operation.expected);
  if (operation.kind == OperationKind::kWrite && size > 0) {
    const std::uint64_t offset = fd_appends_[operation.fd] ? node.size : operation.offset;
    resize(node, std::max(node.size, offset + size));
  }
  if (operation.kind == OperationKind::kTruncate) resize(node, operation.size);
  return {};
}

std::string RecordingOrder::move(const Operation& operation) {
  const std::uint32_t from = path_of(operation.file);
  const std::uint32_t to = path_of(operation.other);
  const auto source = tree_.find(paths_[from].text);
  if (source == tree_.end()) return fmt::format("'{}' does not exist by then", paths_[from].text);
  const std::uint32_t node = source->second;
  if (Node* const target = find(to)) {
    touch(target->uses, kExclusive);
    if (target == &nodes_[node]) return {};  // two names of one file: rename(2) does nothing
    remove(to);
  }
  if (operation.kind == OperationKind::kLink) {
    ++nodes_[node].names;
    change_ += TreeModel::kEntryBytes;
    tree_[paths_[to].text] = node;
    return {};
  }
  tree_.erase(source);
  tree_[paths_[to].text] = node;
  if (!nodes_[node].is_directory) return {};
  const std::string below = paths_[from].text + "/";
  std::vector<std::pair<std::string, std::uint32_t>> moved;
  for (auto at = tree_.lower_bound(below); at != tree_.end() && at->first.starts_with(below);) {
    moved.emplace_back(paths_[to].text + at->first.substr(below.size() - 1), at->second);
    at = tree_.erase(at);
  }
  for (auto& entry : moved) tree_.insert(std::move(entry));
  return {};
}

/// Operations on names.
std::string RecordingOrder::add_to_name(const Operation& operation) {
  const std::uint32_t path = path_of(operation.file);
  const OperationKind kind = operation.kind;
  const bool looks = kind == OperationKind::kStat || kind == OperationKind::kReaddir ||
                     kind == OperationKind::kReadlink;
  const bool has_other = kind == OperationKind::kRename || kind == OperationKind::kLink;
  touch_path(path, looks ? kShared : kExclusive);
  if (kind == OperationKind::kReaddir) touch(paths_[path].entries, kList);
  if (has_other) touch_path(path_of(operation.other), kExclusive);
  Node* const node = find(path);
  if (node != nullptr) touch(node->uses, kind == OperationKind::kReaddir ? kShared : kExclusive);
  if (!succeeds_) return {};
  if (kind == OperationKind::kMkdir || kind == OperationKind::kSymlink) {
    return make(path, kind == OperationKind::kMkdir);
  }
  if (node == nullptr) return fmt::format("'{}' does not exist by then", names_[operation.file]);
  if (kind == OperationKind::kUnlink || kind == OperationKind::kRmdir) remove(path);
  return has_other ? move(operation) : std::string();
}

std::string RecordingOrder::add(std::uint32_t client, std::uint64_t line,
                                const Operation& operation) {
  OperationList& list = lists_[client];
  client_ = client;
  index_ = static_cast<std::uint32_t>(list.operations.size());
  succeeds_ = operation.expected >= 0 || operation.expected == kInFull;
  change_ = 0;
  const OperationKind kind = operation.kind;
  const bool waits = kind == OperationKind::kPause || kind == OperationKind::kBarrier;
  const std::string problem = waits                  ? std::string()
                              : opens_file(kind)     ? open(operation)
                              : uses_open_file(kind) ? add_to_file(operation)
                                                     : add_to_name(operation);
  held_ += change_;
  peak_ = std::max(peak_, held_);
  list.operations.push_back(operation);
  list.turns.push_back({.line = line, .change = change_, .wait_end = list.waits.size()});
  return problem;
}

void RecordingOrder::finish() {
  for (const OperationList& list : lists_) {
    for (const Wait& wait : list.waits) lists_[wait.client].turns[wait.count - 1].awaited = true;
  }
  if (lists_.empty()) return;
  for (const std::uint32_t node : fds_) lists_.front().open_at_end.push_back(node != 0);
}

}  // namespace vfsprof::harness
