#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace vfsprof::harness {

/// Names one block's contents: which write of the client put them there (0: the prefill).
struct BlockKey {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t sequence = 0;
};

/// The contents of every block that a client writes: the same for the same seed, client and key,
/// different for different ones. Costs some 10 ns a block: a window of a random buffer, with a
/// header that bears the key.
/// Threads: not safe; each client has its own.
class BlockData {
 public:
  struct Identity {
    std::uint64_t seed = 1;
    unsigned client = 0;
    std::size_t block_bytes = 4096;  ///< at least the header's size
  };

  explicit BlockData(Identity identity);

  /// The block's contents, page-aligned, valid until the next call.
  std::span<const std::byte> block(const BlockKey& key);

 private:
  struct Header {
    std::uint64_t origin = 0;  ///< of seed and client
    std::uint64_t file = 0;
    std::uint64_t offset = 0;
    std::uint64_t sequence = 0;
  };
  struct Free {
    void operator()(std::byte* memory) const;
  };

  void put_back();

  std::uint64_t origin_;
  std::size_t block_bytes_;
  std::unique_ptr<std::byte, Free> random_bytes_;
  std::byte* patched_ = nullptr;  ///< where a header covers random bytes
  Header covered_{};              ///< those bytes
};

}  // namespace vfsprof::harness
