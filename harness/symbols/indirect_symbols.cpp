#include "harness/symbols/indirect_symbols.h"

#include <dlfcn.h>
#include <elfutils/libdw.h>
#include <link.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace vfsprof::harness {
namespace {

/// The bytes from `address` (as in the ELF file) for which one row of the unwind table holds; 0 if
/// none does. A function without stack frame has one row: this is its size.
std::uint64_t frame_row_size(Dwarf_CFI* cfi, Dwarf_Addr address) {
  Dwarf_Frame* frame = nullptr;
  if (cfi == nullptr || dwarf_cfi_addrframe(cfi, address, &frame) != 0) return 0;
  const std::unique_ptr<Dwarf_Frame, void (*)(void*)> owner(frame, std::free);
  Dwarf_Addr start = 0;
  Dwarf_Addr end = 0;
  dwarf_frame_info(frame, &start, &end, nullptr);
  return end > address ? end - address : 0;
}

}  // namespace

std::vector<Symbol> indirect_symbols(Dwfl_Module* module, const std::string& path,
                                     const std::vector<std::string>& names) {
  const std::unique_ptr<void, int (*)(void*)> library(
      ::dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD), ::dlclose);
  link_map* map = nullptr;
  if (library == nullptr || ::dlinfo(library.get(), RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0)
    return {};
  Dwarf_Addr bias = 0;  // of the module in the observed process
  Dwarf_CFI* const cfi = dwfl_module_eh_cfi(module, &bias);
  std::vector<Symbol> symbols;
  for (const std::string& name : names) {
    void* const resolved = ::dlsym(library.get(), name.c_str());
    Dl_info info;
    // Some resolve into the vdso instead.
    if (resolved == nullptr || ::dladdr(resolved, &info) == 0 ||
        reinterpret_cast<std::uint64_t>(info.dli_fbase) !=
            reinterpret_cast<std::uint64_t>(map->l_addr)) {
      continue;
    }
    const std::uint64_t address = reinterpret_cast<std::uint64_t>(resolved) - map->l_addr;
    const std::uint64_t size = frame_row_size(cfi, address);
    if (size > 0) {
      symbols.push_back({.start = address + bias, .size = size, .name = name, .global = true});
    }
  }
  return symbols;
}

}  // namespace vfsprof::harness
