#pragma once

#include <linux/perf_event.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

namespace vfsprof::harness {

/// One record of a perf ring buffer. `payload` follows the header and is valid until the iterator
/// moves on.
struct RingRecord {
  std::uint32_t type = 0;  ///< PERF_RECORD_*
  std::uint16_t misc = 0;  ///< PERF_RECORD_MISC_*
  std::span<const std::byte> payload;
};

/// The memory of a perf ring buffer: the control page, and the data behind it, whose size is a
/// power of two.
struct RingMemory {
  perf_event_mmap_page* control = nullptr;
  std::span<const std::byte> data;
};

/// The unread records of a ring buffer as a range to iterate once; the destructor hands their space
/// back to the kernel.
///
/// Memory order: the kernel writes records, then `data_head`; the constructor's acquire load of
/// `data_head` therefore makes them visible. The destructor's release store of `data_tail` keeps
/// the reads of the data before it, so that the kernel cannot overwrite what is still being read.
/// Source: the comment at data_head in linux/perf_event.h.
/// Threads: one reader per ring.
class RingRecords {
 public:
  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = RingRecord;

    explicit Iterator(RingRecords& records) : records_(&records) {}
    const RingRecord& operator*() const { return records_->current_; }
    Iterator& operator++() {
      records_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return records_->at_end_; }

   private:
    RingRecords* records_;
  };

  explicit RingRecords(const RingMemory& memory);
  ~RingRecords();
  RingRecords(const RingRecords&) = delete;
  RingRecords& operator=(const RingRecords&) = delete;

  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const { return {}; }

  /// Whether a record was met that cannot be one; iteration then ends, and everything up to the
  /// head is given up.
  bool corrupted() const { return corrupted_; }

 private:
  void advance();
  /// `size` bytes at `position`, in one piece: copied together where they wrap around the end of
  /// the ring.
  std::span<const std::byte> contiguous(std::uint64_t position, std::size_t size);

  RingMemory memory_;
  std::uint64_t head_;
  std::uint64_t position_;  ///< of the record after the current one
  std::vector<std::byte> wrapped_;
  RingRecord current_;
  bool at_end_ = false;
  bool corrupted_ = false;
};

}  // namespace vfsprof::harness
