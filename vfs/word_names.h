#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

namespace vfsprof::vfs {

/// What threads wait for at a futex word.
enum class WordPurpose : std::uint16_t { kLock, kQueue, kCompletion, kOther };

/// The layout of the page of names, which a reader maps without stopping anybody: which address
/// range belongs to which lock or queue of the daemon.
struct WordPage {
  static constexpr std::uint64_t kMagic = 0x3167506465736656;  // "VfsedPg1"
  static constexpr std::size_t kMaxRows = 65'536;
  static constexpr std::size_t kNameSize = 32;
  /// A row of an object that has gone keeps what it says until it is used again.
  struct Row {
    std::atomic<std::uint64_t> begin;   ///< first address; 0 while the row is written
    std::atomic<std::uint64_t> serial;  ///< counts registrations: where ranges overlap the higher
                                        ///< serial is the later object
    std::uint32_t bytes;
    WordPurpose purpose;
    char name[kNameSize];
  };
  std::atomic<std::uint64_t> magic;  ///< set last: a page without it is not ready
  std::atomic<std::uint32_t> row_count;
  std::atomic<std::uint64_t> unnamed;  ///< objects for which there was no row left
  Row rows[kMaxRows];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Publishes the names, those given until now too, in `file` (created or truncated). Without a call
/// they are kept in private memory. Returns false with errno set if the file cannot be mapped.
bool publish_word_names(const char* file);

/// Names the futex words inside an object for as long as it lives: a member that stands after the
/// lock, condition variable or array of such that it names.
///
/// Nothing happens on lock and unlock: an object is registered when it is made, which takes some 20
/// ns and a lock, so not for objects that are made on the path of every write. Threads: safe.
class WordName {
 public:
  template <class T>
  WordName(const T& object, std::string_view name, WordPurpose purpose)
      : WordName(&object, std::is_empty_v<T> ? 0 : sizeof object, name, purpose) {}
  /// Nothing is registered for 0 bytes.
  WordName(const void* object, std::size_t bytes, std::string_view name, WordPurpose purpose)
      : row_(bytes == 0 ? kNone : add(object, bytes, name, purpose)) {}
  ~WordName() {
    if (row_ != kNone) remove(row_);
  }
  WordName(const WordName&) = delete;
  WordName& operator=(const WordName&) = delete;

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  static std::uint32_t add(const void* object, std::size_t bytes, std::string_view name,
                           WordPurpose purpose);
  static void remove(std::uint32_t row);

  const std::uint32_t row_;
};

}  // namespace vfsprof::vfs
