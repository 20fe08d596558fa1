#include "harness/collect/ring.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "vfs/base/check.h"

namespace vfsprof::harness {

RingRecords::RingRecords(const RingMemory& memory)
    : memory_(memory),
      head_(std::atomic_ref(memory.control->data_head).load(std::memory_order_acquire)),
      position_(memory.control->data_tail) {
  VFSPROF_CHECK((memory.data.size() & (memory.data.size() - 1)) == 0);
  advance();
}

RingRecords::~RingRecords() {
  std::atomic_ref(memory_.control->data_tail).store(head_, std::memory_order_release);
}

void RingRecords::advance() {
  at_end_ = position_ == head_;
  if (at_end_) return;
  const std::uint64_t unread = head_ - position_;
  perf_event_header header{};
  corrupted_ = unread < sizeof header || unread > memory_.data.size();
  if (!corrupted_) {
    std::memcpy(&header, contiguous(position_, sizeof header).data(), sizeof header);
    corrupted_ = header.size < sizeof header || header.size > unread;
  }
  if (corrupted_) {
    at_end_ = true;
    return;
  }
  current_ = {header.type, header.misc, contiguous(position_, header.size).subspan(sizeof header)};
  position_ += header.size;
}

std::span<const std::byte> RingRecords::contiguous(std::uint64_t position, std::size_t size) {
  const std::size_t offset = position & (memory_.data.size() - 1);
  const std::size_t first = std::min(size, memory_.data.size() - offset);
  if (first == size) return memory_.data.subspan(offset, size);
  wrapped_.resize(size);
  std::memcpy(wrapped_.data(), memory_.data.data() + offset, first);
  std::memcpy(wrapped_.data() + first, memory_.data.data(), size - first);
  return wrapped_;
}

}  // namespace vfsprof::harness
