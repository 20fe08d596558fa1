#include "harness/scenario/hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <new>

namespace vfsprof::harness {

std::uint64_t sampled_hash(std::span<const std::byte> bytes, std::uint64_t seed) {
  constexpr std::size_t kStride = 1024;
  constexpr std::size_t kSample = 32;
  if (bytes.size() <= kStride) return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
  std::array<std::byte, 64 * kSample> samples;
  std::size_t used = 0;
  const auto take = [&](std::size_t at) {
    if (used == samples.size()) {
      seed = XXH3_64bits_withSeed(samples.data(), used, seed);
      used = 0;
    }
    std::memcpy(samples.data() + used, bytes.data() + at, kSample);
    used += kSample;
  };
  for (std::size_t at = 0; at + kSample <= bytes.size(); at += kStride) take(at);
  take(bytes.size() - kSample);
  return XXH3_64bits_withSeed(samples.data(), used, seed);
}

void ContentHash::Free::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

ContentHash::ContentHash() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc();
  XXH3_128bits_reset(state_.get());
}

void ContentHash::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
}

void ContentHash::add_text(std::string_view text) {
  add_value(std::uint64_t{text.size()});
  add(std::as_bytes(std::span(text)));
}

std::string ContentHash::hex() const {
  const XXH128_hash_t digest = XXH3_128bits_digest(state_.get());
  return fmt::format("{:016x}{:016x}", digest.high64, digest.low64);
}

}  // namespace vfsprof::harness
