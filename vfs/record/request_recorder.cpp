#include "vfs/record/request_recorder.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

#include "vfs/record/operation_log.h"

namespace vfsprof::vfs {

RequestRecorder* request_recorder = nullptr;

/// What one thread has noted. Times are taken under the lock: whatever is noted after the writer
/// has emptied a buffer is later than that.
struct RequestRecorder::Buffer {
  std::mutex mutex;
  std::condition_variable emptied;
  std::vector<std::byte> bytes;
  std::vector<std::byte> spare;  ///< empty, of a size that was needed before
  // Of the owner alone.
  std::uint64_t latest_request = 0;
  std::uint32_t latest_opcode = 0;
};

namespace {

constexpr std::size_t kFullBytes = std::size_t{4} << 20;
constexpr std::chrono::milliseconds kInterval{100};
/// What is kept of a reply: entry and open file of a create.
constexpr std::size_t kReplyBytes = sizeof(fuse_entry_out) + sizeof(fuse_open_out);

enum : std::uint8_t { kRequest, kReply };

/// Before the bytes of each message.
struct Note {
  std::uint64_t time_ns;
  std::uint64_t length;  ///< of the message as it was
  std::uint32_t kept;    ///< bytes that follow
  std::uint32_t kind;
};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                    std::chrono::nanoseconds(1));
}

bool has_reply(std::uint32_t opcode) {
  return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

std::atomic<std::uint64_t> recorders{0};

}  // namespace

RequestRecorder::RequestRecorder(const std::filesystem::path& file, const std::string& summary)
    : number_(recorders.fetch_add(1) + 1),
      start_ns_(now_ns()),
      file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)),
      log_(std::make_unique<OperationLog>(summary)) {
  if (file_ < 0) {
    throw std::system_error(errno, std::generic_category(),
                            "cannot write the recording " + file.string());
  }
  put(log_->take());
  writer_ = std::thread([this] { write_out(); });
}

RequestRecorder::~RequestRecorder() { finish(); }

RequestRecorder::Buffer& RequestRecorder::buffer_of_this_thread() {
  struct Own {
    std::uint64_t recorder = 0;
    Buffer* buffer = nullptr;
  };
  thread_local Own own;
  if (own.recorder != number_) {
    const std::lock_guard lock(mutex_);
    own = {number_, &buffers_.emplace_back()};
  }
  return *own.buffer;
}

void RequestRecorder::append(std::uint8_t kind, std::span<const std::byte> head,
                             std::span<const std::span<const std::byte>> parts) {
  Buffer& buffer = buffer_of_this_thread();
  Note note{.time_ns = 0, .length = head.size(), .kept = 0, .kind = kind};
  std::size_t kept = head.size();
  for (const auto part : parts) {
    note.length += part.size();
    kept += part.size();
  }
  // A listing is kept whole, as the names in it are needed.
  const bool whole = kind == kRequest || buffer.latest_opcode == FUSE_READDIR;
  if (!whole) kept = std::min(kept, head.size() + kReplyBytes);
  note.kept = static_cast<std::uint32_t>(kept);
  bool half_full = false;
  {
    std::unique_lock lock(buffer.mutex);
    buffer.emptied.wait(lock, [&] { return buffer.bytes.size() < kFullBytes; });
    note.time_ns = now_ns() - start_ns_;
    const auto put_bytes = [&](const void* from, std::size_t size) {
      const auto* const bytes = static_cast<const std::byte*>(from);
      buffer.bytes.insert(buffer.bytes.end(), bytes, bytes + size);
    };
    put_bytes(&note, sizeof note);
    put_bytes(head.data(), head.size());
    std::size_t left = kept - head.size();
    for (const auto part : parts) {
      const std::size_t size = std::min(left, part.size());
      put_bytes(part.data(), size);
      left -= size;
    }
    half_full = buffer.bytes.size() > kFullBytes / 2;
  }
  if (!half_full) return;
  {
    const std::lock_guard lock(mutex_);
    urgent_ = true;
  }
  wake_.notify_one();
}

