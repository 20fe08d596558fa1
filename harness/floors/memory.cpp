#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "harness/collect/mapped_memory.h"
#include "harness/collect/proc.h"
#include "harness/floors/floors.h"
#include "harness/floors/repeat.h"
#include "reports/analyze/statistics.h"

namespace vfsprof::harness {
namespace {

constexpr std::size_t kSlice = 2 << 20;  // also the size of a huge page on x86-64

FloorReading no_memory(std::size_t bytes) {
  return {.unavailable = fmt::format("{} MiB of memory could not be had; free some", bytes >> 20)};
}

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

/// Tells the compiler that somebody reads this memory.
void use(const void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

/// New memory for pages of the usual size, whatever the system's setting for huge ones.
MappedMemory map_small_pages(std::size_t bytes) {
  MappedMemory memory(bytes);
  if (memory) ::madvise(memory.bytes(), bytes, MADV_NOHUGEPAGE);
  return memory;
}

FloorReading measure_warm(const FloorOptions& options, std::size_t bytes, std::string conditions) {
  const MappedMemory from = map_small_pages(bytes), to = map_small_pages(bytes);
  if (!from || !to) return no_memory(2 * bytes);
  std::memset(from.bytes(), 1, bytes);
  std::memset(to.bytes(), 2, bytes);
  std::vector<double> ns = time_repeats(repeats_for(options), [&](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      std::memcpy(to.bytes(), from.bytes(), bytes);
      use(to.bytes());
    }
  });
  return {.values = to_gigabytes_per_second(std::move(ns), bytes),
          .conditions = std::move(conditions)};
}

/// Copies one warm slice into every slice of `to`; nanoseconds for each.
std::vector<double> fill_slices(const MappedMemory& to) {
  const std::vector<std::byte> from(kSlice, std::byte{1});
  std::vector<double> ns;
  for (std::size_t at = 0; at + kSlice <= to.size(); at += kSlice) {
    ns.push_back(time_once([&] { std::memcpy(to.bytes() + at, from.data(), kSlice); }));
  }
  return ns;
}

/// Nanoseconds to fill each slice of memory that the kernel has handed out a moment ago.
std::vector<double> fill_recycled(std::size_t bytes) {
  {
    fill_slices(map_small_pages(bytes));
  }
  return fill_slices(map_small_pages(bytes));
}

/// How much of a mapping huge pages back, in bytes.
std::size_t huge_bytes(const MappedMemory& memory) {
  const std::string maps = read_text("/proc/self/smaps").value_or("");
  const auto address = reinterpret_cast<std::uintptr_t>(memory.bytes());
  const std::size_t at = maps.find(fmt::format("{:x}-", address));
  if (at == std::string::npos) return 0;
  const std::string_view entry(maps.data() + at, maps.size() - at);
  const std::string kilobytes(field_of(entry, "AnonHugePages"));
  return static_cast<std::size_t>(std::strtoull(kilobytes.c_str(), nullptr, 10)) << 10;
}

long minor_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt;
}

}  // namespace

FloorReading measure_memcpy_cache(const FloorOptions& options) {
  return measure_warm(options, 64 << 10, "64 KiB to 64 KiB, over and over");
}

FloorReading measure_memcpy_memory(const FloorOptions& options) {
  return measure_warm(options, 64 << 20, "64 MiB to 64 MiB, both touched before");
}

FloorReading measure_memcpy_blocks(const FloorOptions& options) {
  constexpr std::size_t kBlock = 1 << 20, kBytes = 64 << 20;
  const std::vector<std::byte> from(kBlock, std::byte{1});
  const MappedMemory to = map_small_pages(kBytes);
  if (!to) return no_memory(kBytes);
  std::memset(to.bytes(), 2, kBytes);
  std::size_t at = 0;
  std::vector<double> ns = time_repeats(repeats_for(options), [&](std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      std::memcpy(to.bytes() + at, from.data(), kBlock);
      use(to.bytes());
      at = (at + kBlock) % kBytes;
    }
  });
  return {.values = to_gigabytes_per_second(std::move(ns), kBlock),
          .conditions = "one block of 1 MiB, copied into 64 MiB from start to end, over and over"};
}

