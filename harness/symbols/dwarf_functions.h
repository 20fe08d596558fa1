#pragma once

#include <elfutils/libdw.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vfsprof::harness {

/// A symbol's name for people: demangled, without the compiler's clone suffix (".constprop.0"),
/// which would split one function into several. A name that is not mangled stays.
std::string demangle(std::string_view name);

/// The functions of one object according to its DWARF, with what was inlined into them.
///
/// Units are indexed when an address first falls into them, once, because most of a large program
/// is never sampled. Addresses are those of the DWARF itself (no load bias). `.debug_aranges` is
/// not used: clang writes none.
class DwarfFunctions {
 public:
  /// `dwarf` may be null (no debug information); it must outlive this object.
  explicit DwarfFunctions(Dwarf* dwarf);

  struct Chain {
    std::vector<std::string> inlined;  ///< innermost first, fully qualified
    std::string function;  ///< the function that has the code; empty if no unit covers the address
  };
  Chain chain_at(Dwarf_Addr address);

 private:
  struct Unit {
    Dwarf_Die die{};
    bool indexed = false;
  };
  struct Range {
    Dwarf_Addr start = 0;
    Dwarf_Addr end = 0;  ///< exclusive
    std::size_t unit = 0;
  };
  struct Function {
    Dwarf_Addr end = 0;  ///< exclusive
    Dwarf_Die die{};
  };

  void index(Unit& unit);
  void index_children(Dwarf_Die scope, Dwarf_Off parent);
  void add_function(Dwarf_Die die);
  std::string qualified_name(Dwarf_Die die);
  std::string enclosing_scopes(Dwarf_Die die);

  Dwarf* dwarf_;
  std::vector<Unit> units_;
  std::vector<Range> ranges_;                               ///< of units, ascending starts
  std::unordered_map<Dwarf_Off, std::size_t> unit_at_;      ///< by the offset of the unit's DIE
  std::vector<std::pair<Dwarf_Addr, Function>> functions_;  ///< of indexed units, ascending starts
  std::unordered_map<Dwarf_Off, Dwarf_Off>
      parents_;  ///< of named scopes and functions; 0: the unit
  std::unordered_map<Dwarf_Off, std::string> names_;  ///< by the offset of the declaration
};

}  // namespace vfsprof::harness
