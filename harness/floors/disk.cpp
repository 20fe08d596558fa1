#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <memory>

#include "harness/collect/proc.h"
#include "harness/floors/floors.h"
#include "harness/floors/mounts.h"
#include "harness/floors/repeat.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"

namespace vfsprof::harness {
namespace {

constexpr std::size_t kBlock = 1 << 20;
constexpr std::size_t kBlocksPerRepeat = 32;
constexpr unsigned kMostRepeats = 21;
constexpr std::chrono::seconds kLongest{5};  // on a slow disk fewer repeats have to do

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

std::string describe_place(const FloorOptions& options) {
  const std::string mounts = read_text("/proc/self/mountinfo").value_or("");
  return fmt::format("{} ({})", options.directory.string(),
                     filesystem_of(mounts, options.directory));
}

/// Writes the blocks of one repeat from the file's start; the error, or 0.
int write_blocks(int fd, const std::byte* block) {
  for (std::size_t i = 0; i < kBlocksPerRepeat; ++i) {
    const auto offset = static_cast<off_t>(i * kBlock);
    const ssize_t written = ::pwrite(fd, block, kBlock, offset);
    if (written < 0) return errno;
    if (written != static_cast<ssize_t>(kBlock)) return ENOSPC;
  }
  return 0;
}

FloorReading refused(const FloorOptions& options, const char* what, int error) {
  return {.unavailable =
              fmt::format("{} in {}: {}; name a directory on another disk with --work-dir", what,
                          describe_place(options), describe(Errno{error}))};
}

}  // namespace

FloorReading measure_disk_write(const FloorOptions& options) {
  // O_TMPFILE: nothing is left behind, whatever happens.
  UniqueFd file(
      ::open(options.directory.c_str(), O_TMPFILE | O_WRONLY | O_DIRECT | O_CLOEXEC, 0600));
  if (!file) return refused(options, "a file cannot be opened with O_DIRECT", errno);
  const std::unique_ptr<std::byte, Free> block(
      static_cast<std::byte*>(std::aligned_alloc(4096, kBlock)));
  // Not zeros, which some disks do not write.
  for (std::size_t i = 0; i < kBlock; ++i)
    block.get()[i] = static_cast<std::byte>(i * 2654435761U >> 13);

  if (const int error = write_blocks(file.get(), block.get()); error != 0) {
    return refused(options, "O_DIRECT cannot be used", error);
  }
  FloorReading reading;
  const auto start = std::chrono::steady_clock::now();
  while (reading.values.size() < kMostRepeats &&
         std::chrono::steady_clock::now() - start < kLongest) {
    int error = 0;
    const double ns = time_once([&] { error = write_blocks(file.get(), block.get()); });
    if (error != 0) return refused(options, "O_DIRECT cannot be used", error);
    reading.values.push_back(static_cast<double>(kBlock * kBlocksPerRepeat) / ns);
  }
  reading.conditions = fmt::format(
      "{}, blocks of 1 MiB one after the other, {} MiB written again in place, no fsync",
      describe_place(options), kBlocksPerRepeat);
  return reading;
}

}  // namespace vfsprof::harness
