#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "harness/scenario/distribution.h"
#include "harness/scenario/steps.h"

namespace vfsprof::harness {

/// Which of a client's entries of one set exist, and the picking of one: all in constant time, but
/// for kNext, which passes over entries that do not fit, or looks at all that fit where they are
/// few.
class EntryPool {
 public:
  explicit EntryPool(std::uint32_t count) : order_(count), place_(count) {
    std::iota(order_.begin(), order_.end(), 0U);
    std::iota(place_.begin(), place_.end(), 0U);
  }

  std::uint32_t count() const { return static_cast<std::uint32_t>(order_.size()); }
  bool exists(std::uint32_t entry) const { return place_[entry] < existing_; }

  void set_exists(std::uint32_t entry, bool exists) {
    if (this->exists(entry) == exists) return;
    swap_places(place_[entry], exists ? existing_ : existing_ - 1);
    existing_ = exists ? existing_ + 1 : existing_ - 1;
  }

  /// An entry that exists (or does not); none if there is none.
  std::optional<std::uint32_t> pick(bool existing, const Instruction& step, Random& random) {
    if (step.pick == Pick::kSame) {
      return last_ < count() && exists(last_) == existing ? std::optional(last_) : std::nullopt;
    }
    const std::uint32_t fitting = existing ? existing_ : count() - existing_;
    if (fitting == 0) return std::nullopt;
    last_ = step.pick == Pick::kNext
                ? next(existing, fitting)
                : order_[(existing ? 0 : existing_) + draw(fitting, step, random)];
    return last_;
  }

 private:
  std::uint32_t next(bool existing, std::uint32_t fitting) {
    constexpr std::uint32_t kFew = 8;
    if (fitting <= kFew) return cursor_ = nearest(existing, fitting);
    do {
      cursor_ = cursor_ + 1 < count() ? cursor_ + 1 : 0;
    } while (exists(cursor_) != existing);
    return cursor_;
  }

  /// The same as to go on from the cursor until one fits.
  std::uint32_t nearest(bool existing, std::uint32_t fitting) const {
    const std::uint32_t from = cursor_ + 1 < count() ? cursor_ + 1 : 0;
    const auto distance = [&](std::uint32_t entry) {
      return entry >= from ? entry - from : entry + (count() - from);
    };
    const auto first = order_.begin() + (existing ? 0 : existing_);
    return *std::min_element(first, first + fitting, [&](std::uint32_t a, std::uint32_t b) {
      return distance(a) < distance(b);
    });
  }

  std::uint32_t draw(std::uint32_t fitting, const Instruction& step, Random& random) {
    if (step.pick != Pick::kZipf) return static_cast<std::uint32_t>(random.below(fitting));
    if (!zipf_ || zipf_->n() != fitting) zipf_.emplace(fitting, step.theta);
    return static_cast<std::uint32_t>(zipf_->draw(random));
  }

  void swap_places(std::uint32_t a, std::uint32_t b) {
    std::swap(order_[a], order_[b]);
    place_[order_[a]] = a;
    place_[order_[b]] = b;
  }

  std::vector<std::uint32_t> order_;  ///< those that exist first
  std::vector<std::uint32_t> place_;  ///< of each entry in `order_`
  std::uint32_t existing_ = 0;
  std::uint32_t cursor_ = UINT32_MAX;  ///< the next one is entry 0
  std::uint32_t last_ = UINT32_MAX;
  std::optional<ZipfSampler> zipf_;
};

}  // namespace vfsprof::harness
