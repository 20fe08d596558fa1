#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "vfs/store/object_store.h"

namespace vfsprof::vfs {

/// What makes a store worse than it is.
struct Disturbance {
  /// The calls of an ObjectStore, and their names in a store's text.
  enum Call : std::size_t { kList, kFetch, kPut };
  static constexpr std::array<std::string_view, 3> kCallNames{"list", "fetch", "put"};

  std::chrono::microseconds latency{0};  ///< that every call takes longer
  /// By Call: each n-th fails with EIO (1: every one); 0: none does.
  std::array<std::uint64_t, 3> fail_every{};

  friend bool operator==(const Disturbance&, const Disturbance&) = default;
};

/// A store in front of another, slower and failing as told. Failures are counted, not drawn, so
/// that a test finds the same ones every time. Threads: as the store behind it; calls wait for the
/// latency side by side.
class UnreliableStore final : public ObjectStore {
 public:
  UnreliableStore(std::unique_ptr<ObjectStore> store, const Disturbance& disturbance)
      : store_(std::move(store)), disturbance_(disturbance) {}

  Result<ObjectPage> list(std::string_view after) override {
    if (disturbed(Disturbance::kList)) return fail(EIO);
    return store_->list(after);
  }
  Result<std::size_t> fetch(std::string_view key, std::uint64_t offset,
                            std::span<std::byte> out) override {
    if (disturbed(Disturbance::kFetch)) return fail(EIO);
    return store_->fetch(key, offset, out);
  }
  Result<void> put(std::string_view key, std::span<const std::byte> content) override {
    if (disturbed(Disturbance::kPut)) return fail(EIO);
    return store_->put(key, content);
  }

 private:
  /// Waits, and says whether this call is one that fails.
  bool disturbed(Disturbance::Call call) {
    if (disturbance_.latency.count() > 0) std::this_thread::sleep_for(disturbance_.latency);
    const std::uint64_t every = disturbance_.fail_every[call];
    return every > 0 && (calls_[call].fetch_add(1) + 1) % every == 0;
  }

  const std::unique_ptr<ObjectStore> store_;
  const Disturbance disturbance_;
  std::array<std::atomic<std::uint64_t>, 3> calls_{};  // by Call
};

}  // namespace vfsprof::vfs
