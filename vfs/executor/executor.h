#pragma once

#include <concepts>
#include <string_view>

#include "vfs/executor/task.h"
#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {

/// An executor: how a session thread gets a write done.
///
/// | expression | type | meaning |
/// |---|---|---|
/// | `E::kName`, `E::kSummary` | string_view | its name on the command line, and what it stands for |
/// | `E::kInPlace` | bool | writes run on the calling thread: the engine is entered directly, nothing is constructed |
/// | `E e(workers)` | | a hand-over to the workers; may start threads of its own |
/// | `e.run(task)` | void | runs the task to its end on another thread; the caller waits. Threads: safe |
template <class E>
concept Executor = requires {
  { E::kName } -> std::convertible_to<std::string_view>;
  { E::kSummary } -> std::convertible_to<std::string_view>;
  { E::kInPlace } -> std::convertible_to<bool>;
} && (E::kInPlace || requires(E& executor, WorkerPool& workers, Task& task) {
  E(workers);
  executor.run(task);
});

}  // namespace vfsprof::vfs
