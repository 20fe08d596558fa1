// memory/VALUE/SIZE: the memory of a chunk is allocated, each of its pages touched, and given back.

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <memory_resource>
#include <new>
#include <string_view>

#include "vfs/bench/bench.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs::bench {
namespace {

/// What fresh pages from the kernel cost: a mapping of its own for each chunk.
class FreshMapping final : public std::pmr::memory_resource {
 public:
  static constexpr std::string_view kName = "baseline-mmap";

 private:
  void* do_allocate(std::size_t bytes, std::size_t) override {
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return memory;
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t) override {
    ::munmap(memory, bytes);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

template <class M>
void use_chunks(benchmark::State& state, std::size_t bytes) {
  M& memory = Shared<M>::get();
  const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  for (auto _ : state) {
    auto* const chunk = static_cast<std::byte*>(memory.allocate(bytes));
    for (std::size_t page = 0; page < bytes; page += page_bytes) chunk[page] = std::byte{1};
    benchmark::DoNotOptimize(chunk);
    benchmark::ClobberMemory();
    memory.deallocate(chunk, bytes);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

template <class M>
void add_memory() {
  struct Size {
    std::string_view name;
    std::size_t bytes;
  };
  for (const Size& size : {Size{"64k", 64 << 10}, Size{"1m", 1 << 20}}) {
    Shared<M>::use_in(
        add(fmt::format("memory/{}/{}", M::kName, size.name),
            [bytes = size.bytes](benchmark::State& state) { use_chunks<M>(state, bytes); }));
  }
}

}  // namespace

void add_memory_benchmarks() {
  add_memory<FreshMapping>();
  for_each_type(MemoryList{}, []<class M>(TypeTag<M>) { add_memory<M>(); });
}

}  // namespace vfsprof::vfs::bench
