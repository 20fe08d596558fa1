#pragma once

#include <concepts>
#include <memory_resource>
#include <string_view>

namespace vfsprof::vfs {

/// Where the memory of blocks comes from: a std::pmr::memory_resource that each block asks once,
/// for a whole chunk.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `M::kName`, `M::kSummary` | string_view | its name on the command line, and what it stands for
/// | | `M()` | | a memory_resource. Threads: safe |
template <class M>
concept Memory =
    std::derived_from<M, std::pmr::memory_resource> && std::default_initializable<M> && requires {
      { M::kName } -> std::convertible_to<std::string_view>;
      { M::kSummary } -> std::convertible_to<std::string_view>;
    };

}  // namespace vfsprof::vfs
