#include "vfs/word_names.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "vfs/base/unique_fd.h"

namespace vfsprof::vfs {
namespace {

using Row = WordPage::Row;

// Rows of objects that have gone stay readable until this many are unused: whoever reads the page
// after a file was closed still finds where its threads had waited.
constexpr std::uint32_t kKeptRows = 4096;

constinit WordPage private_page{};
constinit WordPage* current_page = &private_page;  // this and all below guarded by rows_mutex
constinit std::array<std::uint32_t, WordPage::kMaxRows>
    next_unused{};  // a queue, first in first out
constinit std::uint32_t first_unused = 0;
constinit std::uint32_t last_unused = 0;
constinit std::uint32_t unused_rows = 0;
constinit std::uint64_t last_serial = 0;
constinit std::mutex rows_mutex;

/// A row that says nothing any more, or kMaxRows if there is none.
std::uint32_t take_row() {
  const std::uint32_t used = current_page->row_count.load(std::memory_order_relaxed);
  if (used < WordPage::kMaxRows && unused_rows <= kKeptRows) return used;
  if (unused_rows == 0) return WordPage::kMaxRows;
  const std::uint32_t row = first_unused;
  first_unused = next_unused[row];
  --unused_rows;
  return row;
}

void copy_row(const Row& from, Row& to) {
  to.bytes = from.bytes;
  to.purpose = from.purpose;
  std::copy_n(from.name, WordPage::kNameSize, to.name);
  to.serial.store(from.serial.load(std::memory_order_relaxed), std::memory_order_relaxed);
  to.begin.store(from.begin.load(std::memory_order_relaxed), std::memory_order_release);
}

}  // namespace

bool publish_word_names(const char* file) {
  const UniqueFd fd(::open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd || ::ftruncate(fd.get(), sizeof(WordPage)) != 0) return false;
  void* const memory =
      ::mmap(nullptr, sizeof(WordPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return false;
  WordPage& page = *static_cast<WordPage*>(memory);
  const std::lock_guard lock(rows_mutex);
  const std::uint32_t rows = current_page->row_count.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < rows; ++i) copy_row(current_page->rows[i], page.rows[i]);
  page.row_count.store(rows, std::memory_order_relaxed);
  // Release: a reader that sees the magic sees the rows.
  page.magic.store(WordPage::kMagic, std::memory_order_release);
  current_page = &page;
  return true;
}

std::uint32_t WordName::add(const void* object, std::size_t bytes, std::string_view name,
                            WordPurpose purpose) {
  const std::lock_guard lock(rows_mutex);
  WordPage& page = *current_page;
  const std::uint32_t index = take_row();
  if (index == WordPage::kMaxRows) {
    page.unnamed.fetch_add(1, std::memory_order_relaxed);
    return kNone;
  }
  Row& row = page.rows[index];
  // A reader that copies the row meanwhile finds another serial afterwards, or no address.
  row.begin.store(0, std::memory_order_relaxed);
  row.serial.store(++last_serial, std::memory_order_release);
  row.bytes = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, UINT32_MAX));
  row.purpose = purpose;
  const std::size_t length = std::min(name.size(), WordPage::kNameSize - 1);
  std::fill(std::copy_n(name.data(), length, row.name), row.name + WordPage::kNameSize, '\0');
  // Release: a reader that sees the address sees the rest.
  row.begin.store(reinterpret_cast<std::uintptr_t>(object), std::memory_order_release);
  if (index == page.row_count.load(std::memory_order_relaxed)) {
    page.row_count.store(index + 1, std::memory_order_release);
  }
  return index;
}

void WordName::remove(std::uint32_t row) {
  const std::lock_guard lock(rows_mutex);
  if (unused_rows == 0) {
    first_unused = row;
  } else {
    next_unused[last_unused] = row;
  }
  last_unused = row;
  ++unused_rows;
}

}  // namespace vfsprof::vfs
