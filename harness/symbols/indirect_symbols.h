#pragma once

#include <elfutils/libdwfl.h>

#include <string>
#include <vector>

#include "harness/symbols/symbol_table.h"

namespace vfsprof::harness {

/// The implementations that indirect functions (memmove, memcpy, memset, strlen, ...) resolve to on
/// this machine, under their public names.
///
/// A stripped libc has no symbol for them, and they are where copying is seen. They are asked from
/// this process's own copy of the same library, as every process on one machine gets the same;
/// sizes come from `.eh_frame`. Empty if this process has not loaded the library.
std::vector<Symbol> indirect_symbols(Dwfl_Module* module, const std::string& path,
                                     const std::vector<std::string>& names);

}  // namespace vfsprof::harness
