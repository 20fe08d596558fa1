#include "harness/collect/sample.h"

#include <linux/perf_event.h>

#include <cstring>

namespace vfsprof::harness {
namespace {

/// Takes one value off the front, or leaves `value` and returns false if the payload ends before
/// it.
template <class Value>
bool take(std::span<const std::byte>& payload, Value& value) {
  if (payload.size() < sizeof value) return false;
  std::memcpy(&value, payload.data(), sizeof value);
  payload = payload.subspan(sizeof value);
  return true;
}

}  // namespace

const std::uint64_t kSampleType =
    PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN;

std::optional<RawSample> parse_sample(std::span<const std::byte> payload) {
  RawSample sample;
  std::uint64_t address = 0;
  std::uint64_t chain_length = 0;
  if (!take(payload, address) || !take(payload, sample.pid) || !take(payload, sample.tid) ||
      !take(payload, sample.time_ns) || !take(payload, chain_length) ||
      chain_length > payload.size() / sizeof(std::uint64_t)) {
    return std::nullopt;
  }
  sample.chain.resize(chain_length);
  if (chain_length > 0) std::memcpy(sample.chain.data(), payload.data(), chain_length * 8);
  // The chain begins with the sampled address, except where the kernel could walk nothing at all.
  if (sample.chain.empty()) sample.chain = {PERF_CONTEXT_USER, address};
  return sample;
}

std::vector<ChainAddress> addresses_of(std::span<const std::uint64_t> chain) {
  std::vector<ChainAddress> addresses;
  addresses.reserve(chain.size());
  AddressKind context = AddressKind::kUser;
  bool shown = false;  // guests and hypervisors are other contexts
  bool first_of_context = true;
  for (const std::uint64_t entry : chain) {
    if (entry >= PERF_CONTEXT_MAX) {
      const bool kernel = entry == PERF_CONTEXT_KERNEL;
      context = kernel ? AddressKind::kKernel : AddressKind::kUser;
      shown = kernel || entry == PERF_CONTEXT_USER;
      first_of_context = true;
      continue;
    }
    // A zero ends a walk that has run off the stack.
    if (!shown || entry == 0) continue;
    // The first address of each context is where it was left: the leaf, or the instruction that a
    // fault or interrupt returns to. (After a system call it is the instruction behind it, in the
    // same function.)
    addresses.push_back({context, first_of_context ? entry : entry - 1});
    first_of_context = false;
  }
  return addresses;
}

}  // namespace vfsprof::harness
