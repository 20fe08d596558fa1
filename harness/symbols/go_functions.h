#pragma once

#include <elfutils/libdwfl.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "harness/symbols/symbol_table.h"

namespace vfsprof::harness {

/// The functions of a Go program by the table that its runtime prints stack traces from, which
/// every Go program has, stripped or not. `text_start` is where its code starts, if the table
/// itself does not say so. Addresses are the file's. Empty for what is no such table of Go 1.16 or
/// later, of a 64-bit little-endian machine; functions up to the first one that is damaged
/// otherwise.
///
/// Source: src/debug/gosym/pclntab.go and src/runtime/symtab.go of Go 1.16, 1.18 and 1.20.
std::vector<Symbol> read_go_functions(std::span<const std::byte> table,
                                      std::optional<std::uint64_t> text_start = {});

/// The same of a module, at the addresses where it is loaded; empty for another language.
std::vector<Symbol> go_symbols(Dwfl_Module* module);

}  // namespace vfsprof::harness
