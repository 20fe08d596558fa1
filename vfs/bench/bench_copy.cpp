// copy/VALUE/SIZE: a payload on its way from the request buffer into a block: staged, and put
// there. A value that keeps pages gets payloads in pages of the pool's memory, as the session
// receives them.

#include <fmt/format.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "vfs/bench/bench.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs::bench {
namespace {

/// The floor: the copy alone, uncounted.
class Memcpy {
 public:
  static constexpr std::string_view kName = "baseline-memcpy";
  explicit Memcpy(std::size_t bytes) : payload_(bytes, std::byte{1}), block_(bytes) {}
  void write() { std::memcpy(block_.data(), payload_.data(), payload_.size()); }
  bool is_written() { return block_ == payload_; }

 private:
  std::vector<std::byte> payload_;
  std::vector<std::byte> block_;
};

/// The steps of a write that lies in one chunk.
template <class C>
class Write {
 public:
  static constexpr std::string_view kName = C::kName;

  explicit Write(std::size_t bytes) : content_(bytes, std::byte{1}), block_(memory_, bytes) {
    if constexpr (C::kKeepsPages) pages_.emplace(memory_, bytes);
    block_.resize(bytes);
  }

  void write() {
    const StagedPayload staged = C::stage(payload());
    C::put(block_, 0, {.payload = staged.payload, .offset = 0, .size = content_.size()});
    if (pages_) pages_->renew();
  }
  /// Whether the bytes came: pages that change hands hold what the kernel would have put there.
  bool is_written() {
    if (C::kKeepsPages) return block_.size() == content_.size();
    std::vector<std::byte> got(content_.size());
    block_.read(0, got);
    return got == content_;
  }

 private:
  Payload payload() {
    if (!pages_) return Payload(content_);
    return {pages_->first(), pages_->rest().first(content_.size() - kPageBytes), &*pages_};
  }

  Arena memory_;
  std::vector<std::byte> content_;
  BlockBytes block_;
  std::optional<PayloadPages> pages_;
};

template <class W>
void write_payloads(benchmark::State& state, std::size_t bytes) {
  W subject(bytes);
  for (auto _ : state) {
    subject.write();
    benchmark::ClobberMemory();
  }
  if (!subject.is_written()) state.SkipWithError("the payload is not in the block");
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
