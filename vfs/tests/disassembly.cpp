#include "vfs/tests/disassembly.h"

#include <fmt/format.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <utility>

#include "vfs/tests/interposing.h"

namespace vfsprof::vfs {
namespace {

/// Calls `use` for each line that the command prints. Errors: std::runtime_error if it fails.
void for_each_line(const std::string& command, const std::function<void(std::string_view)>& use) {
  FILE* const output = ::popen(command.c_str(), "r");
  if (output == nullptr) throw std::runtime_error("cannot run " + command);
  char* line = nullptr;
  std::size_t capacity = 0;
  for (ssize_t size; (size = ::getline(&line, &capacity, output)) > 0;) {
    std::string_view text(line, static_cast<std::size_t>(size));
    if (text.ends_with('\n')) text.remove_suffix(1);
    use(text);
  }
  ::free(line);
  if (::pclose(output) != 0) throw std::runtime_error("failed: " + command);
}

bool runs(const std::string& command) {
  try {
    for_each_line(command + " 2>/dev/null", [](std::string_view) {});
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

/// Takes the next word off `text`.
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  text.remove_prefix(word.size());
  return word;
}

/// 0 if it is no number.
std::uint64_t from_hex(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

}  // namespace

std::string Disassembly::unavailable() {
#if !defined(__x86_64__)
  return "the disassembly is read for x86-64 only";
#else
  if (VFSPROF_CAN_INTERPOSE == 0) return "a sanitizer adds calls of its own";
  if (!runs("nm --version") || !runs("objdump --version")) {
    return "there is no nm or objdump; install binutils";
  }
  return {};
#endif
}

Disassembly::Disassembly() : program_(std::filesystem::read_symlink("/proc/self/exe").string()) {
  const auto command = fmt::format("nm --demangle --print-size --defined-only '{}'", program_);
  for_each_line(command, [&](std::string_view line) {
    const std::uint64_t address = from_hex(take_word(line));
    const std::uint64_t size = from_hex(take_word(line));
    const std::string_view kind = take_word(line);
    if (size == 0 || line.empty() || (kind != "t" && kind != "T" && kind != "W" && kind != "w")) {
      return;
    }
    line.remove_prefix(1);
    functions_.insert_or_assign(address, ProgramFunction{std::string(line), address, size});
  });
}

std::vector<const ProgramFunction*> Disassembly::find(std::string_view prefix,
                                                      std::string_view suffix) const {
  std::vector<const ProgramFunction*> found;
  for (const auto& [address, function] : functions_) {
    if (function.name.starts_with(prefix) && function.name.ends_with(suffix)) {
      found.push_back(&function);
    }
  }
  return found;
}

const ProgramFunction* Disassembly::at(std::uint64_t address) const {
  auto next = functions_.upper_bound(address);
  if (next == functions_.begin()) return nullptr;
  const ProgramFunction& function = (--next)->second;
  return address < function.address + function.size ? &function : nullptr;
}

std::vector<CallSite> Disassembly::calls_of(const ProgramFunction& function) const {
  const std::uint64_t end = function.address + function.size;
  const auto command = fmt::format(
      "objdump --disassemble --demangle --no-show-raw-insn --start-address={} --stop-address={} "
      "'{}'",
      function.address, end, program_);
  std::vector<CallSite> calls;
  for_each_line(command, [&](std::string_view line) {
    // `  8b258:	call   *0x10(%rax)`, `  8b25b:	jmp    1234 <name+0x10>`
    std::string_view rest = line;
    if (!take_word(rest).ends_with(':')) return;
    std::string_view what = take_word(rest);
    while (what == "notrack" || what == "bnd") what = take_word(rest);
    if (!what.starts_with("call") && !what.starts_with("j")) return;
    const std::string_view target = take_word(rest);
    CallSite call{.text = std::string(line), .target_name = {}};
    call.is_indirect = target.starts_with('*');
    if (!call.is_indirect) {
      call.target = from_hex(target);
      if (call.target >= function.address && call.target < end) return;
      if (rest.size() > 3) call.target_name = rest.substr(2, rest.size() - 3);
    }
    calls.push_back(std::move(call));
  });
  return calls;
}

}  // namespace vfsprof::vfs
