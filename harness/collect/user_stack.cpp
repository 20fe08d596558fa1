#include "harness/collect/user_stack.h"

#include <linux/perf_event.h>

#include <algorithm>
#include <iterator>

namespace vfsprof::harness {
namespace {

/// Whether the code at the end of a chain is a thread's outermost function.
bool ends_at_thread_start(const std::vector<std::uint64_t>& addresses, Mappings& mappings) {
  const Mappings::Place place = mappings.at(addresses.back() - 1);
  return place.rules != nullptr && place.rules->return_address.kind == RuleKind::kUndefined;
}

}  // namespace

bool join_chains(std::vector<std::uint64_t>& walked,
                 std::span<const std::uint64_t> by_frame_pointers) {
  if (walked.empty()) return false;
  // The end of the walk is where frames are missing; in a recursion, which of the same addresses it
  // is tells how many before it agree too.
  std::size_t best_length = 0;
  std::size_t best = 0;
  for (std::size_t at = 0; at < by_frame_pointers.size(); ++at) {
    std::size_t length = 0;
    while (length <= at && length < walked.size() &&
           by_frame_pointers[at - length] == walked[walked.size() - 1 - length]) {
      ++length;
    }
    if (length > best_length) {
      best_length = length;
      best = at;
    }
  }
  if (best_length == 0) return false;
  walked.insert(walked.end(), by_frame_pointers.begin() + static_cast<std::ptrdiff_t>(best) + 1,
                by_frame_pointers.end());
  return true;
}

SampledChain unwind_sample(const RawSample& sample, Mappings& mappings, UnwindMethod method) {
  SampledChain result{.addresses = sample.chain};
  const auto user = std::ranges::find(result.addresses, std::uint64_t{PERF_CONTEXT_USER});
  result.has_user_part = user != result.addresses.end() || sample.registers.has_value();
  if (!sample.registers) return result;
  UnwoundStack stack = unwind(*sample.registers, sample.stack, mappings);
  result.whole = stack.whole();
  result.code_unknown = stack.end == StackEnd::kNoMapping;
  std::vector<std::uint64_t> by_frame_pointers;
  if (user != result.addresses.end()) {
    by_frame_pointers.assign(std::next(user), result.addresses.end());
    result.addresses.erase(user, result.addresses.end());
  }
  if (!result.whole && method == UnwindMethod::kAuto &&
      join_chains(stack.addresses, by_frame_pointers)) {
    result.whole = ends_at_thread_start(stack.addresses, mappings);
  }
  result.copy_ended = !result.whole && stack.end == StackEnd::kCopyEnded;
  result.addresses.push_back(PERF_CONTEXT_USER);
  result.addresses.insert(result.addresses.end(), stack.addresses.begin(), stack.addresses.end());
  return result;
}

}  // namespace vfsprof::harness
