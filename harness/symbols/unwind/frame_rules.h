#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vfsprof::harness {

/// Registers of a thread by their DWARF numbers on x86-64, which are 0 to 15, and 16 for the
/// instruction pointer. `known` has a bit for each that holds a value.
struct Registers {
  static constexpr std::size_t kCount = 17;
  static constexpr std::size_t kRbp = 6;
  static constexpr std::size_t kRsp = 7;
  static constexpr std::size_t kRip = 16;

  Registers() = default;
  Registers(std::uint64_t ip, std::uint64_t sp, std::uint64_t bp) {
    set(kRip, ip);
    set(kRsp, sp);
    set(kRbp, bp);
  }
  void set(std::size_t number, std::uint64_t value) {
    values[number] = value;
    known |= 1u << number;
  }
  void forget(std::size_t number) { known &= ~(1u << number); }
  bool knows(std::size_t number) const { return number < kCount && (known >> number & 1u) != 0; }

  std::array<std::uint64_t, kCount> values{};
  std::uint32_t known = 0;
};

/// How the caller's value of one register is found. The canonical frame address (CFA) is the
/// caller's stack pointer.
enum class RuleKind : std::uint8_t {
  kUndefined,     ///< nowhere; of the return address: this is the outermost frame
  kSame,          ///< the register still holds it
  kAtCfa,         ///< in memory at CFA + value
  kCfaPlus,       ///< CFA + value
  kRegister,      ///< in the register of number `value`
  kAtExpression,  ///< in memory at the address that expression `value` gives
  kExpression,    ///< what expression `value` gives
  kRegisterPlus,  ///< register of number `base` + value: only of the CFA
};

struct RegisterRule {
  RuleKind kind = RuleKind::kSame;
  std::uint8_t base = 0;
  std::int32_t value = 0;
  friend auto operator<=>(const RegisterRule&, const RegisterRule&) = default;
};

/// The rules of one row of an unwind table.
struct FrameRules {
  struct Entry {
    std::uint8_t number = 0;  ///< of the register, as in Registers
    RegisterRule rule;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };

  RegisterRule cfa;
  RegisterRule return_address;
  bool signal_frame = false;  ///< the caller was interrupted and has not called
  std::vector<Entry> others;  ///< ascending; registers that are not named keep their value
  friend auto operator<=>(const FrameRules&, const FrameRules&) = default;
};

}  // namespace vfsprof::harness
