#include "harness/collect/unwind_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "harness/collect/proc.h"
#include "harness/symbols/unwind/object_code.h"

namespace vfsprof::harness {
namespace {

constexpr std::int32_t kWordBytes = 8;

/// The rules of a row as far as stack and frame pointer can follow them; base kBaseNone elsewhere.
unwind_row row_of(const FrameRules* rules) {
  unwind_row row{};
  if (rules != nullptr && rules->return_address.kind == RuleKind::kUndefined) {
    row.base = kBaseOutermost;
    return row;
  }
  if (rules == nullptr || rules->cfa.kind != RuleKind::kRegisterPlus ||
      rules->return_address != RegisterRule{.kind = RuleKind::kAtCfa, .value = -kWordBytes}) {
    return row;
  }
  const std::int32_t words = rules->cfa.value / kWordBytes;
  const bool sp = rules->cfa.base == Registers::kRsp;
  if ((!sp && rules->cfa.base != Registers::kRbp) || rules->cfa.value % kWordBytes != 0 ||
      words > std::numeric_limits<__s16>::max()) {
    return row;
  }
  for (const FrameRules::Entry& entry : rules->others) {
    if (entry.number != Registers::kRbp) continue;
    const std::int32_t saved = entry.rule.value / kWordBytes;
    if (entry.rule.kind == RuleKind::kAtCfa && saved >= std::numeric_limits<__s8>::min()) {
      row.bp_words = static_cast<__s8>(saved);
    }
  }
  row.cfa_words = static_cast<__s16>(words);
  row.base = sp ? kBaseStackPointer : kBaseFramePointer;
  return row;
}

bool same_rules(const unwind_row& a, const unwind_row& b) {
  return a.base == b.base && a.cfa_words == b.cfa_words && a.bp_words == b.bp_words;
}

void add_module(pid_t pid, const ExecutableMapping& mapping, UnwindRows& result) {
  const std::shared_ptr<const ObjectCode> code = load_object_code(pid, mapping);
  if (code == nullptr || code->table.empty()) return;
  const std::uint64_t bias = code->bias(mapping);
  const std::size_t first = result.rows.size();
  for (std::size_t i = 0; i < code->table.rows(); ++i) {
    const std::uint64_t address = code->table.start_of(i) + bias;
    if (address < mapping.start || address >= mapping.end) continue;
    unwind_row row = row_of(code->table.rules_of(i));
    row.start = static_cast<__u32>(address - mapping.start);
    if (result.rows.size() > first && same_rules(result.rows.back(), row)) continue;
    result.rows.push_back(row);
  }
  result.modules.push_back({.start = mapping.start,
                            .end = mapping.end,
                            .first_row = static_cast<__u32>(first),
                            .rows = static_cast<__u32>(result.rows.size() - first),
                            .run_time = is_run_time_library(mapping.path),
                            .unused = 0});
}

}  // namespace

bool is_run_time_library(std::string_view path) {
  constexpr std::array<std::string_view, 8> kNames{"libc.so",    "libc-",      "ld-linux",
                                                   "libpthread", "libstdc++.", "libgcc_s.",
                                                   "libc++.",    "ld-musl"};
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return std::ranges::any_of(kNames,
                             [&](std::string_view start) { return name.starts_with(start); });
}

UnwindRows unwind_rows_of(pid_t pid) {
  UnwindRows result;
  auto mappings =
      parse_executable_mappings(read_text(fmt::format("/proc/{}/maps", pid)).value_or(""));
  std::ranges::stable_sort(mappings, std::ranges::greater{}, [](const ExecutableMapping& mapping) {
    return is_run_time_library(mapping.path);
  });
  for (const ExecutableMapping& mapping : mappings) {
    if (result.modules.size() < kModules) add_module(pid, mapping, result);
  }
  return result;
}

}  // namespace vfsprof::harness
