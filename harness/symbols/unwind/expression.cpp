#include "harness/symbols/unwind/expression.h"

#include <dwarf.h>

#include <vector>

#include "harness/symbols/unwind/byte_reader.h"

namespace vfsprof::harness {
namespace {

/// The constant that an operation pushes, if it is one that does.
std::optional<std::uint64_t> constant(std::uint8_t operation, ByteReader& code) {
  const auto widened = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  switch (operation) {
    case DW_OP_const1u:
      return code.take<std::uint8_t>();
    case DW_OP_const1s:
      return widened(code.take<std::int8_t>());
    case DW_OP_const2u:
      return code.take<std::uint16_t>();
    case DW_OP_const2s:
      return widened(code.take<std::int16_t>());
    case DW_OP_const4u:
      return code.take<std::uint32_t>();
    case DW_OP_const4s:
      return widened(code.take<std::int32_t>());
    case DW_OP_const8u:
    case DW_OP_const8s:
      return code.take<std::uint64_t>();
    case DW_OP_constu:
      return code.take_uleb();
    case DW_OP_consts:
      return widened(code.take_sleb());
    default:
      if (operation >= DW_OP_lit0 && operation <= DW_OP_lit31) return operation - DW_OP_lit0;
      return std::nullopt;
  }
}

std::optional<std::uint64_t> combine(std::uint8_t operation, std::uint64_t left,
                                     std::uint64_t right) {
  const auto signed_left = static_cast<std::int64_t>(left);
  const auto signed_right = static_cast<std::int64_t>(right);
  switch (operation) {
    case DW_OP_plus:
      return left + right;
    case DW_OP_minus:
      return left - right;
    case DW_OP_mul:
      return left * right;
    case DW_OP_and:
      return left & right;
    case DW_OP_or:
      return left | right;
    case DW_OP_xor:
      return left ^ right;
    case DW_OP_shl:
      return right < 64 ? left << right : 0;
    case DW_OP_shr:
      return right < 64 ? left >> right : 0;
    case DW_OP_eq:
      return signed_left == signed_right;
    case DW_OP_ne:
      return signed_left != signed_right;
    case DW_OP_ge:
      return signed_left >= signed_right;
    case DW_OP_gt:
      return signed_left > signed_right;
    case DW_OP_le:
      return signed_left <= signed_right;
    case DW_OP_lt:
      return signed_left < signed_right;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::uint64_t> evaluate(std::span<const std::byte> expression,
                                      const Registers& registers, const StackCopy& stack,
                                      std::optional<std::uint64_t> initial) {
  ByteReader code(expression);
  std::vector<std::uint64_t> values;
  if (initial) values.push_back(*initial);
  while (!code.at_end()) {
    const auto operation = code.take<std::uint8_t>();
    if (const auto value = constant(operation, code)) {
      values.push_back(*value);
      continue;
    }
    const bool sum = operation >= DW_OP_breg0 && operation <= DW_OP_breg31;
    if (sum || operation == DW_OP_bregx) {
      const std::uint64_t number = sum ? operation - DW_OP_breg0 : code.take_uleb();
      if (!registers.knows(number)) return std::nullopt;
      values.push_back(registers.values[number] + static_cast<std::uint64_t>(code.take_sleb()));
      continue;
    }
    if (operation == DW_OP_nop) continue;
    if (values.empty()) return std::nullopt;
    const std::uint64_t top = values.back();
    if (operation == DW_OP_dup) {
      values.push_back(top);
    } else if (operation == DW_OP_drop) {
      values.pop_back();
    } else if (operation == DW_OP_plus_uconst) {
      values.back() += code.take_uleb();
    } else if (operation == DW_OP_deref) {
      const auto word = stack.word_at(top);
      if (!word) return std::nullopt;
      values.back() = *word;
    } else {
      values.pop_back();
      if (values.empty()) return std::nullopt;
      const auto result = combine(operation, values.back(), top);
      if (!result) return std::nullopt;
      values.back() = *result;
    }
  }
  if (code.failed() || values.empty()) return std::nullopt;
  return values.back();
}

}  // namespace vfsprof::harness
