#pragma once

#include <deque>

#include "vfs/executor/task.h"

namespace vfsprof::vfs {

/// The run loop of one thread: tasks that it posted to itself, first in, first out. Threads: only
/// the thread that it belongs to; so there is no lock, and nobody to wake.
class RunQueue {
 public:
  /// The task must live until it has run.
  void post(Task& task) { tasks_.push_back(&task); }

  /// Runs tasks until there are none, those included that tasks post meanwhile.
  void run() {
    while (!tasks_.empty()) {
      Task& task = *tasks_.front();
      tasks_.pop_front();
      task.execute();
    }
  }

  static RunQueue& of_this_thread() {
    thread_local RunQueue queue;
    return queue;
  }

 private:
  std::deque<Task*> tasks_;
};

}  // namespace vfsprof::vfs
