#include "vfs/flush/uring.h"

#include <fmt/format.h>
#include <liburing.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <span>
#include <system_error>

#include "vfs/base/check.h"
#include "vfs/counters.h"
#include "vfs/flush/direct_file.h"
#include "vfs/flush/file_ranges.h"
#include "vfs/flush/recycled.h"

namespace vfsprof::vfs {

namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr unsigned kDepth = 4;

/// A piece of a file on its way to the disk.
struct Slot {
  DirectBuffer<kPieceBytes> buffer;
  std::uint64_t offset = 0;
  std::size_t bytes = 0;
  bool in_flight = false;
  bool grows = false;  ///< the file
};

/// A ring and its buffers; used by one thread at a time.
struct Ring {
  Ring() {
    const int result = ::io_uring_queue_init(kDepth, &uring, 0);
    if (result < 0) throw std::system_error(-result, std::generic_category());
  }
  ~Ring() { ::io_uring_queue_exit(&uring); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  io_uring uring{};
  std::array<Slot, kDepth> slots;
};

/// One file's way through a ring. Nothing is in flight when it ends.
class RingWriter {
 public:
  RingWriter(Ring& ring, DirectFile& out, std::uint64_t file_bytes)
      : ring_(ring), out_(out), file_bytes_(file_bytes) {}
  ~RingWriter() { drain(); }
  RingWriter(const RingWriter&) = delete;
  RingWriter& operator=(const RingWriter&) = delete;

  Result<void> write(const FileImage& file, const ByteRange& piece);
  /// Waits for everything. Returns the first error of any write.
  Result<void> drain() {
    while (in_flight_ > 0) reap();
    return result_;
  }
  /// The ring is in a state that nobody knows.
  bool broken() const { return broken_; }

 private:
  Slot& free_slot();
  Result<void> submit(Slot& slot);
  void reap();
  void finish(Slot& slot, int result);

  Ring& ring_;
  DirectFile& out_;
  std::uint64_t file_bytes_;  // up to here writes do not let the file grow
  unsigned in_flight_ = 0;
  bool growing_ = false;  // a write in flight does
  bool broken_ = false;
  Result<void> result_;
};

Result<void> RingWriter::write(const FileImage& file, const ByteRange& piece) {
  Slot& slot = free_slot();
  if (!result_) return result_;
  const std::span<std::byte> bytes = slot.buffer.first(piece.bytes);
  if (const auto got = read_image(file, piece.offset, bytes); !got) return got;
  const std::size_t direct = out_.direct_bytes(piece.offset, piece.bytes);
  if (direct > 0) {
    slot.offset = piece.offset;
    slot.bytes = direct;
    slot.grows = piece.offset + direct > file_bytes_;
    if (const auto submitted = submit(slot); !submitted) return submitted;
  }
  if (direct == piece.bytes) return {};
  // The end of the file: it must not be there before what stands in front of it.
  if (const auto done = drain(); !done) return done;
  return out_.write(piece.offset + direct, bytes.subspan(direct));
}

Slot& RingWriter::free_slot() {
  while (in_flight_ == kDepth) reap();
  return *std::ranges::find(ring_.slots, false, &Slot::in_flight);
}

Result<void> RingWriter::submit(Slot& slot) {
  while (slot.grows && growing_) reap();
  if (!result_) return result_;
  // As many entries as slots, and each submission takes all: there is one free.
  io_uring_sqe* const entry = ::io_uring_get_sqe(&ring_.uring);
  ::io_uring_prep_write(entry, out_.direct_fd(), slot.buffer.first(slot.bytes).data(),
                        static_cast<unsigned>(slot.bytes), slot.offset);
  ::io_uring_sqe_set_data(entry, &slot);
  int submitted = 0;
  do {
    submitted = ::io_uring_submit(&ring_.uring);
  } while (submitted == -EINTR);
  if (submitted < 0) {
    broken_ = true;  // the entry is still in it
    return fail(-submitted);
  }
  slot.in_flight = true;
  ++in_flight_;
  growing_ = growing_ || slot.grows;
  file_bytes_ = std::max(file_bytes_, slot.offset + slot.bytes);
  return {};
}

/// Waits for one write.
void RingWriter::reap() {
  io_uring_cqe* completion = nullptr;
  int waited = 0;
  do {
    waited = ::io_uring_wait_cqe(&ring_.uring, &completion);
  } while (waited == -EINTR);
  VFSPROF_CHECK(waited == 0);  // else buffers in flight would be freed
  Slot& slot = *static_cast<Slot*>(::io_uring_cqe_get_data(completion));
  const int result = completion->res;
  ::io_uring_cqe_seen(&ring_.uring, completion);
  slot.in_flight = false;
  --in_flight_;
  if (slot.grows) growing_ = false;
  finish(slot, result);
}

void RingWriter::finish(Slot& slot, int result) {
  std::size_t done = 0;
  if (result >= 0) {
    done = static_cast<std::size_t>(result);
    count(Counter::kBytesFlushed, done);
  } else if (result != -EINVAL && result != -EAGAIN && result != -EINTR) {
    if (result_) result_ = fail(-result);
    return;
  }
  // What the ring did not take, the file gets as `batched` writes it; that says what is wrong.
  if (done == slot.bytes || !result_) return;
  result_ = out_.write(slot.offset + done, slot.buffer.first(slot.bytes).subspan(done));
}

}  // namespace

struct Uring::Rings {
  Recycled<Ring> set;
};

Uring::Uring() : rings_(std::make_unique<Rings>()) {
  try {
    const Recycled<Ring>::Lease probe(rings_->set);
  } catch (const std::system_error& error) {
    throw FlushUnavailable(fmt::format(
        "flush=uring needs io_uring, which the kernel refuses ({}): allow it (sysctl "
        "kernel.io_uring_disabled=0, seccomp profile of a container), or take flush=batched",
        error.code().message()));
  }
}

Uring::~Uring() = default;

Result<void> Uring::write_back(const FileImage& file, DiskCache& cache, Durability durability) {
  try {
    auto update = start_update(file, cache);
    if (!update) return Failure(update.error());
    const auto size = update->size();
    if (!size) return Failure(size.error());
    DirectFile out(*update, cache);
    Recycled<Ring>::Lease ring(rings_->set);
    RingWriter writer(*ring, out, *size);
    auto written =
        for_each_piece(ranges_to_write(file, *update), kPieceBytes,
                       [&](const ByteRange& piece) { return writer.write(file, piece); });
    const auto drained = writer.drain();
    if (writer.broken()) ring.discard();
    if (written) written = drained;
    return written ? update->commit(file.size, durability) : written;
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  } catch (const std::system_error& error) {
    return fail(error.code().value());  // no further ring
  }
}

}  // namespace vfsprof::vfs
