// Compiles .eh_frame: reads its entries (CIE: common, FDE: one function), and runs each function's
// call frame instructions once, noting a row wherever the rules change.
#include <dwarf.h>

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "harness/symbols/unwind/byte_reader.h"
#include "harness/symbols/unwind/table_builder.h"
#include "harness/symbols/unwind/unwind_table.h"

namespace vfsprof::harness {
namespace {

/// Encodings of pointers: Linux Standard Base 5.0, section 10.5.1. <dwarf.h> names them.
constexpr std::uint8_t kFormat = 0x0f;
constexpr std::uint8_t kRelation = 0x70;

struct State {
  RegisterRule cfa{.kind = RuleKind::kUndefined};
  std::array<RegisterRule, Registers::kCount> registers;
  friend bool operator==(const State&, const State&) = default;
};

/// A common information entry: what its functions share.
struct Common {
  std::uint64_t code_alignment = 1;
  std::int64_t data_alignment = 1;
  std::uint8_t pointer_encoding = DW_EH_PE_absptr;
  bool has_augmentation = false;
  bool signal_frame = false;
  State initial;
};

/// As the program's own arithmetic would do it: an object may hold any numbers.
std::int64_t times(std::int64_t value, std::int64_t factor) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(value) *
                                   static_cast<std::uint64_t>(factor));
}

/// How far an instruction advances the location, before code alignment.
std::uint64_t advance_units(std::uint8_t operation, std::uint8_t operand, ByteReader& code) {
  switch (operation) {
    case DW_CFA_advance_loc1:
      return code.take<std::uint8_t>();
    case DW_CFA_advance_loc2:
      return code.take<std::uint16_t>();
    case DW_CFA_advance_loc4:
      return code.take<std::uint32_t>();
    default:
      return operand;
  }
}

class Compiler {
 public:
  Compiler(std::span<const std::byte> section, std::uint64_t address)
      : section_(section), address_(address) {}

  UnwindTable run();

 private:
  struct Function {
    const Common& common;
    std::uint64_t start;
    std::uint64_t end;
  };

  const Common* common_at(std::size_t position);
  std::optional<Common> read_common(std::size_t position);
  void read_function(ByteReader& entry, std::size_t entry_position, const Common& common);
  std::uint64_t read_pointer(ByteReader& reader, std::size_t reader_position,
                             std::uint8_t encoding);
  void note(std::uint64_t location, const State& state, const Common& common);
  /// Runs instructions from `state`; notes rows if `function` is given. False if one is unknown.
  bool execute(ByteReader& code, std::size_t code_position, const Common& common, State& state,
               const Function* function);
  bool set_one_rule(std::uint8_t operation, std::uint8_t operand, ByteReader& code,
                    const Common& common, State& state);
  bool set_cfa_rule(std::uint8_t operation, ByteReader& code, const Common& common, State& state);
  void set_rule(State& state, std::uint64_t number, RuleKind kind, std::int64_t value);

  std::span<const std::byte> section_;
  std::uint64_t address_;
  std::map<std::size_t, std::optional<Common>> commons_;
  TableBuilder builder_;
};

UnwindTable Compiler::run() {
  ByteReader reader(section_);
  while (!reader.at_end()) {
    const auto size = reader.take<std::uint32_t>();
    if (size == 0) continue;  // a terminator; linkers may leave one between what they merged
    const std::uint64_t long_size = size == 0xffffffff ? reader.take<std::uint64_t>() : size;
    const std::size_t position = reader.position();
    const std::span<const std::byte> bytes = reader.take_bytes(long_size);
    if (reader.failed()) break;
    ByteReader entry(bytes);
    const auto common_offset = entry.take<std::uint32_t>();
    if (common_offset == 0 || common_offset > position) continue;  // 0: itself a common entry
    if (const Common* const common = common_at(position - common_offset)) {
      read_function(entry, position, *common);
    }
  }
  return std::move(builder_).build();
}

const Common* Compiler::common_at(std::size_t position) {
  const auto [found, added] = commons_.try_emplace(position);
  if (added) found->second = read_common(position);
  return found->second ? &*found->second : nullptr;
}

