#include "harness/symbols/user_symbols.h"

#include <elfutils/libdwfl.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "harness/collect/proc.h"
#include "harness/symbols/dwarf_functions.h"
#include "harness/symbols/indirect_symbols.h"
#include "harness/symbols/symbol_table.h"

namespace vfsprof::harness {
namespace {

constexpr std::string_view kVdso = "[vdso]";

/// A copy of this process's vdso: every process of one architecture has the same.
std::vector<char>& vdso_image() {
  static std::vector<char> image = [] {
    const unsigned long address = ::getauxval(AT_SYSINFO_EHDR);
    for (const auto& mapping :
         parse_executable_mappings(read_text("/proc/self/maps").value_or(""))) {
      if (mapping.start != address || mapping.path != kVdso) continue;
      const char* const start = reinterpret_cast<const char*>(address);
      return std::vector<char>(start, start + (mapping.end - mapping.start));
    }
    return std::vector<char>();
  }();
  return image;
}

int find_elf(Dwfl_Module* module, void** userdata, const char* name, Dwarf_Addr base,
             char** file_name, Elf** elf) {
  if (name != kVdso) return dwfl_linux_proc_find_elf(module, userdata, name, base, file_name, elf);
  std::vector<char>& image = vdso_image();
  if (!image.empty()) *elf = elf_memory(image.data(), image.size());
  return -1;
}

/// Detached debug information by build id only: the standard search may ask a server (debuginfod).
constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = find_elf,
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .section_address = nullptr,
    .debuginfo_path = nullptr,
};

std::string module_name(const std::string& path) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.empty()) return "[anon]";
  if (path.front() != '/') return path;
  std::string name = std::filesystem::path(path).filename();
  if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
  return name;
}

bool is_code(Elf* elf, GElf_Word section) {
  Elf_Scn* const scn = elf_getscn(elf, section);
  GElf_Shdr header;
  return scn != nullptr && gelf_getshdr(scn, &header) != nullptr &&
         (header.sh_flags & SHF_EXECINSTR) != 0;
}

/// Without the version that a full symbol table adds: "memcpy@@GLIBC_2.14".
std::string without_version(const char* name) { return std::string(name, std::strcspn(name, "@")); }

SymbolTable elf_symbols(Dwfl_Module* module, const std::string& path) {
  std::vector<Symbol> symbols;
  std::vector<std::string> indirect;
  const int count = dwfl_module_getsymtab(module);
  for (int i = 0; i < count; ++i) {
    GElf_Sym symbol;
    GElf_Addr address = 0;
    GElf_Word section = 0;
    Elf* elf = nullptr;
    const char* const name =
        dwfl_module_getsym_info(module, i, &symbol, &address, &section, &elf, nullptr);
    if (name == nullptr || *name == '\0' || section == SHN_UNDEF) continue;
    const int type = GELF_ST_TYPE(symbol.st_info);
    // Assembler code often has labels without a type; elsewhere such labels are no functions.
    const bool label = type == STT_NOTYPE && is_code(elf, section);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && !label) continue;
    symbols.push_back({.start = address,
                       .size = symbol.st_size,
                       .name = without_version(name),
                       .global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL});
    if (type == STT_GNU_IFUNC) indirect.push_back(symbols.back().name);
  }
  if (!indirect.empty())
    std::ranges::move(indirect_symbols(module, path, indirect), std::back_inserter(symbols));
  return SymbolTable(std::move(symbols));
}

/// What is known of one module, found out when an address first falls into it.
struct ModuleSymbols {
  ModuleSymbols(Dwfl_Module* module, const std::string& path)
      : symbols(elf_symbols(module, path)), functions(dwfl_module_getdwarf(module, &bias)) {}
  SymbolTable symbols;
  Dwarf_Addr bias = 0;  ///< address in memory - address in the DWARF
  DwarfFunctions functions;
};

}  // namespace

struct UserSymbols::Impl {
  explicit Impl(const std::string& maps)
      : mappings(parse_executable_mappings(maps)), dwfl(dwfl_begin(&kCallbacks), dwfl_end) {
    if (dwfl == nullptr || maps.empty()) return;
    dwfl_report_begin(dwfl.get());
    std::string copy = maps;  // fmemopen takes it unqualified
    if (std::FILE* const file = ::fmemopen(copy.data(), copy.size(), "r")) {
      dwfl_linux_proc_maps_report(dwfl.get(), file);
      std::fclose(file);
    }
    for (const ExecutableMapping& mapping : mappings) {
      if (mapping.path == kVdso) {
        dwfl_report_module(dwfl.get(), kVdso.data(), mapping.start, mapping.end);
      }
    }
    dwfl_report_end(dwfl.get(), nullptr, nullptr);
  }

  const ExecutableMapping* mapping_at(std::uint64_t address) const {
    const auto after = std::ranges::upper_bound(mappings, address, {}, &ExecutableMapping::start);
    if (after == mappings.begin() || address >= std::prev(after)->end) return nullptr;
    return &*std::prev(after);
  }

  ModuleSymbols* module_at(std::uint64_t address, const std::string& path) {
    Dwfl_Module* const module = dwfl ? dwfl_addrmodule(dwfl.get(), address) : nullptr;
    if (module == nullptr) return nullptr;
    auto& symbols = modules[module];
    if (symbols == nullptr) symbols = std::make_unique<ModuleSymbols>(module, path);
    return symbols.get();
  }

  std::vector<ExecutableMapping> mappings;
  std::unique_ptr<Dwfl, void (*)(Dwfl*)> dwfl;
  std::unordered_map<Dwfl_Module*, std::unique_ptr<ModuleSymbols>> modules;
};

UserSymbols::UserSymbols(const std::string& maps) : impl_(std::make_unique<Impl>(maps)) {}
UserSymbols::~UserSymbols() = default;

std::vector<reports::Frame> UserSymbols::frames_at(std::uint64_t address) {
  using enum reports::FrameKind;
  const ExecutableMapping* const mapping = impl_->mapping_at(address);
  if (mapping == nullptr) return {};
  const std::string object = module_name(mapping->path);
  std::vector<reports::Frame> frames;
  std::string function;
  if (ModuleSymbols* const module = impl_->module_at(address, mapping->path)) {
    DwarfFunctions::Chain chain = module->functions.chain_at(address - module->bias);
    for (std::string& name : chain.inlined) frames.push_back({kInlined, std::move(name), object});
    // The symbol first: it carries the parameter types, which DWARF has no name for in local
    // functions.
    const Symbol* const symbol = module->symbols.find(address);
    function = symbol != nullptr ? demangle(symbol->name) : chain.function;
  }
  frames.push_back({kUser, std::move(function), object});
  return frames;
}

}  // namespace vfsprof::harness
