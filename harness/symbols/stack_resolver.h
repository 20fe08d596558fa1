#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "harness/collect/sample.h"
#include "harness/symbols/symbol_table.h"
#include "harness/symbols/user_symbols.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// Turns raw call chains into the frames and stacks of a table, each kept once. Every address is
/// looked up once.
class StackResolver {
 public:
  /// All arguments must outlive the resolver; frames and stacks are added to `table`.
  StackResolver(const SymbolTable& kernel, UserSymbols& user, reports::StackTable& table)
      : kernel_(kernel), user_(user), table_(table) {}

  /// The index in Profile::stacks of a raw chain's stack.
  std::uint32_t resolve(std::span<const std::uint64_t> chain);

 private:
  /// Indices of the frames at an address, innermost first.
  const std::vector<std::uint32_t>& frames_at(const ChainAddress& address);
  std::uint32_t intern(reports::Frame frame);

  const SymbolTable& kernel_;
  UserSymbols& user_;
  reports::StackTable& table_;
  /// By address: those of the kernel and of user space never coincide.
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> frames_at_;
  std::map<reports::Frame, std::uint32_t> frames_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> stacks_;
};

}  // namespace vfsprof::harness
