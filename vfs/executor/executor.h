#pragma once

#include <concepts>
#include <string_view>

#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {

/// An executor: which thread runs a write, and how it gets there.
///
/// | expression         | type        | meaning                                                |
/// |--------------------|-------------|--------------------------------------------------------|
/// | `E::kName`         | string_view | its name on the command line                           |
/// | `E::kSummary`      | string_view | what it stands for                                     |
/// | `E::kInPlace`      | bool        | `run` stays on the calling thread                      |
/// | `E e(workers)`     |             | may start threads; the workers outlive it              |
/// | `e.run(work)`      | void        | calls `work()` once and waits for its end; throws what |
/// |                    |             | it threw. Threads: safe, from any but the workers      |
///
/// An executor in place must not be kept waiting by a slow store, as its session thread has other
/// requests to serve: the front end asks the engine for as much of a write as needs no object
/// fetched, and posts the rest to the workers (frontend.h).
template <class E>
concept Executor = requires(E& executor, WorkerPool& workers, void (*work)()) {
  { E::kName } -> std::convertible_to<std::string_view>;
  { E::kSummary } -> std::convertible_to<std::string_view>;
  { E::kInPlace } -> std::convertible_to<bool>;
  E(workers);
  executor.run(work);
};

}  // namespace vfsprof::vfs
