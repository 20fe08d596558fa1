#pragma once

#include <cstdint>

namespace vfsprof::vfs {

/// How often the calling thread has allocated from the C library's heap, by malloc and the like or
/// by operator new, which calls them. The program's own malloc counts and goes on to the C
/// library's.
std::uint64_t allocations();

/// False under a sanitizer, which replaces the same functions: then nothing is counted.
bool counts_allocations();

}  // namespace vfsprof::vfs
