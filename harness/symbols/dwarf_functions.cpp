#include "harness/symbols/dwarf_functions.h"

#include <cxxabi.h>
#include <dwarf.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace vfsprof::harness {
namespace {

/// Calls `visit(start, end)` for each address range of a DIE.
template <class Visit>
void for_each_range(Dwarf_Die& die, Visit&& visit) {
  Dwarf_Addr base = 0;
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  for (ptrdiff_t at = 0; (at = dwarf_ranges(&die, at, &base, &start, &end)) > 0;) {
    // Functions that the linker dropped keep a DIE at address 0.
    if (start != 0 && start < end) visit(start, end);
  }
}

/// Calls `visit(child)` for each child of a DIE until it returns false.
template <class Visit>
void for_each_child(Dwarf_Die& die, Visit&& visit) {
  Dwarf_Die child;
  if (dwarf_child(&die, &child) != 0) return;
  do {
    if (!visit(child)) return;
  } while (dwarf_siblingof(&child, &child) == 0);
}

const char* string_attribute(Dwarf_Die& die, unsigned name) {
  Dwarf_Attribute attribute;
  return dwarf_formstring(dwarf_attr_integrate(&die, name, &attribute));
}

/// The DIE that declares a function: behind its abstract origin (an instance) and specification (a
/// member).
Dwarf_Die declaration_of(Dwarf_Die die) {
  constexpr int kMostReferences =
      16;  // compilers write one or two; damaged ones may lead in a circle
  for (const unsigned reference : {DW_AT_abstract_origin, DW_AT_specification}) {
    Dwarf_Attribute attribute;
    Dwarf_Die target;
    for (int i = 0; i < kMostReferences && dwarf_attr(&die, reference, &attribute) != nullptr &&
                    dwarf_formref_die(&attribute, &target) != nullptr;
         ++i) {
      die = target;
    }
  }
  return die;
}

/// Appends the inlined calls that lie around `address` within `scope`, outermost first.
void collect_inlined(Dwarf_Die scope, Dwarf_Addr address, std::vector<Dwarf_Die>& calls) {
  for_each_child(scope, [&](Dwarf_Die& child) {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_inlined_subroutine && dwarf_haspc(&child, address) > 0) {
      calls.push_back(child);
      collect_inlined(child, address, calls);
      return false;
    }
    if (tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block) {
      const std::size_t before = calls.size();
      const bool has_ranges =
          dwarf_hasattr(&child, DW_AT_ranges) != 0 || dwarf_hasattr(&child, DW_AT_low_pc) != 0;
      if (!has_ranges || dwarf_haspc(&child, address) > 0) collect_inlined(child, address, calls);
      return calls.size() == before;
    }
    return true;
  });
}

std::string scope_name(Dwarf_Die& scope) {
  if (const char* const name = string_attribute(scope, DW_AT_name)) return name;
  return dwarf_tag(&scope) == DW_TAG_namespace ? "(anonymous namespace)" : "{unnamed}";
}

}  // namespace

std::string demangle(std::string_view name) {
  if (!name.starts_with("_Z")) return std::string(name);
  const std::string plain(name.substr(0, name.find('.')));
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(plain.c_str(), nullptr, nullptr, &status), std::free);
  return status == 0 ? std::string(text.get()) : std::string(name);
}

DwarfFunctions::DwarfFunctions(Dwarf* dwarf) : dwarf_(dwarf) {
  if (dwarf_ == nullptr) return;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_get_units(dwarf_, unit, &unit, nullptr, nullptr, &die, nullptr) == 0) {
    unit_at_[dwarf_dieoffset(&die)] = units_.size();
    for_each_range(die, [&](Dwarf_Addr start, Dwarf_Addr end) {
      ranges_.push_back({start, end, units_.size()});
    });
    units_.push_back({.die = die});
  }
  std::ranges::sort(ranges_, {}, &Range::start);
}

