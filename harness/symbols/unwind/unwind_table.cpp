#include "harness/symbols/unwind/unwind_table.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "harness/symbols/unwind/table_builder.h"

namespace vfsprof::harness {
namespace {

constexpr std::uint32_t kNoRules = std::numeric_limits<std::uint32_t>::max();

}  // namespace

const FrameRules* UnwindTable::rules_of(std::size_t row) const {
  return rules_of_[row] == kNoRules ? nullptr : &rules_[rules_of_[row]];
}

const FrameRules* UnwindTable::find(std::uint64_t address) const {
  if (address < base_ || address - base_ > std::numeric_limits<std::uint32_t>::max())
    return nullptr;
  const auto after = std::ranges::upper_bound(starts_, static_cast<std::uint32_t>(address - base_));
  if (after == starts_.begin()) return nullptr;
  const std::uint32_t rules = rules_of_[static_cast<std::size_t>(after - starts_.begin()) - 1];
  return rules == kNoRules ? nullptr : &rules_[rules];
}

std::optional<std::int64_t> UnwindTable::cfa_offset_at(std::uint64_t address) const {
  const FrameRules* const rules = find(address);
  if (rules == nullptr || rules->cfa.kind != RuleKind::kRegisterPlus ||
      rules->cfa.base != Registers::kRsp ||
      rules->return_address != RegisterRule{.kind = RuleKind::kAtCfa, .value = -8}) {
    return std::nullopt;
  }
  return rules->cfa.value;
}

void TableBuilder::add_row(std::uint64_t start, const FrameRules& rules) {
  const auto next = static_cast<std::uint32_t>(table_.rules_.size());
  const auto [found, added] = index_of_.try_emplace(rules, next);
  if (added) table_.rules_.push_back(rules);
  rows_.push_back({start, found->second});
}

void TableBuilder::end_rows(std::uint64_t start) { rows_.push_back({start, kNoRules}); }

std::int32_t TableBuilder::add_expression(std::span<const std::byte> bytes) {
  const auto next = static_cast<std::int32_t>(table_.expressions_.size());
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  const auto [found, added] = expression_index_.try_emplace(copy, next);
  if (added) table_.expressions_.push_back(std::move(copy));
  return found->second;
}

UnwindTable TableBuilder::build() && {
  // Where one function ends and the next begins, the end comes first and is overwritten.
  std::ranges::stable_sort(rows_, [](const Row& a, const Row& b) {
    return a.start != b.start ? a.start<b.start : (a.rules == kNoRules)>(b.rules == kNoRules);
  });
  if (!rows_.empty()) table_.base_ = rows_.front().start;
  for (const Row& row : rows_) {
    const std::uint64_t offset = row.start - table_.base_;
    if (offset > std::numeric_limits<std::uint32_t>::max()) break;
    const auto start = static_cast<std::uint32_t>(offset);
    if (!table_.starts_.empty() && table_.starts_.back() == start) {
      table_.rules_of_.back() = row.rules;
    } else if (table_.rules_of_.empty() || table_.rules_of_.back() != row.rules) {
      table_.starts_.push_back(start);
      table_.rules_of_.push_back(row.rules);
    }
  }
  return std::move(table_);
}

}  // namespace vfsprof::harness
