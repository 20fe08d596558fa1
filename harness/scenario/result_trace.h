#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::harness {

/// Which results of one client to keep one by one.
struct WatchedOperations {
  unsigned client = 0;
  std::uint64_t first = 0;  ///< number of an operation, from 1
  std::uint64_t last = 0;
};

/// At most so many are kept.
inline constexpr std::uint64_t kMostWatched = 1 << 16;

/// A result that was kept.
struct KeptResult {
  std::uint64_t operation = 0;  ///< its number in the client, from 1
  std::string text;             ///< "read of c0-f0 at offset 4096, 4096 bytes"
  std::string result;           ///< with a hash of what was read
  friend bool operator==(const KeptResult&, const KeptResult&) = default;
};

/// The results of one client as a hash, and as it was on the way: where two runs of the same
/// operations part, their traces say between which operations that is. Bounded.
class ResultTrace {
 public:
  /// The hash over one more result, which the caller makes from `hash()`.
  void add(std::uint64_t hash) {
    hash_ = hash;
    if ((++operations_ & (interval_ - 1)) == 0) add_checkpoint();
  }

  std::uint64_t hash() const { return hash_; }
  std::uint64_t operations() const { return operations_; }
  /// The hash after every `interval()` operations.
  std::uint64_t interval() const { return interval_; }
  const std::vector<std::uint64_t>& checkpoints() const { return checkpoints_; }

 private:
  void add_checkpoint();

  std::uint64_t hash_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t interval_ = 64;  ///< a power of two
  std::vector<std::uint64_t> checkpoints_;
};

/// The trace of a client whose run is over.
struct ClientTrace {
  std::uint64_t operations = 0;
  std::uint64_t interval = 0;
  std::vector<std::uint64_t> checkpoints;
  std::uint64_t hash = 0;  ///< at the end
};

/// The operations among which the first is whose results differ; `first` is 0 where none do. Of
/// several clients the one that parts after the fewest operations.
WatchedOperations first_parting(const std::vector<ClientTrace>& one,
                                const std::vector<ClientTrace>& other);

}  // namespace vfsprof::harness
