// copy/VALUE/SIZE: a payload on its way from the request buffer into a block: staged, taken,
// copied.

#include <fmt/format.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "vfs/bench/bench.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs::bench {
namespace {

/// The floor: the copy alone, uncounted.
struct Memcpy {
  static constexpr std::string_view kName = "baseline-memcpy";
  static void write(std::span<std::byte> block, std::span<const std::byte> payload) {
    std::memcpy(block.data(), payload.data(), payload.size());
  }
};

/// The steps of a write that lies in one chunk.
template <class C>
struct Write {
  static constexpr std::string_view kName = C::kName;
  static void write(std::span<std::byte> block, std::span<const std::byte> payload) {
    const StagedPayload staged = C::stage(payload);
    const auto& taken = C::take(staged.bytes);
    copy_bytes(block, taken);
  }
};

template <class W>
void write_payloads(benchmark::State& state, std::size_t bytes) {
  const std::vector<std::byte> payload(bytes, std::byte{1});
  std::vector<std::byte> block(bytes);
  for (auto _ : state) {
    W::write(block, payload);
    benchmark::ClobberMemory();
  }
  if (block != payload) state.SkipWithError("the payload is not in the block");
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

template <class W>
void add_copy() {
  struct Size {
    std::string_view name;
    std::size_t bytes;
  };
  for (const Size& size : {Size{"4k", 4 << 10}, Size{"1m", 1 << 20}}) {
    add(fmt::format("copy/{}/{}", W::kName, size.name),
        [bytes = size.bytes](benchmark::State& state) { write_payloads<W>(state, bytes); });
  }
}

}  // namespace

void add_copy_benchmarks() {
  add_copy<Memcpy>();
  for_each_type(CopyList{}, []<class C>(TypeTag<C>) { add_copy<Write<C>>(); });
}

}  // namespace vfsprof::vfs::bench
