#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::harness {

/// A function symbol. A `size` of 0 means unknown: it then reaches to the next symbol, but not
/// beyond `limit` (the end of its section), if that is known.
struct Symbol {
  std::uint64_t start = 0;
  std::uint64_t size = 0;
  std::string name;
  bool global = false;
  std::uint64_t limit = 0;
};

/// Function symbols by address. An address that no symbol covers has no name: it is never given to
/// a far symbol below.
///
/// Of several names for one address the public one is kept: fewest leading underscores, then global
/// before local, then the last in the alphabet, so that results do not depend on the order of the
/// file.
class SymbolTable {
 public:
  SymbolTable() = default;
  explicit SymbolTable(std::vector<Symbol> symbols);

  bool empty() const { return symbols_.empty(); }
  /// The symbol that covers `address`, or nullptr.
  const Symbol* find(std::uint64_t address) const;

 private:
  std::vector<Symbol> symbols_;  ///< ascending starts, each once, every size known
};

/// The kernel's functions from the text of /proc/kallsyms, modules included; empty where
/// kernel.kptr_restrict hides the addresses.
SymbolTable kernel_symbols(std::string_view kallsyms);

}  // namespace vfsprof::harness
