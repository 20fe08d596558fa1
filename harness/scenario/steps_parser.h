#pragma once

#include <span>
#include <string>
#include <vector>

#include "harness/scenario/json_reader.h"
#include "harness/scenario/steps.h"

// Included by parsers only, as json_reader.h.

namespace vfsprof::harness {

/// Bytes of one read or write at most.
inline constexpr std::uint64_t kMaxBlockBytes = 16 << 20;
/// Files that a client with steps can have open at a time.
inline constexpr std::uint32_t kMaxOpenFiles = 64;

/// A number of bytes by distribution: a size, or an object with one of uniform, zipf, gamma, table.
Distribution read_distribution(const JsonNode& node, IntegerRange range_bytes);

/// The sets of a scenario. Throws BadInput.
std::vector<FileSet> read_file_sets(const JsonNode& node);

/// Reads the arrays `setup` (may be absent) and `steps` of a job.
struct StepsParser {
  std::span<const FileSet> sets;
  std::vector<std::string>& texts;  ///< names that steps mention are added to it

  std::vector<Instruction> read(const JsonNode& node);

  std::vector<int> opened_in = std::vector<int>(kMaxOpenFiles, -1);  ///< the set of each open file
  int loops_deep = 0;

 private:
  void read_list(const JsonNode& node, std::vector<Instruction>& out);
  void read_step(const JsonNode& node, std::vector<Instruction>& out);
  void read_repeat(const JsonNode& node, std::vector<Instruction>& out);
  void read_mix(const JsonNode& node, std::vector<Instruction>& out);
  void resolve_set(const JsonNode& node, Instruction& step);
};

}  // namespace vfsprof::harness
