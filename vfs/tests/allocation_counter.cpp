#include "vfs/tests/allocation_counter.h"

#include <cerrno>
#include <cstddef>

#include "vfs/tests/interposing.h"

namespace vfsprof::vfs {
namespace {

thread_local std::uint64_t count_of_thread = 0;

}  // namespace

std::uint64_t allocations() { return count_of_thread; }
bool counts_allocations() { return VFSPROF_CAN_INTERPOSE != 0; }

}  // namespace vfsprof::vfs

#if VFSPROF_CAN_INTERPOSE

// glibc's own names of its functions. Not found by dlsym, as that may allocate.
extern "C" {
void* __libc_malloc(std::size_t bytes);                           // NOLINT
void* __libc_calloc(std::size_t count, std::size_t bytes);        // NOLINT
void* __libc_realloc(void* memory, std::size_t bytes);            // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t bytes);  // NOLINT

void* malloc(std::size_t bytes) noexcept {
  ++vfsprof::vfs::count_of_thread;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) noexcept {
  ++vfsprof::vfs::count_of_thread;
  return __libc_calloc(count, bytes);
}
void* realloc(void* memory, std::size_t bytes) noexcept {
  ++vfsprof::vfs::count_of_thread;
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  ++vfsprof::vfs::count_of_thread;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) noexcept {
  ++vfsprof::vfs::count_of_thread;
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
}

#endif
