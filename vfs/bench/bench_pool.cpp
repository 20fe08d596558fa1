// pool/VALUE/SPREAD/ACCESS/STRATEGIES: one access to a block that is in the pool.

#include <fmt/format.h>

#include "vfs/bench/bench.h"
#include "vfs/bench/pool_subjects.h"

namespace vfsprof::vfs::bench {
namespace {

template <class Subject, class Access>
void access_blocks(benchmark::State& state, Spread spread) {
  Subject& subject = Shared<Subject>::get();
  Walk walk(state, spread);
  bool found = true;
  for (auto _ : state) found &= Access::apply(subject, walk.next());
  if (!found) state.SkipWithError("a block is missing from the pool");
  state.SetItemsProcessed(state.iterations());
}

template <class Subject, class Access>
void add_access() {
  for (const Spread spread : {Spread::kHot, Spread::kOwn}) {
    Shared<Subject>::use_in(
        add(fmt::format("pool/{}/{}/{}/{}", Subject::name(), name_of(spread), Access::kName,
                        Subject::description()),
            [spread](benchmark::State& state) { access_blocks<Subject, Access>(state, spread); }));
  }
}

}  // namespace

void add_pool_benchmarks() {
  for_each_pool_subject([]<class Subject>(TypeTag<Subject>) {
    add_access<Subject, ModifyAccess>();
    add_access<Subject, ReadAccess>();
    add_access<Subject, WriteAccess>();
  });
}

}  // namespace vfsprof::vfs::bench
