#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "harness/symbols/unwind/unwind_table.h"

namespace vfsprof::harness {

/// Collects the rows of an UnwindTable in any order.
class TableBuilder {
 public:
  /// Rules hold from `start` on.
  void add_row(std::uint64_t start, const FrameRules& rules);
  /// From `start` on nothing is known, unless rows are added there.
  void end_rows(std::uint64_t start);
  std::int32_t add_expression(std::span<const std::byte> bytes);
  UnwindTable build() &&;

 private:
  struct Row {
    std::uint64_t start = 0;
    std::uint32_t rules = 0;
  };

  std::vector<Row> rows_;
  std::map<FrameRules, std::uint32_t> index_of_;
  std::map<std::vector<std::byte>, std::int32_t> expression_index_;
  UnwindTable table_;
};

}  // namespace vfsprof::harness
