#pragma once

#include <concepts>
#include <string_view>

#include "vfs/executor/task.h"
#include "vfs/executor/worker_pool.h"

namespace vfsprof::vfs {

/// An executor: how a session thread gets a write done.
///
/// | expression         | type        | meaning                                                |
/// |--------------------|-------------|--------------------------------------------------------|
/// | `E::kName`         | string_view | its name on the command line                           |
/// | `E::kSummary`      | string_view | what it stands for                                     |
/// | `E::kInPlace`      | bool        | writes enter the engine directly; nothing is built     |
/// | `E e(workers)`     |             | hands over to the workers; may start threads           |
/// | `e.run(task)`      | void        | runs it on another thread and waits. Threads: safe     |
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