FloorReading measure_first_touch_fresh(const FloorOptions&) {
  // Memory that this machine has never used cannot be asked for; it can be told by what it costs. A
  // virtual machine's host has to back it first, which takes several times as long as a page fault.
  constexpr std::size_t kBytes = 512 << 20;
  constexpr double kTold = 3;
  std::vector<double> slow;
  std::size_t slices = 0;
  double recycled = 0;
  {
    const MappedMemory memory = map_small_pages(kBytes);
    if (!memory) return no_memory(kBytes);
    slow = fill_slices(memory);
    slices = slow.size();
    recycled = reports::median(fill_recycled(kBytes / 8));
  }
  std::erase_if(slow, [&](double ns) { return ns < kTold * recycled; });
  if (slow.size() < slices / 20) {
    return {.unavailable = fmt::format(
                "{} of {} MiB were slower than {} times recycled memory: what this machine has "
                "free was used before; ask again after a reboot",
                slow.size() * kSlice >> 20, kBytes >> 20, kTold)};
  }
  const std::string conditions = fmt::format(
      "slices of 2 MiB; of {} MiB new to this process, the {} MiB that took more than {} times "
      "as long as recycled memory",
      kBytes >> 20, slow.size() * kSlice >> 20, kTold);
  return {.values = to_gigabytes_per_second(std::move(slow), kSlice), .conditions = conditions};
}

FloorReading measure_first_touch_recycled(const FloorOptions&) {
  constexpr std::size_t kBytes = 64 << 20;
  return {.values = to_gigabytes_per_second(fill_recycled(kBytes), kSlice),
          .conditions = "slices of 2 MiB, pages of 4 KiB, memory given back a moment before"};
}

FloorReading measure_first_touch_huge(const FloorOptions&) {
  constexpr std::size_t kBytes = 64 << 20;
  std::vector<double> ns;
  std::size_t huge = 0;
  for (int pass = 0; pass < 2; ++pass) {  // the first makes the host back the memory
    const MappedMemory memory(kBytes);
    if (!memory) return no_memory(kBytes);
    ::madvise(memory.bytes(), kBytes, MADV_HUGEPAGE);
    ns = fill_slices(memory);
    huge = huge_bytes(memory);
  }
  // The ends of the mapping need not lie on the border of a huge page.
  if (huge + 2 * kSlice < kBytes) {
    std::string setting =
        read_text("/sys/kernel/mm/transparent_hugepage/enabled").value_or("no such setting");
    if (setting.ends_with('\n')) setting.pop_back();
    return {.unavailable =
                fmt::format("the kernel backed {} of {} MiB with huge pages after MADV_HUGEPAGE "
                            "(/sys/kernel/mm/transparent_hugepage/enabled: {})",
                            huge >> 20, kBytes >> 20, setting)};
  }
  return {.values = to_gigabytes_per_second(std::move(ns), kSlice),
          .conditions = fmt::format(
              "slices of 2 MiB, MADV_HUGEPAGE, {} of {} MiB in huge pages, recycled memory",
              huge >> 20, kBytes >> 20)};
}

FloorReading measure_page_fault(const FloorOptions& options) {
  const std::size_t bytes = options.quick ? 4 << 20 : 16 << 20;
  const std::size_t page = page_bytes();
  std::vector<double> values;
  for (unsigned i = 0; i <= repeats_for(options).count; ++i) {
    const MappedMemory memory = map_small_pages(bytes);
    if (!memory) return no_memory(bytes);
    const long before = minor_faults();
    const double ns = time_once([&] {
      for (std::size_t at = 0; at < bytes; at += page) memory.bytes()[at] = std::byte{1};
    });
    const long faults = minor_faults() - before;
    if (faults <= 0) return {.unavailable = "the kernel counted no page fault"};
    if (i > 0) values.push_back(ns / static_cast<double>(faults));  // the first one warms up
  }
  return {.values = std::move(values),
          .conditions = fmt::format(
              "one byte written to each of {} new anonymous pages of {} KiB, zeroing included",
              bytes / page, page >> 10)};
}

}  // namespace vfsprof::harness
