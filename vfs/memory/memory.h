#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>

namespace vfsprof::vfs {

/// Memory in pages: what the kernel maps, and the unit in which payloads can change hands.
inline constexpr std::size_t kPageBytes = 4096;

/// Where the memory of blocks comes from. A block holds its bytes in segments of one size, which it
/// asks for as it grows. Called when a block grows or goes, not for each write, so a run-time
/// interface. Threads: safe.
class BlockMemory {
 public:
  virtual ~BlockMemory() = default;

  /// Bytes of a segment, a power of two from kPageBytes to `chunk_bytes`, which is one too.
  virtual std::size_t segment_bytes(std::size_t chunk_bytes) const = 0;
  /// Whether a block that grows is filled with zeros up to its new size, though a payload follows.
  virtual bool fills_growth() const = 0;
  /// Bytes of a run of pages that `allocate` gives too, and whose pages can be released one by one;
  /// 0: there are no such runs.
  virtual std::size_t slab_bytes() const = 0;
  /// A segment, page-aligned, with any content. Errors: std::bad_alloc.
  virtual std::byte* allocate(std::size_t bytes) = 0;
  virtual void release(std::byte* memory, std::size_t bytes) noexcept = 0;
};

/// | expression | type | meaning |
/// |---|---|---|
/// | `M::kName`, `M::kSummary` | string_view | its name on the command line, what it stands for |
/// | `M()` | | a BlockMemory |
template <class M>
concept Memory = std::derived_from<M, BlockMemory> && std::default_initializable<M> && requires {
  { M::kName } -> std::convertible_to<std::string_view>;
  { M::kSummary } -> std::convertible_to<std::string_view>;
};

}  // namespace vfsprof::vfs
