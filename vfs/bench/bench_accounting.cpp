// accounting/VALUE/update: a block of a thread's own was used and changed its size.
// accounting/VALUE/mark/SPREAD: a block was used; the only call that threads make at once for one.

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <mutex>

#include "vfs/bench/bench.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs::bench {
namespace {

/// The accounting of a pool that does not lock around it, with a block for each place.
template <class A>
class Books {
 public:
  Books() {
    for (std::uint64_t file = 0; file < kFiles; ++file) {
      for (std::uint32_t chunk = 0; chunk < kChunksPerFile; ++chunk) {
        accounting_.insert(node({file, chunk}), Packed({file}, {chunk}), 1);
      }
    }
  }
  ~Books() {
    for (auto& file : nodes_) {
      for (auto& node : file) accounting_.erase(node);
    }
  }
  Books(const Books&) = delete;
  Books& operator=(const Books&) = delete;

  void update(const Place& place, std::uint64_t bytes) { accounting_.update(node(place), bytes); }
  void mark(const Place& place) { accounting_.mark(node(place)); }

 private:
  using Accounting = A::template Of<Packed, std::mutex>;
  using Node = Accounting::Node;

  Node& node(const Place& place) { return nodes_[place.file][place.chunk]; }

  Accounting accounting_;
  std::array<std::array<Node, kChunksPerFile>, kFiles> nodes_;
};

template <class A>
void update(benchmark::State& state) {
  Books<A>& books = Shared<Books<A>>::get();
  Walk walk(state, Spread::kOwn);
  std::uint64_t bytes = 1;
  for (auto _ : state) books.update(walk.next(), ++bytes);
  state.SetItemsProcessed(state.iterations());
}

template <class A>
void mark(benchmark::State& state, Spread spread) {
  Books<A>& books = Shared<Books<A>>::get();
  Walk walk(state, spread);
  for (auto _ : state) books.mark(walk.next());
  state.SetItemsProcessed(state.iterations());
}

template <class A>
void add_accounting() {
  Shared<Books<A>>::use_in(add(fmt::format("accounting/{}/update/own", A::kName), update<A>));
  for (const Spread spread : {Spread::kHot, Spread::kOwn}) {
    Shared<Books<A>>::use_in(add(fmt::format("accounting/{}/mark/{}", A::kName, name_of(spread)),
                                 [spread](benchmark::State& state) { mark<A>(state, spread); }));
  }
}

}  // namespace

void add_accounting_benchmarks() {
  for_each_type(AccountingList{}, []<class A>(TypeTag<A>) { add_accounting<A>(); });
}

}  // namespace vfsprof::vfs::bench
