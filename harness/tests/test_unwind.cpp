#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/symbols/unwind/unwind.h"
#include "vfs/base/unique_fd.h"

#if defined(__x86_64__)
namespace vfsprof::harness {
namespace {

/// AddressSanitizer intercepts qsort() and keeps large variables off the stack.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kHasItsOwnStacks = true;
#elif defined(__has_feature)
constexpr bool kHasItsOwnStacks = __has_feature(address_sanitizer);
#else
constexpr bool kHasItsOwnStacks = false;
#endif
constexpr const char* kOwnStacks = "AddressSanitizer changes the frames that this test knows";

/// The bounds of the calling thread's stack.
std::uint64_t stack_top() {
  pthread_attr_t attributes;
  void* base = nullptr;
  std::size_t size = 0;
  ::pthread_getattr_np(::pthread_self(), &attributes);
  ::pthread_attr_getstack(&attributes, &base, &size);
  ::pthread_attr_destroy(&attributes);
  return reinterpret_cast<std::uint64_t>(base) + size;
}

Registers registers_of(const ucontext_t& context) {
  constexpr std::pair<std::size_t, int> kNumbers[] = {{3, REG_RBX},  {6, REG_RBP},  {7, REG_RSP},
                                                      {10, REG_R10}, {12, REG_R12}, {13, REG_R13},
                                                      {14, REG_R14}, {15, REG_R15}, {16, REG_RIP}};
  Registers registers;
  for (const auto& [number, index] : kNumbers) {
    registers.set(number, static_cast<std::uint64_t>(context.uc_mcontext.gregs[index]));
  }
  return registers;
}

/// What unwind() and, beside it, libgcc's unwinder say of one place.
struct Walks {
  UnwoundStack ours;
  std::vector<std::uint64_t> libgcc;
};

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* addresses) {
  static_cast<std::vector<std::uint64_t>*>(addresses)->push_back(_Unwind_GetIP(context));
  return _URC_NO_REASON;
}

/// A live stack, as the kernel reads it: padding and other functions' variables included, which
/// sanitizers forbid to touch.
std::vector<std::byte> copy_stack(std::uint64_t sp, std::size_t size) {
  std::vector<std::byte> copy(size);
  const UniqueFd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  const ssize_t copied = ::pread(memory.get(), copy.data(), copy.size(), static_cast<off_t>(sp));
  EXPECT_EQ(copied, static_cast<ssize_t>(size));
  return copy;
}

[[gnu::noinline]] void walk(Walks& walks, std::uint64_t copied_bytes = ~std::uint64_t{0}) {
  ucontext_t context;
  ::getcontext(&context);
  const Registers registers = registers_of(context);
  const std::uint64_t sp = registers.values[Registers::kRsp];
  const std::size_t size = std::min(stack_top() - sp, copied_bytes);
  const std::vector<std::byte> copy = copy_stack(sp, size);
  Mappings mappings(::getpid());
  walks.ours = unwind(registers, copy, mappings);
  ::_Unwind_Backtrace(note_frame, &walks.libgcc);
}

/// Equal but for the leaf, which is another instruction of walk(), and for a last address of 0.
void expect_equal(Walks walks) {
  while (!walks.libgcc.empty() && walks.libgcc.back() == 0) walks.libgcc.pop_back();
  EXPECT_TRUE(walks.ours.whole()) << static_cast<int>(walks.ours.end);
  ASSERT_GT(walks.ours.addresses.size(), 2u);
  walks.ours.addresses.erase(walks.ours.addresses.begin());
  walks.libgcc.erase(walks.libgcc.begin());
  EXPECT_EQ(walks.ours.addresses, walks.libgcc);
}

Walks* walks_of_callback = nullptr;

int compare_and_walk(const void*, const void*) {
  walk(*walks_of_callback);
  return 0;
}

TEST(Unwind, TheMainThreadIsWalkedToItsStart) {
  Walks walks;
  walk(walks);
  expect_equal(walks);
}

TEST(Unwind, AThreadIsWalkedToItsStart) {
  Walks walks;
  std::thread([&] { walk(walks); }).join();
  expect_equal(walks);
}

TEST(Unwind, ACallbackIsWalkedThroughLibc) {
  if (kHasItsOwnStacks) GTEST_SKIP() << kOwnStacks;
  Walks walks;
  walks_of_callback = &walks;
  int numbers[] = {2, 1};
  std::qsort(numbers, 2, sizeof(int), compare_and_walk);
  expect_equal(walks);
}

[[gnu::noinline]] void walk_below_a_large_frame(Walks& walks) {
  volatile char large[8192];
  large[0] = 1;
  walk(walks, 4096);
  large[1] = large[0];
}

TEST(Unwind, ACopyThatEndsEarlyGivesTheFirstFramesAndSaysSo) {
  if (kHasItsOwnStacks) GTEST_SKIP() << kOwnStacks;
  Walks walks;
  walk_below_a_large_frame(walks);
  EXPECT_EQ(walks.ours.end, StackEnd::kCopyEnded);
  EXPECT_EQ(walks.ours.addresses.size(), 2u);
}

/// The rules that libdw finds for an address, as text like ours.
std::string libdw_rules(Dwarf_CFI* cfi, std::uint64_t address) {
  Dwarf_Frame* frame = nullptr;
  if (::dwarf_cfi_addrframe(cfi, address, &frame) != 0) return "none";
  const std::unique_ptr<Dwarf_Frame, void (*)(void*)> owner(frame, std::free);
  Dwarf_Op* operations = nullptr;
  std::size_t count = 0;
  if (::dwarf_frame_cfa(frame, &operations, &count) != 0) return "no CFA";
  std::string text = "expression";
  if (count == 1 && operations->atom == DW_OP_bregx) {
    text =
        fmt::format("r{}{:+}", operations->number, static_cast<std::int64_t>(operations->number2));
  }
  bool signal = false;
  ::dwarf_frame_info(frame, nullptr, nullptr, &signal);
  for (int number = 0; number <= 16; ++number) {
    Dwarf_Op memory[3];
    if (::dwarf_frame_register(frame, number, memory, &operations, &count) != 0) continue;
    if (count == 0 || operations[0].atom != DW_OP_call_frame_cfa) continue;
    // An offset of 0 is not written.
    if (count == 1) text += fmt::format(" {}@0", number);
    if (count == 2 && operations[1].atom == DW_OP_plus_uconst) {
      text += fmt::format(" {}@{}", number, static_cast<std::int64_t>(operations[1].number));
    }
  }
  return text + (signal ? " signal" : "");
}

std::string our_rules(const UnwindTable& table, std::uint64_t address) {
  const FrameRules* const rules = table.find(address);
  if (rules == nullptr) return "none";
  std::string text = rules->cfa.kind == RuleKind::kRegisterPlus
                         ? fmt::format("r{}{:+}", rules->cfa.base, rules->cfa.value)
                         : "expression";
  for (const FrameRules::Entry& entry : rules->others) {
    if (entry.rule.kind == RuleKind::kAtCfa) {
      text += fmt::format(" {}@{}", entry.number, entry.rule.value);
    }
  }
  if (rules->return_address.kind == RuleKind::kAtCfa) {
    text += fmt::format(" 16@{}", rules->return_address.value);
  }
  return text + (rules->signal_frame ? " signal" : "");
}

/// The mapping that holds the code of a function.
ExecutableMapping mapping_of(const void* function) {
  const auto address = reinterpret_cast<std::uint64_t>(function);
  for (const auto& mapping : parse_executable_mappings(read_text("/proc/self/maps").value_or(""))) {
    if (mapping.start <= address && address < mapping.end) return mapping;
  }
  return {};
}

TEST(Unwind, TheTablesOfLibcAreThoseOfLibdw) {
  const ExecutableMapping mapping = mapping_of(::dlsym(RTLD_NEXT, "write"));
  const auto code = load_object_code(::getpid(), mapping);
  const UniqueFd fd(::open(mapping.path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(fd);
  Elf* const elf = ::elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr);
  Dwarf_CFI* const cfi = ::dwarf_getcfi_elf(elf);
  ASSERT_NE(cfi, nullptr);
  const std::uint64_t bias = code->bias(mapping);
  std::uint64_t different = 0;
  for (std::uint64_t at = mapping.start - bias; at < mapping.end - bias; at += 13) {
    const std::string expected = libdw_rules(cfi, at);
    const std::string found = our_rules(code->table, at);
    if (expected == found) continue;
    if (++different <= 5) ADD_FAILURE() << fmt::format("{:x}: {} | {}", at, expected, found);
  }
  EXPECT_EQ(different, 0u);
  EXPECT_GT(code->table.rows(), 1000u);
  ::dwarf_cfi_end(cfi);
  ::elf_end(elf);
}

/// Bytes of .eh_frame, one value after the other.
class FrameBytes {
 public:
  template <class Value>
  FrameBytes& put(Value value) {
    const auto* const bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
    return *this;
  }
  FrameBytes& put_all(std::initializer_list<int> bytes) {
    for (const int byte : bytes) bytes_.push_back(static_cast<std::byte>(byte));
    return *this;
  }
  /// Behind its length.
  std::vector<std::byte> entry() const {
    FrameBytes all;
    all.put(static_cast<std::uint32_t>(bytes_.size()));
    all.bytes_.insert(all.bytes_.end(), bytes_.begin(), bytes_.end());
    return all.bytes_;
  }

 private:
  std::vector<std::byte> bytes_;
};

TEST(Unwind, AnyNumbersInATableAreTaken) {
  const auto smallest = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f};  // -2^63
  FrameBytes common;
  common.put(std::uint32_t{0}).put_all({1, 'z', 'R', 0, 1}).put_all(smallest);
  common.put_all({16, 1, DW_EH_PE_absptr, DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1});
  std::vector<std::byte> section = common.entry();
  FrameBytes function;
  function.put(static_cast<std::uint32_t>(section.size() + 4));
  function.put(std::uint64_t{0x1000}).put(std::uint64_t{0x100}).put_all({0});
  function.put_all({DW_CFA_offset | 3, 3});
  function.put_all({DW_CFA_offset_extended_sf, 6}).put_all(smallest);
  function.put_all({DW_CFA_GNU_negative_offset_extended, 12, 1});
  function.put_all({DW_CFA_def_cfa_offset_sf}).put_all(smallest);
  const std::vector<std::byte> entry = function.entry();
  section.insert(section.end(), entry.begin(), entry.end());
  const UnwindTable table = UnwindTable::compile(section, 0);
  EXPECT_NE(table.find(0x1000), nullptr);
  EXPECT_EQ(table.find(0x1100), nullptr);
}

TEST(Unwind, AnObjectIsCompiledOnceForAllProcesses) {
  const ExecutableMapping mapping = mapping_of(::dlsym(RTLD_NEXT, "write"));
  EXPECT_EQ(load_object_code(::getpid(), mapping), load_object_code(::getppid(), mapping));
}

}  // namespace
}  // namespace vfsprof::harness
#endif