DwarfFunctions::Chain DwarfFunctions::chain_at(Dwarf_Addr address) {
  const auto unit = std::ranges::upper_bound(ranges_, address, {}, &Range::start);
  if (unit == ranges_.begin() || address >= std::prev(unit)->end) return {};
  index(units_[std::prev(unit)->unit]);
  const auto function =
      std::ranges::upper_bound(functions_, address, {}, &std::pair<Dwarf_Addr, Function>::first);
  if (function == functions_.begin() || address >= std::prev(function)->second.end) return {};
  const Dwarf_Die die = std::prev(function)->second.die;
  std::vector<Dwarf_Die> calls;
  collect_inlined(die, address, calls);
  Chain chain;
  for (auto call = calls.rbegin(); call != calls.rend(); ++call) {
    chain.inlined.push_back(qualified_name(*call));
  }
  chain.function = qualified_name(die);
  return chain;
}

void DwarfFunctions::index(Unit& unit) {
  if (unit.indexed) return;
  unit.indexed = true;
  index_children(unit.die, 0);
  std::ranges::sort(functions_, {}, &std::pair<Dwarf_Addr, Function>::first);
}

void DwarfFunctions::index_children(Dwarf_Die scope, Dwarf_Off parent) {
  for_each_child(scope, [&](Dwarf_Die& child) {
    switch (dwarf_tag(&child)) {
      case DW_TAG_subprogram:
        add_function(child);
        [[fallthrough]];
      case DW_TAG_namespace:
      case DW_TAG_class_type:
      case DW_TAG_structure_type:
      case DW_TAG_union_type: {
        const Dwarf_Off offset = dwarf_dieoffset(&child);
        parents_[offset] = parent;
        index_children(child, offset);
        break;
      }
      case DW_TAG_lexical_block:
      case DW_TAG_try_block:
      case DW_TAG_catch_block:
        index_children(child, parent);
        break;
      default:
        break;
    }
    return true;
  });
}

void DwarfFunctions::add_function(Dwarf_Die die) {
  for_each_range(die, [&](Dwarf_Addr start, Dwarf_Addr end) {
    functions_.push_back({start, {.end = end, .die = die}});
  });
}

std::string DwarfFunctions::qualified_name(Dwarf_Die die) {
  Dwarf_Die declaration = declaration_of(die);
  // Offsets in a supplementary file (dwz) are another name space: not cached, not looked up in
  // parents_.
  const bool own = dwarf_cu_getdwarf(declaration.cu) == dwarf_;
  const Dwarf_Off offset = dwarf_dieoffset(&declaration);
  if (const auto known = names_.find(offset); own && known != names_.end()) return known->second;
  std::string name;
  if (const char* const mangled = string_attribute(die, DW_AT_linkage_name)) {
    name = demangle(mangled);
  } else if (const char* const plain = string_attribute(declaration, DW_AT_name)) {
    // Functions without external linkage (anonymous namespaces, many lambdas) carry no linkage
    // name.
    name = (own ? enclosing_scopes(declaration) : "") + plain;
  }
  if (own) names_[offset] = name;
  return name;
}

std::string DwarfFunctions::enclosing_scopes(Dwarf_Die die) {
  Dwarf_Die unit_die;
  if (dwarf_diecu(&die, &unit_die, nullptr, nullptr) == nullptr) return "";
  if (const auto unit = unit_at_.find(dwarf_dieoffset(&unit_die)); unit != unit_at_.end()) {
    index(units_[unit->second]);
  }
  std::string scopes;
  auto parent = parents_.find(dwarf_dieoffset(&die));
  while (parent != parents_.end() && parent->second != 0) {
    Dwarf_Die scope;
    if (dwarf_offdie(dwarf_, parent->second, &scope) == nullptr) break;
    if (dwarf_tag(&scope) == DW_TAG_subprogram) return qualified_name(scope) + "::" + scopes;
    // A class defined outside its scope says where it was declared.
    Dwarf_Die declared = declaration_of(scope);
    scopes.insert(0, scope_name(declared) + "::");
    parent = parents_.find(dwarf_dieoffset(&declared));
  }
  return scopes;
}

}  // namespace vfsprof::harness
