#include "harness/symbols/go_functions.h"

#include <gelf.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace vfsprof::harness {
namespace {

// The first word says which Go wrote the table.
constexpr std::uint32_t kGo116 = 0xfffffffa, kGo118 = 0xfffffff0, kGo120 = 0xfffffff1;
constexpr std::size_t kHeadBytes = 8, kWordBytes = 8;
constexpr std::size_t kTextStartAt = kHeadBytes + 2 * kWordBytes;  // from Go 1.18 on

/// Reads within a table; what lies outside is nothing.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  std::optional<T> at(std::uint64_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  /// Up to the next zero.
  std::optional<std::string> text_at(std::uint64_t offset) const {
    if (offset >= bytes_.size()) return std::nullopt;
    const char* const start = reinterpret_cast<const char*>(bytes_.data() + offset);
    const std::size_t room = bytes_.size() - offset;
    const std::size_t length = ::strnlen(start, room);
    return length == room ? std::nullopt : std::optional(std::string(start, length));
  }

 private:
  std::span<const std::byte> bytes_;
};

/// Where the parts of a table are, and how wide its entries.
struct Layout {
  std::uint64_t functions = 0;   ///< how many
  std::uint64_t text_start = 0;  ///< 0 where entries are addresses
  std::uint64_t names = 0;       ///< offsets from the table's start
  std::uint64_t entries = 0;
  bool wide = false;  ///< entries are addresses; else offsets from text_start
};

std::optional<Layout> layout_of(const Bytes& table, std::optional<std::uint64_t> text_start) {
  const auto magic = table.at<std::uint32_t>(0);
  const auto pointer_bytes = table.at<std::uint8_t>(7);
  if (!magic || !pointer_bytes || *pointer_bytes != kWordBytes) return std::nullopt;
  if (*magic != kGo116 && *magic != kGo118 && *magic != kGo120) return std::nullopt;
  const auto word = [&](std::size_t index) {
    return table.at<std::uint64_t>(kHeadBytes + index * kWordBytes);
  };
  const bool wide = *magic == kGo116;
  const std::size_t shift = wide ? 0 : 1;  // the word that says where the code starts
  const auto functions = word(0), start = word(2), names = word(2 + shift),
             entries = word(6 + shift);
  if (!functions || !start || !names || !entries) return std::nullopt;
  Layout layout{.functions = *functions, .names = *names, .entries = *entries, .wide = wide};
  if (wide) return layout;
  layout.text_start = *start != 0 ? *start : text_start.value_or(0);
  return layout.text_start == 0 ? std::nullopt : std::optional(layout);
}

/// The section of this name; in programs that are loaded anywhere it has a longer one.
struct Section {
  GElf_Shdr header{};
  std::span<const std::byte> bytes;
};
std::optional<Section> find_section(Elf* elf, std::string_view name) {
  std::size_t strings = 0;
  if (elf_getshdrstrndx(elf, &strings) != 0) return std::nullopt;
  for (Elf_Scn* scn = elf_nextscn(elf, nullptr); scn != nullptr; scn = elf_nextscn(elf, scn)) {
    Section section;
    if (gelf_getshdr(scn, &section.header) == nullptr) continue;
    const char* const own = elf_strptr(elf, strings, section.header.sh_name);
    if (own == nullptr || !std::string_view(own).ends_with(name)) continue;
    const Elf_Data* const data = elf_rawdata(scn, nullptr);
    if (data == nullptr || data->d_buf == nullptr) continue;
    section.bytes = {static_cast<const std::byte*>(data->d_buf), data->d_size};
    return section;
  }
  return std::nullopt;
}

/// What the loader puts at an address of a program that is loaded anywhere.
std::optional<std::uint64_t> relocated(Elf* elf, std::uint64_t address) {
  for (Elf_Scn* scn = elf_nextscn(elf, nullptr); scn != nullptr; scn = elf_nextscn(elf, scn)) {
    GElf_Shdr header;
    if (gelf_getshdr(scn, &header) == nullptr || header.sh_type != SHT_RELA) continue;
    Elf_Data* const data = elf_getdata(scn, nullptr);
    if (data == nullptr || header.sh_entsize == 0) continue;
    for (int i = 0; static_cast<GElf_Xword>(i) < header.sh_size / header.sh_entsize; ++i) {
      GElf_Rela entry;
      if (gelf_getrela(data, i, &entry) == nullptr) break;
      if (entry.r_offset == address) return static_cast<std::uint64_t>(entry.r_addend);
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<Symbol> read_go_functions(std::span<const std::byte> bytes,
                                      std::optional<std::uint64_t> text_start) {
  std::vector<Symbol> symbols;
  const Bytes table(bytes);
  const auto layout = layout_of(table, text_start);
  if (!layout) return symbols;
  const std::uint64_t width = layout->wide ? sizeof(std::uint64_t) : sizeof(std::uint32_t);
  // Pairs: where a function starts, and where the table says more about it.
  if (layout->functions > bytes.size() / (2 * width)) return symbols;
  const auto field = [&](std::uint64_t offset) -> std::optional<std::uint64_t> {
    if (layout->wide) return table.at<std::uint64_t>(offset);
    return table.at<std::uint32_t>(offset);
  };
  for (std::uint64_t i = 0; i < layout->functions; ++i) {
    const std::uint64_t at = layout->entries + i * 2 * width;
    // Behind the last function stands where the code ends.
    const auto start = field(at), about = field(at + width), end = field(at + 2 * width);
    if (!start || !about || !end || *end < *start) break;
    const auto name = table.at<std::int32_t>(layout->entries + *about + width);
    if (!name || *name < 0) break;
    auto text = table.text_at(layout->names + static_cast<std::uint64_t>(*name));
    if (!text) break;
    if (text->empty() || *end == *start) continue;
    const std::uint64_t address = layout->text_start + *start;
    symbols.push_back({.start = address,
                       .size = *end - *start,
                       .name = std::move(*text),
                       .global = true,
                       .limit = address + (*end - *start)});
  }
  return symbols;
}

std::vector<Symbol> go_symbols(Dwfl_Module* module) {
  GElf_Addr bias = 0;
  Elf* const elf = dwfl_module_getelf(module, &bias);
  if (elf == nullptr) return {};
  const auto section = find_section(elf, ".gopclntab");
  if (!section) return {};
  std::vector<Symbol> symbols =
      read_go_functions(section->bytes, relocated(elf, section->header.sh_addr + kTextStartAt));
  for (Symbol& symbol : symbols) {
    symbol.start += bias;
    symbol.limit += bias;
  }
  return symbols;
}

}  // namespace vfsprof::harness
