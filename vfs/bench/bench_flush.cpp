// flush/VALUE/DURABILITY/SIZE: a dirty file is written back to a disk cache in the folder for
// temporary files (TMPDIR). Each thread writes a file of its own.

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/base/result.h"
#include "vfs/bench/bench.h"
#include "vfs/durability/disk_cache.h"
#include "vfs/strategies.h"
#include "vfs/tests/temporary_directory.h"

namespace vfsprof::vfs::bench {
namespace {

constexpr std::uint64_t kChunkBytes = 1 << 20;

template <class F>
struct Disk {
  TemporaryDirectory directory;
  DiskCache cache{directory.path()};
  F flush;
};

/// The chunks of `bytes`.
std::vector<ChunkIndex> chunks_of(std::size_t bytes) {
  std::vector<ChunkIndex> chunks;
  for (std::uint32_t i = 0; i * kChunkBytes < bytes; ++i) chunks.push_back({i});
  return chunks;
}

/// A file whose chunks are all dirty and in memory.
FileImage dirty_file(int number, const std::vector<std::byte>& content,
                     const std::vector<ChunkIndex>& chunks) {
  return {.inode = {kRootInode.value + 1 + static_cast<std::uint64_t>(number)},
          .size = content.size(),
          .chunk_bytes = kChunkBytes,
          .dirty = chunks,
          .in_place_bytes = 0,
          .read = [&content](std::uint64_t offset, std::span<std::byte> out) -> Result<void> {
            const auto from = std::span(content).subspan(offset, out.size());
            std::ranges::copy(from, out.begin());
            return {};
          }};
}

template <class F>
void write_back(benchmark::State& state, std::size_t bytes, Durability durability) {
  Disk<F>& disk = Shared<Disk<F>>::get();
  const std::vector<std::byte> content(bytes, std::byte{1});
  const std::vector<ChunkIndex> chunks = chunks_of(bytes);
  const FileImage file = dirty_file(state.thread_index(), content, chunks);
  Result<void> result;
  for (auto _ : state) {
    const Result<void> written = disk.flush.write_back(file, disk.cache, durability);
    if (!written) result = written;
  }
  if (!result) {
    const std::string what = fmt::format("cannot write to {}: {}", disk.directory.path().string(),
                                         describe(result.error()));
    state.SkipWithError(what.c_str());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

template <class F>
void add_flush() {
  struct Case {
    std::string_view name;
    std::size_t bytes;
    Durability durability;
  };
  for (const Case& tested : {Case{"on_request/64k", 64 << 10, Durability::kOnRequest},
                             Case{"on_request/4m", 4 << 20, Durability::kOnRequest},
                             Case{"durable/64k", 64 << 10, Durability::kDurable},
                             Case{"durable/4m", 4 << 20, Durability::kDurable}}) {
    Shared<Disk<F>>::use_in(
        add(fmt::format("flush/{}/{}", F::kName, tested.name), [tested](benchmark::State& state) {
          write_back<F>(state, tested.bytes, tested.durability);
        }));
  }
}

}  // namespace

void add_flush_benchmarks() {
  for_each_type(FlushList{}, []<class F>(TypeTag<F>) { add_flush<F>(); });
}

}  // namespace vfsprof::vfs::bench
