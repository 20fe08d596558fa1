#include "vfs/executor/frontend.h"

#include <type_traits>
#include <utility>

#include "vfs/base/check.h"
#include "vfs/executor/executor.h"
#include "vfs/executor/task.h"
#include "vfs/executor/worker_pool.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs {
namespace {

/// Runs `work` as a task by way of `runner.run(task)` and returns its result.
template <class Runner, class Work>
auto run_on(Runner& runner, Work work) {
  std::invoke_result_t<Work> result;
  TaskOf task([&] { result = work(); });
  runner.run(task);
  return result;
}

/// Waiting requests and, for an executor in place, writes: what both kinds of front end share.
/// `Runner` is who takes the waiting requests.
template <class Runner>
class WaitingRequests : public Frontend {
 public:
  WaitingRequests(Engine& engine, Runner& runner) : engine_(engine), runner_(runner) {}

  Result<void> flush(InodeId inode, HandleId handle) override {
    return run_on(runner_, [&] { return engine_.flush(inode, handle); });
  }
  Result<void> release(InodeId inode, HandleId handle) override {
    return run_on(runner_, [&] { return engine_.release(inode, handle); });
  }
  Result<void> sync(InodeId inode, HandleId handle, SyncScope scope) override {
    return run_on(runner_, [&] { return engine_.sync(inode, handle, scope); });
  }
  Result<void> sync_directory(InodeId directory) override {
    return run_on(runner_, [&] { return engine_.sync_directory(directory); });
  }

 protected:
  Engine& engine_;
  Runner& runner_;
};

/// The workers, constructed before the base class that refers to them.
struct Workers {
  WorkerPool pool{kWorkers};
};

class InPlaceFrontend final : Workers, public WaitingRequests<WorkerPool> {
 public:
  explicit InPlaceFrontend(Engine& engine) : WaitingRequests(engine, pool) {}
  WritePath& writes() override { return engine_; }
};

template <class E>
struct HandOver : Workers {
  E executor{pool};
};

/// Hands writes over too: staged on the calling thread (the write must own its data if its copy
/// strategy says so), run on a worker.
template <Executor E>
class HandOverFrontend final : HandOver<E>, public WaitingRequests<E>, public WritePath {
 public:
  explicit HandOverFrontend(Engine& engine) : WaitingRequests<E>(engine, HandOver<E>::executor) {}

  WritePath& writes() override { return *this; }

  Result<std::size_t> write(const WriteRequest& request) override {
    const StagedPayload payload = this->engine_.stage(request.payload);
    return run_on(this->runner_, [&] { return this->engine_.write_staged(request, payload); });
  }
};

}  // namespace

std::unique_ptr<Frontend> make_frontend(std::string_view executor, Engine& engine) {
  std::unique_ptr<Frontend> frontend;
  for_each_type(ExecutorList{}, [&]<class E>(TypeTag<E>) {
    if (E::kName != executor) return;
    if constexpr (E::kInPlace) {
      frontend = std::make_unique<InPlaceFrontend>(engine);
    } else {
      frontend = std::make_unique<HandOverFrontend<E>>(engine);
    }
  });
  VFSPROF_CHECK(frontend != nullptr);  // variant.h lets no other name through
  return frontend;
}

}  // namespace vfsprof::vfs
