#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::vfs {

/// A function of a program, by its demangled name; address and size in bytes.
struct ProgramFunction {
  std::string name;
  std::uint64_t address = 0;
  std::uint64_t size = 0;
};

/// A call, or a jump out of the function that holds it.
struct CallSite {
  std::string text;          ///< the line of the disassembly
  bool is_indirect = false;  ///< through a register or memory
  std::uint64_t target = 0;  ///< of a direct one
  std::string target_name;   ///< of a direct one, as objdump writes it
};

/// The machine code of this very program, as nm and objdump (binutils) show it.
/// Threads: one at a time.
class Disassembly {
 public:
  /// Why this program cannot be taken apart here; empty if it can.
  static std::string unavailable();

  /// Reads the symbols.
  Disassembly();

  /// Functions whose names begin with `prefix` and end with `suffix`.
  std::vector<const ProgramFunction*> find(std::string_view prefix, std::string_view suffix) const;
  /// The function that `address` lies in; null if it is none of this program's.
  const ProgramFunction* at(std::uint64_t address) const;
  /// Every call of a function and every jump that may leave it.
  std::vector<CallSite> calls_of(const ProgramFunction& function) const;

 private:
  std::string program_;
  std::map<std::uint64_t, ProgramFunction> functions_;  // by address
};

}  // namespace vfsprof::vfs
