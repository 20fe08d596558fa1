#include "vfs/memory/payload_pages.h"

#include <algorithm>
#include <utility>

#include "vfs/base/check.h"

namespace vfsprof::vfs {

PayloadPages::PayloadPages(BlockMemory& memory, std::size_t max_bytes)
    : memory_(memory),
      window_pages_((max_bytes + kPageBytes - 1) / kPageBytes),
      first_(memory.allocate(kPageBytes)),
      slab_(memory.allocate(memory.slab_bytes())),
      given_(window_pages_) {
  VFSPROF_CHECK(window_pages_ * kPageBytes <= memory.slab_bytes());
  spares_.reserve(window_pages_);
}

PayloadPages::~PayloadPages() {
  if (first_ != nullptr) memory_.release(first_, kPageBytes);
  for (std::byte* const spare : spares_) memory_.release(spare, kPageBytes);
  std::size_t kept_from = used_pages_;
  for (std::size_t page = 0; page < window_given_; ++page) {
    if (given_[page]) {
      release_pages(kept_from, used_pages_ + page);
      kept_from = used_pages_ + page + 1;
    }
  }
  release_pages(kept_from, memory_.slab_bytes() / kPageBytes);
}

std::byte* PayloadPages::exchange(std::size_t index, std::byte* spare) {
  if (index == 0) return std::exchange(first_, spare);
  const std::size_t page = index - 1;
  given_[page] = true;
  window_given_ = std::max(window_given_, page + 1);
  if (spare != nullptr) spares_.push_back(spare);
  return slab_ + (used_pages_ + page) * kPageBytes;
}

void PayloadPages::refill() {
  // What may fail comes first: then nothing has changed but that there is a first page.
  const std::size_t slab_pages = memory_.slab_bytes() / kPageBytes;
  const bool slab_is_used_up = used_pages_ + window_given_ + window_pages_ > slab_pages;
  if (first_ == nullptr) {
    first_ = spares_.empty() ? memory_.allocate(kPageBytes) : spares_.back();
    if (!spares_.empty()) spares_.pop_back();
  }
  std::byte* const next = slab_is_used_up ? memory_.allocate(memory_.slab_bytes()) : nullptr;
  // Spares often lie in a row, as they once came in: released together they take the lock once.
  for (std::size_t at = 0; at < spares_.size();) {
    std::size_t end = at + 1;
    while (end < spares_.size() && spares_[end] == spares_[end - 1] + kPageBytes) ++end;
    memory_.release(spares_[at], (end - at) * kPageBytes);
    at = end;
  }
  spares_.clear();
  for (std::size_t page = 0; page < window_given_; ++page) {
    if (!given_[page]) release_pages(used_pages_ + page, used_pages_ + page + 1);
    given_[page] = false;
  }
  used_pages_ += window_given_;
  window_given_ = 0;
  if (!slab_is_used_up) return;
  release_pages(used_pages_, slab_pages);
  slab_ = next;
  used_pages_ = 0;
}

/// Pages of the slab.
void PayloadPages::release_pages(std::size_t from, std::size_t to) {
  if (from < to) memory_.release(slab_ + from * kPageBytes, (to - from) * kPageBytes);
}

}  // namespace vfsprof::vfs
