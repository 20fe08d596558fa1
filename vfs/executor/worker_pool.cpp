#include "vfs/executor/worker_pool.h"

#include "vfs/base/thread_name.h"
#include "vfs/counters.h"

namespace vfsprof::vfs {

WorkerPool::WorkerPool(unsigned workers) {
  for (unsigned i = 0; i < workers; ++i) workers_.push_back(std::make_unique<Worker>());
  for (auto& worker : workers_) {
    worker->thread = std::thread([this, &worker = *worker] { work(worker); });
    set_thread_name(worker->thread.native_handle(), kWorkerThread);
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  for (auto& worker : workers_) worker->parker.unpark();
  for (auto& worker : workers_) worker->thread.join();
}

void WorkerPool::spawn(Task& task) {
  // Before the task can end, so that whoever waits for it finds it counted.
  count(Counter::kHandOffs);
  Worker* const worker = push_remote_task(task);
  if (worker != nullptr) worker->parker.unpark();
}

WorkerPool::Worker* WorkerPool::push_remote_task(Task& task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(&task);
  return worker_to_notify();
}

void WorkerPool::wait_until_idle() {
  std::unique_lock lock(mutex_);
  ++idle_waiters_;
  all_idle_.wait(lock, [this] { return tasks_.empty() && idle_.size() == workers_.size(); });
  --idle_waiters_;
}

/// The worker to wake for a new task; none if all are busy (the first to finish takes it). Call
/// with the lock held.
WorkerPool::Worker* WorkerPool::worker_to_notify() {
  if (idle_.empty()) return nullptr;
  Worker* const worker = idle_.back();
  idle_.pop_back();
  return worker;
}

/// The next task, or nothing if there is none: then the worker counts as idle and must park.
Task* WorkerPool::next_task(Worker& worker) {
  const std::lock_guard lock(mutex_);
  if (tasks_.empty()) {
    if (!stopping_) idle_.push_back(&worker);
    if (idle_waiters_ > 0 && idle_.size() == workers_.size()) all_idle_.notify_all();
    return nullptr;
  }
  Task* const task = tasks_.front();
  tasks_.pop_front();
  return task;
}

void WorkerPool::work(Worker& worker) {
  while (true) {
    if (Task* const task = next_task(worker)) {
      task->execute();
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    worker.parker.park(spin_.load(std::memory_order_relaxed));
  }
}

}  // namespace vfsprof::vfs
