#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "vfs/word_names.h"

namespace vfsprof::vfs {

/// A small set of things that are dear to make, such as large buffers: taken, and given back for
/// the next. As many are made as are in use at a time; of those given back, `kKept` are kept.
/// Threads: safe.
template <class T>
class Recycled {
 public:
  /// One of them, until the end of its life. The set must outlive it.
  class Lease {
   public:
    explicit Lease(Recycled& set) : set_(set), one_(set.take()) {}
    ~Lease() {
      if (one_ != nullptr) set_.give_back(std::move(one_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    T& operator*() const { return *one_; }
    T* operator->() const { return one_.get(); }
    /// It is not fit to be used again.
    void discard() { one_.reset(); }

   private:
    Recycled& set_;
    std::unique_ptr<T> one_;
  };

 private:
  static constexpr std::size_t kKept = 4;

  std::unique_ptr<T> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        std::unique_ptr<T> one = std::move(free_.back());
        free_.pop_back();
        return one;
      }
    }
    return std::make_unique<T>();
  }
  void give_back(std::unique_ptr<T> one) {
    const std::lock_guard lock(mutex_);
    if (free_.size() < kKept) free_.push_back(std::move(one));
  }

  std::mutex mutex_;
  const WordName mutex_name_{mutex_, "flush.recycled", WordPurpose::kLock};
  std::vector<std::unique_ptr<T>> free_;  ///< under `mutex_`
};

}  // namespace vfsprof::vfs
