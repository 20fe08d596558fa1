#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

#include "vfs/base/unique_fd.h"

namespace vfsprof::vfs {

/// Serves one request at a time, and says when nothing goes on: for runs whose counts repeat
/// exactly. A session thread waits for a request, serves it and waits for the workers before any
/// other thread does; so nothing that runs behind a request meets the next one. What `control`
/// sends is answered, byte by byte, once the kernel has no request left (also none that nobody
/// waits for: release, forget) and every thread is idle.
/// Threads: `attach` and the turns from any; one caller at a time asks through `control`.
class Lockstep {
 public:
  /// `control`: a connected socket. `wait_for_workers` returns once they are idle.
  Lockstep(UniqueFd control, std::function<void()> wait_for_workers);
  ~Lockstep();
  Lockstep(const Lockstep&) = delete;
  Lockstep& operator=(const Lockstep&) = delete;

  /// From here on questions are answered, for the requests that come over `device`.
  void attach(int device);

  /// The calling thread's turn: it receives a request, serves it, and gives the turn to the next.
  class Turn {
   public:
    /// `lockstep` may be null: then every thread has its turn at any time.
    explicit Turn(Lockstep* lockstep);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    /// A request came: until the end of the turn it is being served.
    void received();

   private:
    Lockstep* lockstep_;
  };

 private:
  void answer();
  bool is_idle() const;

  const UniqueFd control_;
  const std::function<void()> wait_for_workers_;
  int device_ = -1;  ///< set before the thread starts
  std::mutex turn_;
  std::atomic<pid_t> receiver_ = 0;          ///< the thread that waits for a request; 0: none does
  std::atomic<std::uint64_t> received_ = 0;  ///< requests
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace vfsprof::vfs
