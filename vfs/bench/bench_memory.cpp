// memory/VALUE/SIZE: the memory of a chunk is allocated, each of its pages touched, and given back.

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <string_view>
#include <vector>

#include "vfs/bench/bench.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs::bench {
namespace {

/// What fresh pages from the kernel cost: a mapping of its own for each chunk.
class FreshMapping final : public BlockMemory {
 public:
  static constexpr std::string_view kName = "baseline-mmap";

  std::size_t segment_bytes(std::size_t chunk_bytes) const override { return chunk_bytes; }
  bool fills_growth() const override { return false; }
  std::size_t slab_bytes() const override { return 0; }
  std::byte* allocate(std::size_t bytes) override {
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    return static_cast<std::byte*>(memory);
  }
  void release(std::byte* memory, std::size_t bytes) noexcept override { ::munmap(memory, bytes); }
};

template <class M>
void use_chunks(benchmark::State& state, std::size_t bytes) {
  M& memory = Shared<M>::get();
  const std::size_t segment = memory.segment_bytes(bytes);
  std::vector<std::byte*> chunk(bytes / segment);
  for (auto _ : state) {
    for (std::byte*& part : chunk) {
      part = memory.allocate(segment);
      for (std::size_t at = 0; at < segment; at += kPageBytes) part[at] = std::byte{1};
    }
    benchmark::ClobberMemory();
    for (std::byte* const part : chunk) memory.release(part, segment);
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
