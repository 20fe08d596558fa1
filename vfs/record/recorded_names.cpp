#include "vfs/record/recorded_names.h"

#include <algorithm>

#include "vfs/record/operation_line.h"

namespace vfsprof::vfs {
namespace {

constexpr std::uint64_t kTop = 1;

std::string line_of(const std::string& path, const RecordedNames::Found& what) {
  switch (what.type) {
    case RecordedNames::Type::kFile:
      return existing_file(path, what.size);
    case RecordedNames::Type::kDirectory:
      return existing_directory(path);
    case RecordedNames::Type::kSymlink:
      // Its text is not known; one of the same length gives the same results.
      return existing_symlink(path, std::string(std::max<std::uint64_t>(what.size, 1), '_'));
    case RecordedNames::Type::kOther:
      return {};
  }
  return {};
}

}  // namespace

RecordedNames::RecordedNames() { nodes_[kTop] = {.names = {}, .original = "", .existed = true}; }

std::string RecordedNames::path(std::uint64_t node) const {
  if (node == kTop) return ".";
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.names.empty()) return {};
  const Name& name = found->second.names.front();
  return path(name.first, name.second);
}

std::string RecordedNames::path(std::uint64_t parent, std::string_view name) const {
  if (parent == kTop) return std::string(name);
  const std::string directory = path(parent);
  return directory.empty() ? std::string() : directory + "/" + std::string(name);
}

std::string RecordedNames::original_path(std::uint64_t parent, std::string_view name) const {
  if (parent == kTop) return std::string(name);
  const auto found = nodes_.find(parent);
  if (found == nodes_.end() || !found->second.existed) return {};
  return found->second.original + "/" + std::string(name);
}

void RecordedNames::made(std::uint64_t parent, std::string_view name, std::uint64_t node) {
  const Name entry{parent, std::string(name)};
  nodes_[node].names.push_back(entry);
  children_[entry] = node;
}

std::string RecordedNames::found(std::uint64_t parent, std::string_view name, std::uint64_t node,
                                 Found what) {
  const Name entry{parent, std::string(name)};
  if (children_.contains(entry)) return {};
  const std::string original = original_path(parent, name);
  made(parent, name, node);
  listed_.erase(entry);
  if (original.empty()) return {};
  nodes_[node].original = original;
  nodes_[node].existed = true;
  return line_of(original, what);
}

void RecordedNames::listed(std::uint64_t parent, std::string_view name, Type type) {
  const Name entry{parent, std::string(name)};
  if (children_.contains(entry)) return;
  const std::string original = original_path(parent, name);
  if (!original.empty()) listed_.try_emplace(entry, original, type);
}

void RecordedNames::removed(std::uint64_t parent, std::string_view name) {
  const auto child = children_.find({parent, std::string(name)});
  if (child == children_.end()) return;
  Node& node = nodes_[child->second];
  std::erase(node.names, child->first);
  if (node.names.empty()) nodes_.erase(child->second);
  children_.erase(child);
}

void RecordedNames::renamed(std::uint64_t parent, std::string_view name, std::uint64_t to_parent,
                            std::string_view to_name) {
  const auto child = children_.find({parent, std::string(name)});
  if (child == children_.end()) return;
  const std::uint64_t node = child->second;
  const auto target = children_.find({to_parent, std::string(to_name)});
  if (target != children_.end() && target->second == node) return;
  removed(to_parent, to_name);
  std::erase(nodes_[node].names, child->first);
  children_.erase(child);
  made(to_parent, to_name, node);
}

std::string RecordedNames::only_listed() const {
  std::string lines;
  for (const auto& [name, entry] : listed_) lines += line_of(entry.first, {entry.second, 0});
  return lines;
}

}  // namespace vfsprof::vfs
