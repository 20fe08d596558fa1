#include "harness/collect/word_names.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>

#include "harness/collect/mapped_memory.h"
#include "harness/collect/proc.h"
#include "vfs/base/unique_fd.h"
#include "vfs/word_names.h"

namespace vfsprof::harness {
namespace {

using reports::WordPurpose;
using vfs::WordPage;

// glibc: a heap of an arena other than the main one is aligned to its largest size and begins with
// heap_info and, if it is the arena's first, the arena itself (malloc/arena.c).
constexpr std::uint64_t kHeapAlignment = std::uint64_t{64} << 20;
constexpr std::uint64_t kArenaBytes = 0x900;

WordPurpose purpose_of(vfs::WordPurpose purpose) {
  switch (purpose) {
    case vfs::WordPurpose::kLock:
      return WordPurpose::kLock;
    case vfs::WordPurpose::kQueue:
      return WordPurpose::kQueue;
    case vfs::WordPurpose::kCompletion:
      return WordPurpose::kCompletion;
    case vfs::WordPurpose::kOther:
      break;
  }
  return WordPurpose::kOther;
}

/// A line of /proc/PID/maps.
struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string access;  ///< "rw-p"
  std::string path;
};

std::optional<Mapping> parse_mapping(const std::string& line) {
  unsigned long begin = 0, end = 0;
  char access[5] = {};
  int path_at = 0;
  if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %n", &begin, &end, access, &path_at) < 3) {
    return std::nullopt;
  }
  const auto at = static_cast<std::size_t>(path_at);
  return Mapping{begin, end, access, at > 0 && at < line.size() ? line.substr(at) : ""};
}

bool is_file(const std::string& path) { return path.starts_with('/'); }

/// What a library's own data are called says more than who calls the library; of the program's own
/// data the call sites say more.
bool is_library(const std::string& module) {
  return module.ends_with(".so") || module.contains(".so.");
}

}  // namespace

WordNames::WordNames(const Observed& observed) {
  read_maps(observed.pid);
  if (observed.counter_page) read_page(observed.counter_page->string() + ".words");
}

void WordNames::read_page(const std::filesystem::path& file) {
  problem_ = fmt::format(
      "the page of names {} cannot be read: build vfsprof and vfsprof-mount from one source",
      file.string());
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0 ||
      status.st_size < static_cast<off_t>(sizeof(WordPage))) {
    return;
  }
  const MappedMemory memory(fd.get(), sizeof(WordPage), PROT_READ);
  if (!memory) return;
  const WordPage& page = *reinterpret_cast<const WordPage*>(memory.bytes());
  // Acquire: pairs with the daemon's release stores.
  if (page.magic.load(std::memory_order_acquire) != WordPage::kMagic) return;
  problem_.clear();
  unnamed_ = page.unnamed.load(std::memory_order_relaxed);
  const std::size_t rows =
      std::min<std::size_t>(page.row_count.load(std::memory_order_acquire), WordPage::kMaxRows);
  for (std::size_t i = 0; i < rows; ++i) {
    const WordPage::Row& row = page.rows[i];
    const std::uint64_t serial = row.serial.load(std::memory_order_acquire);
    const std::uint64_t begin = row.begin.load(std::memory_order_acquire);
    if (begin == 0) continue;
    const char* const name_end = std::find(row.name, row.name + WordPage::kNameSize, '\0');
    Range range{begin,
                begin + row.bytes,
                serial,
                {std::string(row.name, name_end), purpose_of(row.purpose)}};
    // A row that was used again meanwhile holds the name of neither object.
    std::atomic_thread_fence(std::memory_order_acquire);
    if (row.serial.load(std::memory_order_relaxed) != serial) continue;
    longest_ = std::max<std::uint64_t>(longest_, row.bytes);
    objects_.push_back(std::move(range));
  }
  std::sort(objects_.begin(), objects_.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
}

void WordNames::read_maps(pid_t pid) {
  const std::string text = read_text(fmt::format("/proc/{}/maps", pid)).value_or("");
  std::string module;  // of the mapping before: its zero-filled data follows without a path
  std::uint64_t module_end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto mapping = parse_mapping(text.substr(at, end - at));
    at = end + 1;
    if (!mapping) continue;
    if (is_file(mapping->path)) {
      module = std::filesystem::path(mapping->path).filename().string();
      module_end = mapping->end;
    }
    if (!mapping->access.starts_with("rw")) continue;
    if (is_file(mapping->path) || (mapping->path.empty() && mapping->begin == module_end)) {
      module_end = mapping->end;
      if (!is_library(module)) continue;
      memory_.push_back(
          {mapping->begin, mapping->end, 0, {"data of " + module, WordPurpose::kOther}});
    } else if (mapping->path.empty() && mapping->begin % kHeapAlignment == 0) {
      memory_.push_back({mapping->begin,
                         std::min(mapping->end, mapping->begin + kArenaBytes),
                         0,
                         {"malloc arena", WordPurpose::kLock}});
    }
  }
}

WordNames::Name WordNames::find(std::uint64_t address) const {
  const auto begins_after = [](std::uint64_t value, const Range& range) {
    return value < range.begin;
  };
  // Objects that lived one after the other may overlap: the latest of those that hold the address.
  const Range* latest = nullptr;
  for (auto at = std::upper_bound(objects_.begin(), objects_.end(), address, begins_after);
       at != objects_.begin() && address - std::prev(at)->begin < longest_; --at) {
    const Range& range = *std::prev(at);
    if (address < range.end && (latest == nullptr || range.serial > latest->serial)) {
      latest = &range;
    }
  }
  if (latest != nullptr) return latest->name;
  const auto after = std::upper_bound(memory_.begin(), memory_.end(), address, begins_after);
  if (after == memory_.begin() || address >= std::prev(after)->end) return {};
  return std::prev(after)->name;
}

}  // namespace vfsprof::harness