std::optional<Common> Compiler::read_common(std::size_t position) {
  ByteReader head(section_.subspan(position));
  const auto size = head.take<std::uint32_t>();
  const std::uint64_t long_size = size == 0xffffffff ? head.take<std::uint64_t>() : size;
  const std::size_t start = position + head.position();
  ByteReader reader(head.take_bytes(long_size));
  if (reader.take<std::uint32_t>() != 0) return std::nullopt;
  const auto version = reader.take<std::uint8_t>();
  const std::string_view augmentation = reader.take_text();
  Common common;
  common.code_alignment = reader.take_uleb();
  common.data_alignment = reader.take_sleb();
  const std::uint64_t return_register =
      version == 1 ? reader.take<std::uint8_t>() : reader.take_uleb();
  if (return_register != Registers::kRip) return std::nullopt;
  if (!augmentation.empty() && augmentation.front() != 'z') return std::nullopt;
  for (const char letter : augmentation) {
    if (letter == 'z') {
      common.has_augmentation = true;
      reader.take_uleb();
    } else if (letter == 'R') {
      common.pointer_encoding = reader.take<std::uint8_t>();
    } else if (letter == 'P') {
      const auto encoding = reader.take<std::uint8_t>();
      read_pointer(reader, start, encoding);
    } else if (letter == 'L') {
      reader.take<std::uint8_t>();
    } else if (letter == 'S') {
      common.signal_frame = true;
    } else {
      return std::nullopt;  // what follows cannot be read
    }
  }
  execute(reader, start, common, common.initial, nullptr);
  if (reader.failed()) return std::nullopt;
  return common;
}

void Compiler::read_function(ByteReader& entry, std::size_t entry_position, const Common& common) {
  const std::uint64_t start = read_pointer(entry, entry_position, common.pointer_encoding);
  const std::uint64_t size = read_pointer(
      entry, entry_position, static_cast<std::uint8_t>(common.pointer_encoding & kFormat));
  if (common.has_augmentation) entry.take_bytes(entry.take_uleb());
  // Functions that the linker dropped stand at 0.
  if (entry.failed() || start == 0 || size == 0 || start + size < start) return;
  const Function function{common, start, start + size};
  State state = common.initial;
  execute(entry, entry_position, common, state, &function);
  builder_.end_rows(function.end);
}

std::uint64_t Compiler::read_pointer(ByteReader& reader, std::size_t reader_position,
                                     std::uint8_t encoding) {
  if (encoding == DW_EH_PE_omit) return 0;
  const std::uint64_t here = address_ + reader_position + reader.position();
  std::uint64_t value = 0;
  switch (encoding & kFormat) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
      value = reader.take<std::uint64_t>();
      break;
    case DW_EH_PE_udata2:
      value = reader.take<std::uint16_t>();
      break;
    case DW_EH_PE_sdata2:
      value = static_cast<std::uint64_t>(std::int64_t{reader.take<std::int16_t>()});
      break;
    case DW_EH_PE_udata4:
      value = reader.take<std::uint32_t>();
      break;
    case DW_EH_PE_sdata4:
      value = static_cast<std::uint64_t>(std::int64_t{reader.take<std::int32_t>()});
      break;
    case DW_EH_PE_uleb128:
      value = reader.take_uleb();
      break;
    case DW_EH_PE_sleb128:
      value = static_cast<std::uint64_t>(reader.take_sleb());
      break;
    default:
      break;
  }
  return (encoding & kRelation) == DW_EH_PE_pcrel ? value + here : value;
}

void Compiler::note(std::uint64_t location, const State& state, const Common& common) {
  FrameRules rules{.cfa = state.cfa,
                   .return_address = state.registers[Registers::kRip],
                   .signal_frame = common.signal_frame,
                   .others = {}};
  for (std::uint8_t number = 0; number < Registers::kRip; ++number) {
    if (state.registers[number].kind == RuleKind::kSame) continue;
    rules.others.push_back({number, state.registers[number]});
  }
  builder_.add_row(location, rules);
}

void Compiler::set_rule(State& state, std::uint64_t number, RuleKind kind, std::int64_t value) {
  if (number >= Registers::kCount) return;  // vector registers and the like
  state.registers[number] = {.kind = kind, .base = 0, .value = static_cast<std::int32_t>(value)};
}

bool Compiler::execute(ByteReader& code, std::size_t code_position, const Common& common,
                       State& state, const Function* function) {
  std::vector<State> remembered;
  std::uint64_t location = function != nullptr ? function->start : 0;
  const auto advance_to = [&](std::uint64_t next) {
    if (function != nullptr && next > location && next < function->end) {
      note(location, state, common);
    }
    location = next;
  };
  while (!code.at_end()) {
    const auto byte = code.take<std::uint8_t>();
    const std::uint8_t operand = byte & 0x3f;
    const std::uint8_t operation = (byte & 0xc0) != 0 ? byte & 0xc0 : byte;
    switch (operation) {
      case DW_CFA_advance_loc:
      case DW_CFA_advance_loc1:
      case DW_CFA_advance_loc2:
      case DW_CFA_advance_loc4:
        advance_to(location + advance_units(operation, operand, code) * common.code_alignment);
        break;
      case DW_CFA_set_loc:
        advance_to(read_pointer(code, code_position, common.pointer_encoding));
        break;
      case DW_CFA_remember_state:
        remembered.push_back(state);
        break;
      case DW_CFA_restore_state:
        if (remembered.empty()) return false;
        state = remembered.back();
        remembered.pop_back();
        break;
      default:
        if (!set_one_rule(operation, operand, code, common, state)) return false;
    }
  }
  if (code.failed()) return false;
  if (function != nullptr) note(location, state, common);
  return true;
}

