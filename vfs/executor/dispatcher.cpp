#include "vfs/executor/dispatcher.h"

#include "vfs/base/thread_name.h"

namespace vfsprof::vfs {

Dispatcher::Dispatcher(WorkerPool& workers, SpinLimit spin)
    : workers_(workers), spin_(spin), thread_([this] { dispatch(); }) {
  set_thread_name(thread_.native_handle(), kDispatcherThread);
}

Dispatcher::~Dispatcher() {
  queue_.close();
  thread_.join();
}

void Dispatcher::dispatch() {
  while (Task* const task = queue_.pop(spin_)) workers_.spawn(*task);
}

}  // namespace vfsprof::vfs
