#include "harness/symbols/stack_resolver.h"

#include <ranges>
#include <utility>

namespace vfsprof::harness {

std::uint32_t StackResolver::resolve(std::span<const std::uint64_t> chain) {
  Path path = kEmpty;
  for (const ChainAddress& address : std::views::reverse(addresses_of(chain))) {
    path = called_from(path, address);
  }
  return stack_of(path);
}

StackResolver::Path StackResolver::called_from(Path outer, const ChainAddress& address) {
  const std::vector<std::uint32_t>& frames = frames_at(address);
  // An address outside all code: code without frame pointers used the register for something else,
  // and what a walk found beyond it means nothing.
  if (frames.empty()) return kEmpty;
  for (const std::uint32_t frame : std::views::reverse(frames)) outer = step(outer, frame);
  return outer;
}

std::uint32_t StackResolver::stack_of(Path path) {
  // Code mapped after the last look at the process's mappings: the sample counts all the same.
  if (path == kEmpty) path = step(kEmpty, intern({.function = "", .module = "[unknown]"}));
  const auto next = static_cast<std::uint32_t>(table_.stacks.size());
  if (stacks_.size() <= path) stacks_.resize(paths_.size(), kEmpty);
  if (stacks_[path] != kEmpty) return stacks_[path];
  stacks_[path] = next;
  std::vector<std::uint32_t>& stack = table_.stacks.emplace_back();
  for (Path at = path; at != kEmpty; at = paths_[at].outer) stack.push_back(paths_[at].frame);
  return next;
}

StackResolver::Path StackResolver::step(Path outer, std::uint32_t frame) {
  // What was reached last from here is looked at first: call paths come in the order of their
  // calls.
  Path& last = outer == kEmpty ? last_outermost_ : paths_[outer].last_inner;
  if (last != kEmpty && paths_[last].frame == frame) return last;
  const auto next = static_cast<Path>(paths_.size());
  const auto [path, added] =
      path_of_.insert(mix(std::uint64_t{outer} << 32 | frame), next, [&](Path candidate) {
        return paths_[candidate].outer == outer && paths_[candidate].frame == frame;
      });
  last = path;  // before the vector may move
  if (added) paths_.push_back({outer, frame, kEmpty});
  return path;
}

const std::vector<std::uint32_t>& StackResolver::frames_at(const ChainAddress& address) {
  const auto [number, added] = place_of_.insert(
      mix(address.lookup), static_cast<std::uint32_t>(places_.size()),
      [&](std::uint32_t candidate) { return places_[candidate].address == address.lookup; });
  if (!added) return places_[number].frames;
  std::vector<std::uint32_t>& frames = places_.emplace_back(Place{address.lookup, {}}).frames;
  if (address.kind == AddressKind::kKernel) {
    const Symbol* const symbol = kernel_.find(address.lookup);
    frames = {intern({.kind = reports::FrameKind::kKernel,
                      .function = symbol != nullptr ? symbol->name : "",
                      .module = "[kernel]"})};
  } else {
    for (reports::Frame& frame : user_.frames_at(address.lookup)) {
      frames.push_back(intern(std::move(frame)));
    }
  }
  return frames;
}

std::uint32_t StackResolver::intern(reports::Frame frame) {
  const auto next = static_cast<std::uint32_t>(table_.frames.size());
  const auto [found, added] = frames_.try_emplace(frame, next);
  if (added) table_.frames.push_back(std::move(frame));
  return found->second;
}

}  // namespace vfsprof::harness
