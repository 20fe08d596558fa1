#include "harness/symbols/symbol_table.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

namespace vfsprof::harness {
namespace {

/// Greater is the better name.
auto rank(const Symbol& symbol) {
  const std::size_t underscores = std::min(symbol.name.find_first_not_of('_'), symbol.name.size());
  return std::make_tuple(-static_cast<std::int64_t>(underscores), symbol.global,
                         std::string_view(symbol.name));
}

}  // namespace

SymbolTable::SymbolTable(std::vector<Symbol> symbols) {
  std::ranges::sort(symbols, [](const Symbol& a, const Symbol& b) {
    return a.start != b.start ? a.start < b.start : rank(a) > rank(b);
  });
  std::uint64_t covered_to = 0;  // by symbols of known size
  for (Symbol& symbol : symbols) {
    if (!symbols_.empty() && symbols_.back().start == symbol.start) {
      symbols_.back().size = std::max(symbols_.back().size, symbol.size);
    } else if (symbol.size > 0 || symbol.start >= covered_to) {
      symbols_.push_back(std::move(symbol));
    } else {
      continue;  // a label inside a function
    }
    covered_to = std::max(covered_to, symbols_.back().start + symbols_.back().size);
  }
  for (std::size_t i = 0; i < symbols_.size(); ++i) {
    if (symbols_[i].size > 0) continue;
    const bool last = i + 1 == symbols_.size();
    std::uint64_t end = last ? std::numeric_limits<std::uint64_t>::max() : symbols_[i + 1].start;
    if (symbols_[i].limit > symbols_[i].start) end = std::min(end, symbols_[i].limit);
    symbols_[i].size = end - symbols_[i].start;
  }
}

const Symbol* SymbolTable::find(std::uint64_t address) const {
  const auto after = std::ranges::upper_bound(symbols_, address, {}, &Symbol::start);
  if (after == symbols_.begin()) return nullptr;
  const Symbol& symbol = *std::prev(after);
  return address - symbol.start < symbol.size ? &symbol : nullptr;
}

SymbolTable kernel_symbols(std::string_view kallsyms) {
  std::vector<Symbol> symbols;
  // Lines: "ffffffff81000000 T name" or "... t name\t[module]".
  while (!kallsyms.empty()) {
    const std::string_view line = kallsyms.substr(0, kallsyms.find('\n'));
    kallsyms.remove_prefix(std::min(line.size() + 1, kallsyms.size()));
    std::uint64_t address = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), address, 16);
    const std::string_view rest(end, static_cast<std::size_t>(line.data() + line.size() - end));
    if (error != std::errc() || address == 0 || rest.size() < 4) continue;
    const char type = rest[1];
    if (type != 't' && type != 'T' && type != 'w' && type != 'W') continue;
    const std::string_view name = rest.substr(3, rest.find('\t') - 3);
    symbols.push_back(
        {.start = address, .size = 0, .name = std::string(name), .global = type != 't'});
  }
  return SymbolTable(std::move(symbols));
}

}  // namespace vfsprof::harness
