#include "harness/scenario/block_data.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "harness/scenario/random.h"
#include "vfs/base/check.h"

namespace vfsprof::harness {
namespace {

// Windows start at pages, as the buffers of real programs do; few enough to stay in a core's cache.
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kWindows = 16;

}  // namespace

void BlockData::Free::operator()(std::byte* memory) const { std::free(memory); }

BlockData::BlockData(Identity identity)
    : origin_(Random::mix(Random::mix(identity.seed) + identity.client + 1)),
      block_bytes_(identity.block_bytes) {
  VFSPROF_CHECK(block_bytes_ >= sizeof(Header));
  const std::size_t pages = (block_bytes_ + kPageBytes - 1) / kPageBytes + kWindows - 1;
  random_bytes_.reset(static_cast<std::byte*>(std::aligned_alloc(kPageBytes, pages * kPageBytes)));
  if (!random_bytes_) throw std::bad_alloc();
  Random random(origin_);
  for (std::size_t at = 0; at < pages * kPageBytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t value = random.next();
    std::memcpy(random_bytes_.get() + at, &value, sizeof value);
  }
}

void BlockData::put_back() {
  if (patched_ != nullptr) std::memcpy(patched_, &covered_, sizeof covered_);
}

std::span<const std::byte> BlockData::block(const BlockKey& key) {
  put_back();
  const Header header{origin_, key.file, key.offset, key.sequence};
  const std::uint64_t choice = Random::mix(
      origin_ ^ (key.offset + key.sequence * 0x9e3779b97f4a7c15 + key.file * 0xbf58476d1ce4e5b9));
  patched_ = random_bytes_.get() + choice % kWindows * kPageBytes;
  std::memcpy(&covered_, patched_, sizeof covered_);
  std::memcpy(patched_, &header, sizeof header);
  return {patched_, block_bytes_};
}

}  // namespace vfsprof::harness
