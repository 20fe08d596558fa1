#include "vfs/executor/block_on.h"

#include "vfs/base/thread_name.h"

namespace vfsprof::vfs {

BlockOn::BlockOn(WorkerPool& workers) : workers_(workers), dispatcher_([this] { dispatch(); }) {}

BlockOn::~BlockOn() {
  queue_.close();
  dispatcher_.join();
}

void BlockOn::dispatch() {
  set_current_thread_name(kDispatcherThread);
  while (Task* const task = queue_.pop()) workers_.spawn(*task);
}

}  // namespace vfsprof::vfs
