#include "vfs/executor/block_on.h"

#include "vfs/base/thread_name.h"

namespace vfsprof::vfs {

BlockOn::BlockOn(WorkerPool& workers) : workers_(workers), dispatcher_([this] { dispatch(); }) {
  set_thread_name(dispatcher_.native_handle(), kDispatcherThread);
}

BlockOn::~BlockOn() {
  queue_.close();
  dispatcher_.join();
}

void BlockOn::dispatch() {
  while (Task* const task = queue_.pop()) workers_.spawn(*task);
}

}  // namespace vfsprof::vfs
