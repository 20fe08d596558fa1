#include "harness/symbols/unwind/unwind.h"

#include <optional>

#include "harness/symbols/unwind/expression.h"
#include "harness/symbols/unwind/stack_copy.h"

namespace vfsprof::harness {
namespace {

/// What a rule gives; nothing if it cannot be followed. `missing` is set where that is because
/// memory lies outside of the copy.
class Follower {
 public:
  Follower(const Registers& registers, const StackCopy& stack, const UnwindTable& table)
      : registers_(registers), stack_(stack), table_(table) {}

  bool memory_missing() const { return memory_missing_; }

  std::optional<std::uint64_t> cfa(const RegisterRule& rule) {
    if (rule.kind == RuleKind::kExpression) {
      return evaluate(table_.expression(rule.value), registers_, stack_, std::nullopt);
    }
    if (rule.kind != RuleKind::kRegisterPlus || !registers_.knows(rule.base)) return std::nullopt;
    return plus(registers_.values[rule.base], rule.value);
  }

  std::optional<std::uint64_t> value(const RegisterRule& rule, std::uint64_t cfa) {
    switch (rule.kind) {
      case RuleKind::kAtCfa:
        return word_at(plus(cfa, rule.value));
      case RuleKind::kCfaPlus:
        return plus(cfa, rule.value);
      case RuleKind::kRegister: {
        const auto number = static_cast<std::size_t>(rule.value);
        if (!registers_.knows(number)) return std::nullopt;
        return registers_.values[number];
      }
      case RuleKind::kAtExpression: {
        const auto address = evaluate(table_.expression(rule.value), registers_, stack_, cfa);
        return address ? word_at(*address) : std::nullopt;
      }
      case RuleKind::kExpression:
        return evaluate(table_.expression(rule.value), registers_, stack_, cfa);
      default:
        return std::nullopt;
    }
  }

 private:
  static std::uint64_t plus(std::uint64_t address, std::int32_t offset) {
    return address + static_cast<std::uint64_t>(std::int64_t{offset});
  }
  std::optional<std::uint64_t> word_at(std::uint64_t address) {
    const auto word = stack_.word_at(address);
    if (!word) memory_missing_ = true;
    return word;
  }

  const Registers& registers_;
  const StackCopy& stack_;
  const UnwindTable& table_;
  bool memory_missing_ = false;
};

/// Moves `registers` on to the caller; the reason if there is none.
std::optional<StackEnd> step_by_rules(const Mappings::Place& place, const StackCopy& stack,
                                      Registers& registers) {
  const FrameRules& rules = *place.rules;
  if (rules.return_address.kind == RuleKind::kUndefined) return StackEnd::kThreadStart;
  Follower follower(registers, stack, *place.table);
  const auto cfa = follower.cfa(rules.cfa);
  const std::uint64_t sp = registers.values[Registers::kRsp];
  // Stacks grow downwards; a signal may have its own stack anywhere.
  if (!cfa || (*cfa <= sp && !rules.signal_frame)) return StackEnd::kBadFrame;
  const auto ip = follower.value(rules.return_address, *cfa);
  if (!ip) return follower.memory_missing() ? StackEnd::kCopyEnded : StackEnd::kBadFrame;
  Registers caller = registers;
  caller.set(Registers::kRsp, *cfa);
  caller.set(Registers::kRip, *ip);
  for (const FrameRules::Entry& entry : rules.others) {
    if (const auto value = follower.value(entry.rule, *cfa)) {
      caller.set(entry.number, *value);
    } else {
      caller.forget(entry.number);
    }
  }
  registers = caller;
  return std::nullopt;
}

/// A leaf for which an object with tables has no rules is hand-written code that has not moved the
/// stack pointer, such as libc's clone3() behind its system call: the caller lies on top.
bool step_from_bare_leaf(const Mappings::Place& place, const StackCopy& stack, Mappings& mappings,
                         Registers& registers) {
  const std::uint64_t sp = registers.values[Registers::kRsp];
  const auto ip = stack.word_at(sp);
  if (place.table->empty() || !ip || mappings.at(*ip - 1).rules == nullptr) return false;
  registers.set(Registers::kRip, *ip);
  registers.set(Registers::kRsp, sp + 8);
  return true;
}

std::optional<StackEnd> step_by_frame_pointer(const StackCopy& stack, Mappings& mappings,
                                              Registers& registers) {
  if (!registers.knows(Registers::kRbp)) return StackEnd::kNoTable;
  const std::uint64_t frame = registers.values[Registers::kRbp];
  if (frame == 0) return StackEnd::kThreadStart;
  if (frame < registers.values[Registers::kRsp]) return StackEnd::kNoTable;
  const auto next_frame = stack.word_at(frame);
  const auto ip = stack.word_at(frame + 8);
  if (!next_frame || !ip) return StackEnd::kCopyEnded;
  if (*ip == 0) return StackEnd::kThreadStart;
  if (mappings.at(*ip - 1).table == nullptr) return StackEnd::kNoTable;
  registers.set(Registers::kRip, *ip);
  registers.set(Registers::kRsp, frame + 16);
  registers.set(Registers::kRbp, *next_frame);
  return std::nullopt;
}

}  // namespace

UnwoundStack unwind(const Registers& start, std::span<const std::byte> stack_copy,
                    Mappings& mappings) {
  UnwoundStack result;
  Registers registers = start;
  const StackCopy stack(start.values[Registers::kRsp], stack_copy);
  // The leaf and interrupted frames are at an instruction, the others behind a call.
  bool at_instruction = true;
  while (true) {
    const std::uint64_t ip = registers.values[Registers::kRip];
    const std::uint64_t lookup = at_instruction ? ip : ip - 1;
    const Mappings::Place place = mappings.at(lookup);
    result.end = StackEnd::kNoMapping;
    // Above the leaf an address outside of all code is no return address.
    if (place.table == nullptr && !result.addresses.empty()) return result;
    const bool leaf = result.addresses.empty();
    result.addresses.push_back(leaf ? ip : lookup + 1);
    if (place.table == nullptr) return result;
    if (result.addresses.size() == kMaxStackDepth) {
      result.end = StackEnd::kTooDeep;
      return result;
    }
    std::optional<StackEnd> end;
    if (place.rules != nullptr) {
      end = step_by_rules(place, stack, registers);
    } else if (!leaf || !step_from_bare_leaf(place, stack, mappings, registers)) {
      end = step_by_frame_pointer(stack, mappings, registers);
    }
    if (end) {
      result.end = *end;
      return result;
    }
    at_instruction = place.rules != nullptr && place.rules->signal_frame;
  }
}

}  // namespace vfsprof::harness