bool Compiler::set_cfa_rule(std::uint8_t operation, ByteReader& code, const Common& common,
                            State& state) {
  const auto set = [&](std::uint64_t number, std::int64_t offset) {
    const bool known = number < Registers::kCount;
    state.cfa = {.kind = known ? RuleKind::kRegisterPlus : RuleKind::kUndefined,
                 .base = static_cast<std::uint8_t>(number),
                 .value = static_cast<std::int32_t>(offset)};
  };
  std::uint64_t number = 0;
  switch (operation) {
    case DW_CFA_def_cfa:
      number = code.take_uleb();
      set(number, static_cast<std::int64_t>(code.take_uleb()));
      return true;
    case DW_CFA_def_cfa_sf:
      number = code.take_uleb();
      set(number, times(code.take_sleb(), common.data_alignment));
      return true;
    case DW_CFA_def_cfa_register:
      set(code.take_uleb(), state.cfa.value);
      return true;
    case DW_CFA_def_cfa_offset:
      set(state.cfa.base, static_cast<std::int64_t>(code.take_uleb()));
      return true;
    case DW_CFA_def_cfa_offset_sf:
      set(state.cfa.base, times(code.take_sleb(), common.data_alignment));
      return true;
    case DW_CFA_def_cfa_expression:
      state.cfa = {.kind = RuleKind::kExpression,
                   .base = 0,
                   .value = builder_.add_expression(code.take_bytes(code.take_uleb()))};
      return true;
    case DW_CFA_GNU_args_size:
      code.take_uleb();
      return true;
    default:
      return operation == DW_CFA_nop;
  }
}

bool Compiler::set_one_rule(std::uint8_t operation, std::uint8_t operand, ByteReader& code,
                            const Common& common, State& state) {
  if (set_cfa_rule(operation, code, common, state)) return true;
  // All others begin with the number of a register; two have it in the operation itself.
  const bool in_operation = operation == DW_CFA_offset || operation == DW_CFA_restore;
  const std::uint64_t number = in_operation ? operand : code.take_uleb();
  const auto set = [&](RuleKind kind, std::int64_t value) {
    set_rule(state, number, kind, value);
    return true;
  };
  const auto scaled = [&] {
    return times(static_cast<std::int64_t>(code.take_uleb()), common.data_alignment);
  };
  const auto expression = [&] {
    return builder_.add_expression(code.take_bytes(code.take_uleb()));
  };
  switch (operation) {
    case DW_CFA_offset:
    case DW_CFA_offset_extended:
      return set(RuleKind::kAtCfa, scaled());
    case DW_CFA_offset_extended_sf:
      return set(RuleKind::kAtCfa, times(code.take_sleb(), common.data_alignment));
    case DW_CFA_GNU_negative_offset_extended:
      return set(RuleKind::kAtCfa, times(scaled(), -1));
    case DW_CFA_val_offset:
      return set(RuleKind::kCfaPlus, scaled());
    case DW_CFA_val_offset_sf:
      return set(RuleKind::kCfaPlus, times(code.take_sleb(), common.data_alignment));
    case DW_CFA_register:
      return set(RuleKind::kRegister, static_cast<std::int64_t>(code.take_uleb()));
    case DW_CFA_expression:
      return set(RuleKind::kAtExpression, expression());
    case DW_CFA_val_expression:
      return set(RuleKind::kExpression, expression());
    case DW_CFA_undefined:
      return set(RuleKind::kUndefined, 0);
    case DW_CFA_same_value:
      return set(RuleKind::kSame, 0);
    case DW_CFA_restore:
    case DW_CFA_restore_extended:
      if (number < Registers::kCount) state.registers[number] = common.initial.registers[number];
      return true;
    default:
      return false;
  }
}

}  // namespace

UnwindTable UnwindTable::compile([[maybe_unused]] std::span<const std::byte> eh_frame,
                                 [[maybe_unused]] std::uint64_t address) {
#if defined(__x86_64__)
  return Compiler(eh_frame, address).run();
#else
  return {};
#endif
}

}  // namespace vfsprof::harness
