#pragma once

#include <algorithm>
#include <cstdint>

namespace vfsprof::harness {

/// How much of a stack samples carry. Rounds share one, so that each takes what those before it
/// have lacked. Copying is what a sample costs most whom it interrupts (README.md): it begins
/// small.
///
/// Threads: of one at a time.
class StackCopySize {
 public:
  static constexpr std::uint32_t kLeast = 4096;
  static constexpr std::uint32_t kMost = 32768;  ///< the kernel takes less than 64 KiB

  /// `bytes`: a multiple of 8; 0: no copies.
  explicit StackCopySize(std::uint32_t bytes = kLeast) : bytes_(bytes) {}

  std::uint32_t bytes() const { return bytes_; }

  /// Of `walked` stacks of a round `ended` were longer than the copy and could not be followed
  /// beyond it. More than 1 %: the next round's copies are twice as long, up to kMost.
  void learn(std::uint64_t walked, std::uint64_t ended) {
    if (100 * ended > walked) bytes_ = std::max(bytes_, std::min(2 * bytes_, kMost));
  }

 private:
  std::uint32_t bytes_;
};

}  // namespace vfsprof::harness
