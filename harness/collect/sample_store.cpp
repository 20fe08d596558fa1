#include "harness/collect/sample_store.h"

#include <utility>

namespace vfsprof::harness {

std::size_t SampleStore::Hash::operator()(const std::vector<std::uint64_t>& chain) const {
  // FNV-1a over whole words, with a shift because code addresses differ mostly in their low bits.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint64_t address : chain) {
    hash = (hash ^ address) * 0x100000001b3;
    hash ^= hash >> 29;
  }
  return hash;
}

void SampleStore::add(RawSample sample, std::uint32_t slice) {
  const auto chain =
      chains_.try_emplace(std::move(sample.chain), static_cast<std::uint32_t>(chains_.size()))
          .first;
  ++counts_[{chain->second, sample.tid, slice}];
}

std::vector<const std::vector<std::uint64_t>*> SampleStore::chains() const {
  std::vector<const std::vector<std::uint64_t>*> result(chains_.size());
  for (const auto& [chain, index] : chains_) result[index] = &chain;
  return result;
}

}  // namespace vfsprof::harness
