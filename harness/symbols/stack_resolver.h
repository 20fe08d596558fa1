#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "harness/collect/sample.h"
#include "harness/symbols/index_table.h"
#include "harness/symbols/symbol_table.h"
#include "harness/symbols/user_symbols.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// Turns call chains into the frames and stacks of a table, each kept once. Every address is looked
/// up once, and chains that share their outer part share the work.
class StackResolver {
 public:
  /// All arguments must outlive the resolver; frames and stacks are added to `table`.
  StackResolver(const SymbolTable& kernel, UserSymbols& user, reports::StackTable& table)
      : kernel_(kernel), user_(user), table_(table) {}

  /// The index in StackTable::stacks of a raw chain's stack (leaf first, with the kernel's context
  /// markers).
  std::uint32_t resolve(std::span<const std::uint64_t> chain);

  /// A stack that is being built from its outermost call inwards.
  using Path = std::uint32_t;
  static constexpr Path kEmpty = ~Path{0};
  /// The path with what is called at an address.
  Path called_from(Path outer, const ChainAddress& address);
  /// The index in StackTable::stacks of a path's stack.
  std::uint32_t stack_of(Path path);

 private:
  /// Indices of the frames at an address, innermost first.
  const std::vector<std::uint32_t>& frames_at(const ChainAddress& address);
  std::uint32_t intern(reports::Frame frame);

  const SymbolTable& kernel_;
  UserSymbols& user_;
  reports::StackTable& table_;
  /// By address: those of the kernel and of user space never coincide.
  struct Place {
    std::uint64_t address = 0;
    std::vector<std::uint32_t> frames;  ///< innermost first
  };
  IndexTable place_of_;
  std::vector<Place> places_;
  std::map<reports::Frame, std::uint32_t> frames_;
  struct Step {
    Path outer = kEmpty;
    std::uint32_t frame = 0;
    Path last_inner = kEmpty;  ///< the last that was reached from here
  };
  Path step(Path outer, std::uint32_t frame);

  std::vector<Step> paths_;
  Path last_outermost_ = kEmpty;
  IndexTable path_of_;                 ///< by outer path and frame
  std::vector<std::uint32_t> stacks_;  ///< of each path; kEmpty: not asked for yet
};

}  // namespace vfsprof::harness
