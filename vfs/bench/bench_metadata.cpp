// metadata/VALUE/write/SPREAD: what a write asks and tells of its file: how long is it, what
// changed.

#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "vfs/bench/bench.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs::bench {
namespace {

constexpr std::uint64_t kChunkBytes = 1 << 20;

/// The files of a benchmark, and what a write does to one.
template <class M>
class Files {
 public:
  Files() {
    for (std::uint64_t file = 0; file < kFiles; ++file)
      metadata_.add(files_[file], inode(file), {});
  }

  bool write(const Place& place, const timespec& now) {
    auto& file = files_[place.file];
    const InodeId id = inode(place.file);
    const ChunkIndex chunk{place.chunk};
    const WriteRecord record{
        .first = chunk, .last = chunk, .end = (place.chunk + 1) * kChunkBytes, .now = now};
    return metadata_.extent(file, id).has_value() &&
           metadata_.record_write(file, id, record).has_value();
  }

 private:
  static InodeId inode(std::uint64_t file) { return {kRootInode.value + 1 + file}; }

  M metadata_;
  std::array<typename M::PerFile, kFiles> files_;
};

template <class M>
void write_files(benchmark::State& state, Spread spread) {
  Files<M>& files = Shared<Files<M>>::get();
  Walk walk(state, spread);
  timespec now{};
  bool written = true;
  for (auto _ : state) {
    ++now.tv_sec;
    written &= files.write(walk.next(), now);
  }
  if (!written) state.SkipWithError("a file is gone");
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void add_metadata_benchmarks() {
  for_each_type(MetadataList{}, []<class M>(TypeTag<M>) {
    for (const Spread spread : {Spread::kHot, Spread::kOwn}) {
      Shared<Files<M>>::use_in(
          add(fmt::format("metadata/{}/write/{}", M::kName, name_of(spread)),
              [spread](benchmark::State& state) { write_files<M>(state, spread); }));
    }
  });
}

}  // namespace vfsprof::vfs::bench
