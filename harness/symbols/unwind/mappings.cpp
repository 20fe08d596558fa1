#include "harness/symbols/unwind/mappings.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace vfsprof::harness {
namespace {

constexpr std::size_t kCacheSize = 8192;  // of places: more than a program is usually seen at

}  // namespace

Mappings::Mappings(pid_t pid) : pid_(pid), cache_(kCacheSize) { refresh(); }

void Mappings::refresh() {
  std::optional<std::string> text = read_text(fmt::format("/proc/{}/maps", pid_));
  if (!text || text->empty() || *text == text_) return;
  text_ = std::move(*text);
  for (const ExecutableMapping& mapping : parse_executable_mappings(text_)) add(mapping);
  cache_.assign(kCacheSize, {});
}

void Mappings::add(const ExecutableMapping& mapping) {
  const auto same = regions_.find(mapping.start);
  if (same != regions_.end() && same->second.mapping == mapping) return;
  auto overlapping = regions_.lower_bound(mapping.start);
  if (overlapping != regions_.begin() &&
      std::prev(overlapping)->second.mapping.end > mapping.start) {
    --overlapping;
  }
  while (overlapping != regions_.end() && overlapping->first < mapping.end) {
    overlapping = regions_.erase(overlapping);
  }
  regions_[mapping.start].mapping = mapping;
}

void Mappings::load_tables() {
  for (const auto& [start, region] : regions_) region_at(start);
}

Mappings::Region* Mappings::region_at(std::uint64_t address) {
  const auto after = regions_.upper_bound(address);
  if (after == regions_.begin()) return nullptr;
  Region& region = std::prev(after)->second;
  if (address >= region.mapping.end) return nullptr;
  if (region.code == nullptr) {
    region.code = load_object_code(pid_, region.mapping);
    region.bias = region.code->bias(region.mapping);
  }
  return &region;
}

Mappings::Place Mappings::at(std::uint64_t address) {
  Cached& cached = cache_[(address ^ (address >> 13)) % kCacheSize];
  if (cached.address == address && cached.place.table != nullptr) return cached.place;
  const Region* const region = region_at(address);
  if (region == nullptr) return {};
  const UnwindTable& table = region->code->table;
  cached = {address, {&table, table.find(address - region->bias)}};
  return cached.place;
}

std::optional<std::int64_t> Mappings::cfa_offset_at(std::uint64_t address) {
  const Region* const region = region_at(address);
  if (region == nullptr) return std::nullopt;
  return region->code->table.cfa_offset_at(address - region->bias);
}

}  // namespace vfsprof::harness
