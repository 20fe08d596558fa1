#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vfsprof::vfs {

/// What is chosen at mount beside the strategies.
struct MountOptions {
  std::uint32_t max_write = 0;  ///< bytes of payload that the kernel sends in one write request
  std::uint64_t chunk = 0;      ///< bytes of a file that one block caches; 0 without strategies
  unsigned threads = 0;         ///< session threads
  bool clone_fd = false;        ///< each session thread has its own descriptor to the kernel
  bool writeback = false;       ///< the kernel collects writes in its page cache
  bool splice = false;          ///< requests come through a pipe
  bool direct_io = false;       ///< the kernel caches no file contents
  friend bool operator==(const MountOptions&, const MountOptions&) = default;
};

/// A mount option: `max_write`, what it takes, and how it is read and written.
struct MountOption {
  std::string_view name;
  std::string_view summary;
  bool needs_strategies;  ///< means nothing to a file system that keeps no contents
  /// Takes the value if it is one of those that the summary names; else returns false.
  bool (*set)(MountOptions&, std::string_view);
  /// The value as `set` reads it.
  std::string (*text)(const MountOptions&);
};

inline constexpr std::size_t kMountOptionCount = 7;
inline constexpr unsigned kMostSessionThreads = 64;

/// Every mount option, in the order in which canonical text names them.
const std::array<MountOption, kMountOptionCount>& mount_options();

/// `4k`, `1m`: bytes as variants write them.
std::string format_size(std::uint64_t bytes);

}  // namespace vfsprof::vfs
