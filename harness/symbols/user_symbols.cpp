#include "harness/symbols/user_symbols.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "harness/collect/proc.h"
#include "harness/symbols/dwarf_functions.h"
#include "harness/symbols/go_functions.h"
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

constexpr std::string_view kDeleted = " (deleted)";

/// The lines of a text that do or do not end as given.
std::string lines_that(std::string_view text, bool end, std::string_view with) {
  std::string result;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with(with) == end) result.append(line).push_back('\n');
  }
  return result;
}

/// Reports the deleted objects that a process has mapped, through its mappings. Needs
/// CAP_CHECKPOINT_RESTORE; without it they have no names.
void report_deleted(Dwfl* dwfl, const std::string& maps, pid_t pid) {
  std::string known;
  std::string_view rest = maps;
  while (!rest.empty()) {
    const std::string line(rest.substr(0, rest.find('\n')));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t path_at = line.find('/');
    if (path_at == std::string::npos || line.substr(path_at) == known) continue;
    known = line.substr(path_at);
    const std::string range = line.substr(0, line.find(' '));
    const int fd =
        ::open(fmt::format("/proc/{}/map_files/{}", pid, range).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    const std::uint64_t base = std::strtoull(range.c_str(), nullptr, 16);
    // Takes the descriptor if it succeeds.
    if (dwfl_report_elf(dwfl, known.c_str(), known.c_str(), fd, base, false) == nullptr)
      ::close(fd);
  }
}

/// Detached debug information by build id only: the standard search may ask a server (debuginfod).
constexpr Dwfl_Callbacks kCallbacks = {
    .find_elf = find_elf,
    .find_debuginfo = dwfl_build_id_find_debuginfo,
    .section_address = nullptr,
    .debuginfo_path = nullptr,
};

std::string module_name(const std::string& path) {
  if (path.empty()) return "[anon]";
  if (path.front() != '/') return path;
  std::string name = std::filesystem::path(path).filename();
  if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
  return name;
}

/// The end of a section of code, as in the ELF file; 0 for another section.
GElf_Addr end_of_code(Elf* elf, GElf_Word section) {
  Elf_Scn* const scn = elf_getscn(elf, section);
  GElf_Shdr header;
  if (scn == nullptr || gelf_getshdr(scn, &header) == nullptr) return 0;
  return (header.sh_flags & SHF_EXECINSTR) != 0 ? header.sh_addr + header.sh_size : 0;
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
    const GElf_Addr end = end_of_code(elf, section);
    const bool label = type == STT_NOTYPE && end != 0;
    if (type != STT_FUNC && type != STT_GNU_IFUNC && !label) continue;
    symbols.push_back({.start = address,
                       .size = symbol.st_size,
                       .name = without_version(name),
                       .global = GELF_ST_BIND(symbol.st_info) != STB_LOCAL,
                       .limit = end != 0 ? end - symbol.st_value + address : 0});
    if (type == STT_GNU_IFUNC) indirect.push_back(symbols.back().name);
  }
  if (!indirect.empty())
    std::ranges::move(indirect_symbols(module, path, indirect), std::back_inserter(symbols));
  std::ranges::move(go_symbols(module), std::back_inserter(symbols));
  return SymbolTable(std::move(symbols));
}

/// What is known of one module, found out when an address first falls into it.
struct ModuleSymbols {
  ModuleSymbols(Dwfl_Module* module, const std::string& path)
      : symbols(elf_symbols(module, path)), functions(dwfl_module_getdwarf(module, &bias)) {}
  /// A symbol's name for people, found out once.
  const std::string& name_of(const Symbol& symbol) {
    const auto [found, added] = names.try_emplace(&symbol);
    if (added) found->second = demangle(symbol.name);
    return found->second;
  }

  SymbolTable symbols;
  std::unordered_map<const Symbol*, std::string> names;
  Dwarf_Addr bias = 0;  ///< address in memory - address in the DWARF
  DwarfFunctions functions;
};

}  // namespace

struct UserSymbols::Impl {
  Impl(const std::string& maps, pid_t pid)
      : mappings(parse_executable_mappings(maps)), dwfl(dwfl_begin(&kCallbacks), dwfl_end) {
    if (dwfl == nullptr || maps.empty()) return;
    dwfl_report_begin(dwfl.get());
    std::string copy = lines_that(maps, false, kDeleted);
    if (pid != 0) report_deleted(dwfl.get(), lines_that(maps, true, kDeleted), pid);
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

UserSymbols::UserSymbols(const std::string& maps, pid_t pid)
    : impl_(std::make_unique<Impl>(maps, pid)) {}
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
    function = symbol != nullptr ? module->name_of(*symbol) : chain.function;
  }
  frames.push_back({kUser, std::move(function), object});
  return frames;
}

}  // namespace vfsprof::harness
