#pragma once

#include <sys/uio.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace vfsprof::vfs {

class OperationLog;

/// Writes the requests that the daemon serves to a file, as a list of operations.
///
/// Each thread notes requests and replies in a buffer of its own (about 100 bytes each, no
/// payload); a thread of the recorder empties them, joins requests with their replies, and writes
/// operations in the order in which their requests came. A thread whose buffer is full waits for
/// it: nothing is lost, and memory is bounded.
///
/// Threads: `request` and `reply` may be called from any thread. The destructor, or `finish`, is
/// called once nobody does any more.
class RequestRecorder {
 public:
  /// Creates the file, or empties it. Errors: std::system_error.
  RequestRecorder(const std::filesystem::path& file, const std::string& summary);
  ~RequestRecorder();
  RequestRecorder(const RequestRecorder&) = delete;
  RequestRecorder& operator=(const RequestRecorder&) = delete;

  /// A request was read. `message` begins with its fuse_in_header; of a write it may be only the
  /// headers.
  void request(std::span<const std::byte> message);
  /// A reply is about to be sent: its first part is a fuse_out_header.
  void reply(const iovec* parts, int count);

  /// Writes what is left, and the last line. Returns 0, or the errno of a write that failed: the
  /// file is not whole then.
  int finish();

  struct Buffer;

 private:
  Buffer& buffer_of_this_thread();
  void append(std::uint8_t kind, std::span<const std::byte> head,
              std::span<const std::span<const std::byte>> parts);
  void write_out();
  void drain();
  void put(const std::string& text);

  const std::uint64_t number_;  ///< of the recorder: a thread's buffer belongs to one
  const std::uint64_t start_ns_;
  int file_ = -1;
  int error_ = 0;
  std::unique_ptr<OperationLog> log_;
  std::mutex mutex_;              ///< guards what follows; taken before a buffer's
  std::deque<Buffer> buffers_;    ///< never moved
  std::condition_variable wake_;  ///< the writer: a buffer is half full, or the end
  bool ending_ = false;
  bool urgent_ = false;
  std::thread writer_;
};

/// What records this process's requests; null if nothing does. Set before the first request, and
/// reset after the last.
extern RequestRecorder* request_recorder;

}  // namespace vfsprof::vfs
