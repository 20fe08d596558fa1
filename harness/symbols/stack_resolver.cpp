#include "harness/symbols/stack_resolver.h"

#include <utility>

namespace vfsprof::harness {

std::uint32_t StackResolver::resolve(std::span<const std::uint64_t> chain) {
  std::vector<std::uint32_t> stack;
  for (const ChainAddress& address : addresses_of(chain)) {
    const std::vector<std::uint32_t>& frames = frames_at(address);
    // An address outside all code: code without frame pointers used the register for something
    // else, and what a walk finds beyond it means nothing.
    if (frames.empty()) break;
    stack.insert(stack.end(), frames.begin(), frames.end());
  }
  // Code mapped after the last look at the process's mappings: the sample counts all the same.
  if (stack.empty()) stack.push_back(intern({.function = "", .module = "[unknown]"}));
  const auto next = static_cast<std::uint32_t>(table_.stacks.size());
  const auto [found, added] = stacks_.try_emplace(stack, next);
  if (added) table_.stacks.push_back(std::move(stack));
  return found->second;
}

const std::vector<std::uint32_t>& StackResolver::frames_at(const ChainAddress& address) {
  const auto [found, added] = frames_at_.try_emplace(address.lookup);
  if (!added) return found->second;
  if (address.kind == AddressKind::kKernel) {
    const Symbol* const symbol = kernel_.find(address.lookup);
    found->second = {intern({.kind = reports::FrameKind::kKernel,
                             .function = symbol != nullptr ? symbol->name : "",
                             .module = "[kernel]"})};
  } else {
    for (reports::Frame& frame : user_.frames_at(address.lookup)) {
      found->second.push_back(intern(std::move(frame)));
    }
  }
  return found->second;
}

std::uint32_t StackResolver::intern(reports::Frame frame) {
  const auto next = static_cast<std::uint32_t>(table_.frames.size());
  const auto [found, added] = frames_.try_emplace(frame, next);
  if (added) table_.frames.push_back(std::move(frame));
  return found->second;
}

}  // namespace vfsprof::harness
