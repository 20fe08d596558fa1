#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

namespace vfsprof::vfs {

class PayloadPages;

/// The bytes of a write: one or two pieces of memory, which belong to the caller until the reply.
/// Where they lie in pages that the receiver may keep, `pages` says so.
class Payload {
 public:
  Payload() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a span is a payload in one piece
  Payload(std::span<const std::byte> bytes) : first_(bytes) {}
  Payload(std::span<const std::byte> first, std::span<const std::byte> rest, PayloadPages* pages)
      : first_(first), rest_(rest), pages_(pages) {}

  std::size_t size() const { return first_.size() + rest_.size(); }
  bool empty() const { return size() == 0; }
  /// Whose pages the whole payload fills from the first byte on; null if it must be copied.
  PayloadPages* pages() const { return pages_; }

  /// Where the first bytes lie.
  const std::byte* data() const { return first_.data(); }

  /// Copies `out.size()` bytes from `offset` on. They must be there.
  void copy_to(std::size_t offset, std::span<std::byte> out) const {
    std::size_t done = 0;
    if (offset < first_.size()) {
      done = std::min(out.size(), first_.size() - offset);
      std::memcpy(out.data(), first_.data() + offset, done);
    }
    if (done < out.size()) {
      std::memcpy(out.data() + done, rest_.data() + (offset + done - first_.size()),
                  out.size() - done);
    }
  }

 private:
  std::span<const std::byte> first_;
  std::span<const std::byte> rest_;
  PayloadPages* pages_ = nullptr;
};

/// The part of a payload that goes into one chunk.
struct PayloadPart {
  const Payload& payload;
  std::size_t offset = 0;  ///< bytes into the payload
  std::size_t size = 0;    ///< bytes
};

}  // namespace vfsprof::vfs
