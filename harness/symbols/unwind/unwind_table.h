#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/symbols/unwind/frame_rules.h"

namespace vfsprof::harness {

/// How to get from any instruction of one object to its caller: `.eh_frame`, compiled into rows
/// sorted by address.
///
/// Addresses are those of the ELF file (no load bias). Rows hold from their start to the next row.
/// Source: DWARF 5, section 6.4; Linux Standard Base 5.0, chapter 10.6 (.eh_frame).
/// Threads: immutable once built.
class UnwindTable {
 public:
  UnwindTable() = default;

  /// Compiles the contents of a `.eh_frame` section that is loaded at `address`. What is malformed
  /// ends the reading, never the program: rows until there are kept. An empty table on machines
  /// other than x86-64.
  static UnwindTable compile(std::span<const std::byte> eh_frame, std::uint64_t address);

  bool empty() const { return starts_.empty(); }
  std::size_t rows() const { return starts_.size(); }
  /// The first address of a row, and its rules: nullptr where nothing is known from there on.
  std::uint64_t start_of(std::size_t row) const { return base_ + starts_[row]; }
  const FrameRules* rules_of(std::size_t row) const;

  /// The rules at an instruction, or nullptr where there are none.
  const FrameRules* find(std::uint64_t address) const;
  /// The bytes of a DWARF expression that a rule names.
  std::span<const std::byte> expression(std::int32_t index) const {
    return expressions_[static_cast<std::size_t>(index)];
  }

  /// The N where the caller's stack pointer is rsp + N and its return address lies right below
  /// that, so that the word at rsp + N - 8 is the return address; nothing where the frame is
  /// described in another way.
  std::optional<std::int64_t> cfa_offset_at(std::uint64_t address) const;

 private:
  friend class TableBuilder;

  std::uint64_t base_ = 0;               ///< what `starts_` count from
  std::vector<std::uint32_t> starts_;    ///< ascending
  std::vector<std::uint32_t> rules_of_;  ///< for each row an index into `rules_`, or kNoRules
  std::vector<FrameRules> rules_;        ///< each once
  std::vector<std::vector<std::byte>> expressions_;
};

}  // namespace vfsprof::harness