void RequestRecorder::request(std::span<const std::byte> message) {
  fuse_in_header header;
  if (message.size() < sizeof header) return;
  std::memcpy(&header, message.data(), sizeof header);
  Buffer& buffer = buffer_of_this_thread();
  buffer.latest_request = header.unique;
  buffer.latest_opcode = header.opcode;
  if (!has_reply(header.opcode)) return;
  const std::size_t headers = sizeof(fuse_in_header) + sizeof(fuse_write_in);
  if (header.opcode == FUSE_WRITE) message = message.first(std::min(message.size(), headers));
  // Values of attributes are not needed.
  constexpr std::size_t kMostBytes = 16384;
  append(kRequest, message.first(std::min(message.size(), kMostBytes)), {});
}

void RequestRecorder::reply(const iovec* parts, int count) {
  fuse_out_header header;
  if (count < 1 || parts[0].iov_len < sizeof header) return;
  std::memcpy(&header, parts[0].iov_base, sizeof header);
  if (header.unique == 0) return;  // a notice
  Buffer& buffer = buffer_of_this_thread();
  if (buffer.latest_request != header.unique) buffer.latest_opcode = 0;
  std::array<std::span<const std::byte>, 8> rest;
  std::size_t used = 0;
  for (int i = 0; i < count && used < rest.size(); ++i) {
    const auto* const bytes = static_cast<const std::byte*>(parts[i].iov_base);
    const std::size_t skip = i == 0 ? sizeof header : 0;
    rest[used++] = {bytes + skip, parts[i].iov_len - skip};
  }
  append(kReply, std::as_bytes(std::span(&header, 1)), std::span(rest).first(used));
}

void RequestRecorder::put(const std::string& text) {
  std::string_view rest = text;
  while (!rest.empty() && error_ == 0) {
    const ssize_t n = ::write(file_, rest.data(), rest.size());
    if (n < 0 && errno != EINTR) error_ = errno;
    if (n > 0) rest.remove_prefix(static_cast<std::size_t>(n));
  }
}

/// Takes what all threads have noted, and writes the operations that are complete.
void RequestRecorder::drain() {
  const std::uint64_t complete_ns = now_ns() - start_ns_;
  std::vector<std::vector<std::byte>> taken;
  {
    const std::lock_guard lock(mutex_);
    urgent_ = false;
    for (Buffer& buffer : buffers_) {
      const std::lock_guard buffer_lock(buffer.mutex);
      taken.push_back(std::exchange(buffer.bytes, std::exchange(buffer.spare, {})));
      buffer.emptied.notify_one();
    }
  }
  // A reply may stand in another thread's buffer than its request: requests first.
  for (const std::uint32_t kind : {std::uint32_t{kRequest}, std::uint32_t{kReply}}) {
    for (const std::vector<std::byte>& bytes : taken) {
      for (std::size_t at = 0; at < bytes.size();) {
        Note note;
        std::memcpy(&note, bytes.data() + at, sizeof note);
        at += sizeof note;
        const auto message = std::span(bytes).subspan(at, note.kept);
        at += note.kept;
        if (note.kind != kind) continue;
        if (kind == kRequest) {
          log_->add_request(note.time_ns, message);
        } else {
          log_->add_reply(message, note.length);
        }
      }
    }
  }
  log_->translate(complete_ns);
  put(log_->take());
  // Buffers are only added, at the end.
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < taken.size(); ++i) {
    taken[i].clear();
    const std::lock_guard buffer_lock(buffers_[i].mutex);
    buffers_[i].spare = std::move(taken[i]);
  }
}

void RequestRecorder::write_out() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    wake_.wait_for(lock, kInterval, [this] { return ending_ || urgent_; });
    lock.unlock();
    drain();
    lock.lock();
  }
}

int RequestRecorder::finish() {
  if (file_ < 0) return error_;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  writer_.join();
  drain();
  log_->finish();
  put(log_->take());
  if (::close(file_) != 0 && error_ == 0) error_ = errno;
  file_ = -1;
  return error_;
}

}  // namespace vfsprof::vfs
