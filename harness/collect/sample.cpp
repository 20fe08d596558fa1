#include "harness/collect/sample.h"

#include <linux/perf_event.h>

#include <array>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <asm/perf_regs.h>
#endif

namespace vfsprof::harness {
namespace {

/// Takes one value off the front, or leaves `value` and returns false if the payload ends before
/// it.
template <class Value>
bool take(std::span<const std::byte>& payload, Value& value) {
  if (payload.size() < sizeof value) return false;
  std::memcpy(&value, payload.data(), sizeof value);
  payload = payload.subspan(sizeof value);
  return true;
}

#if defined(__x86_64__)
/// perf's number of a register, and DWARF's: those that unwind tables refer to above a leaf, and
/// r10, which holds the caller's frame while a function realigns its stack. In perf's order.
constexpr std::array<std::pair<unsigned, std::size_t>, 9> kRegisters{
    {{PERF_REG_X86_BX, 3},
     {PERF_REG_X86_BP, Registers::kRbp},
     {PERF_REG_X86_SP, Registers::kRsp},
     {PERF_REG_X86_IP, Registers::kRip},
     {PERF_REG_X86_R10, 10},
     {PERF_REG_X86_R12, 12},
     {PERF_REG_X86_R13, 13},
     {PERF_REG_X86_R14, 14},
     {PERF_REG_X86_R15, 15}}};
#else
constexpr std::array<std::pair<unsigned, std::size_t>, 0> kRegisters{};
#endif

std::uint64_t register_mask() {
  std::uint64_t mask = 0;
  for (const auto& [number, dwarf_number] : kRegisters) mask |= std::uint64_t{1} << number;
  return mask;
}

/// Source: the record format at PERF_RECORD_SAMPLE in linux/perf_event.h.
bool take_stack(std::span<const std::byte>& payload, RawSample& sample) {
  std::uint64_t abi = 0;
  if (!take(payload, abi)) return false;
  if (abi != PERF_SAMPLE_REGS_ABI_NONE) {
    Registers& registers = sample.registers.emplace();
    for (const auto& [number, dwarf_number] : kRegisters) {
      std::uint64_t value = 0;
      if (!take(payload, value)) return false;
      registers.set(dwarf_number, value);
      // Where a hardware event interrupts a system call, the kernel does not know what the callee
      // keeps, and writes -1. Source: perf_get_regs_user() in arch/x86/kernel/perf_regs.c.
      const bool needed = dwarf_number == Registers::kRsp || dwarf_number == Registers::kRip;
      if (value == ~std::uint64_t{0} && !needed) registers.forget(dwarf_number);
    }
    // 32-bit code has other tables.
    if (abi != PERF_SAMPLE_REGS_ABI_64) sample.registers.reset();
  }
  std::uint64_t size = 0;
  if (!take(payload, size) || size > payload.size()) return false;
  if (size == 0) return true;
  sample.stack = payload.first(size);
  payload = payload.subspan(size);
  std::uint64_t filled = 0;
  if (!take(payload, filled) || filled > size) return false;
  sample.stack = sample.stack.first(filled);
  return true;
}

}  // namespace

const std::uint64_t kSampleType =
    PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CALLCHAIN;
const std::uint64_t kStackSampleType = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
const std::uint64_t kSampledRegisters = register_mask();

std::optional<RawSample> parse_sample(std::span<const std::byte> payload, bool with_stack) {
  RawSample sample;
  std::uint64_t address = 0;
  std::uint64_t chain_length = 0;
  if (!take(payload, address) || !take(payload, sample.pid) || !take(payload, sample.tid) ||
      !take(payload, sample.time_ns) || !take(payload, chain_length) ||
      chain_length > payload.size() / sizeof(std::uint64_t)) {
    return std::nullopt;
  }
  sample.chain.resize(chain_length);
  if (chain_length > 0) std::memcpy(sample.chain.data(), payload.data(), chain_length * 8);
  payload = payload.subspan(chain_length * 8);
  if (with_stack && !take_stack(payload, sample)) return std::nullopt;
  // The chain begins with the sampled address, except where the kernel could walk nothing at all.
  if (sample.chain.empty()) sample.chain = {PERF_CONTEXT_USER, address};
  return sample;
}

std::vector<ChainAddress> addresses_of(std::span<const std::uint64_t> chain) {
  std::vector<ChainAddress> addresses;
  addresses.reserve(chain.size());
  AddressKind context = AddressKind::kUser;
  bool shown = false;  // guests and hypervisors are other contexts
  bool first_of_context = true;
  for (const std::uint64_t entry : chain) {
    if (entry >= PERF_CONTEXT_MAX) {
      const bool kernel = entry == PERF_CONTEXT_KERNEL;
      context = kernel ? AddressKind::kKernel : AddressKind::kUser;
      shown = kernel || entry == PERF_CONTEXT_USER;
      first_of_context = true;
      continue;
    }
    // A zero ends a walk that has run off the stack.
    if (!shown || entry == 0) continue;
    // The first address of each context is where it was left: the leaf, or the instruction that a
    // fault or interrupt returns to. (After a system call it is the instruction behind it, in the
    // same function.)
    addresses.push_back({context, first_of_context ? entry : entry - 1});
    first_of_context = false;
  }
  return addresses;
}

}  // namespace vfsprof::harness
