#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "reports/analyze/waits.h"
#include "reports/rules/function_name.h"

namespace vfsprof::reports {
namespace {

// A call site is the program's: these only stand between it and the kernel.
constexpr std::array<std::string_view, 12> kRuntimeModules{
    "libc.so*", "libc-*.so", "libpthread*", "libstdc++*", "libgcc_s*", "libtbb*",
    "libm.so*", "libc++*",   "ld-linux*",   "[kernel]",   "[vdso]",    "libasan*"};
// Inlined into the program from the headers of the same runtimes, or linked into it.
constexpr std::array<std::string_view, 14> kRuntimeFunctions{
    "std::*",   "__gthread*", "__gnu_cxx::*", "tbb::*",  "pthread_*", "__pthread_*",  "sem_*",
    "__futex*", "futex*",     "syscall",      "core::*", "runtime.*", "__lll_lock_*", "lll_*"};

bool any_matches(const auto& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](std::string_view pattern) { return glob_matches(pattern, text); });
}

bool is_runtime(const Frame& frame, const std::string& function) {
  return frame.kind == FrameKind::kKernel || any_matches(kRuntimeModules, frame.module) ||
         any_matches(kRuntimeFunctions, function);
}

std::string frame_name(const Frame& frame) {
  const std::string function = normalise_function(frame.function);
  if (!function.empty()) return function;
  return frame.module.empty() ? "unknown" : "unknown in " + frame.module;
}

/// The call site with the largest weight.
std::string heaviest(const std::map<std::string, std::uint64_t>& sites) {
  const auto most = std::max_element(
      sites.begin(), sites.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == sites.end() ? "not seen" : most->first;
}

}  // namespace

std::vector<std::string> program_frames(const Waits& waits, std::uint32_t stack,
                                        std::size_t count) {
  std::vector<std::string> names;
  bool in_program = false;
  for (const std::uint32_t index : waits.stacks[stack]) {
    const Frame& frame = waits.frames[index];
    const std::string name = frame_name(frame);
    in_program = in_program || !is_runtime(frame, name);
    if (in_program && names.size() < count) names.push_back(name);
  }
  return names;
}

std::string call_site(const Waits& waits, std::uint32_t stack) {
  const std::vector<std::string> names = program_frames(waits, stack, 1);
  if (!names.empty()) return names.front();
  // Nothing of the program: the outermost frame says most.
  const std::vector<std::uint32_t>& frames = waits.stacks[stack];
  return frames.empty() ? "unknown" : frame_name(waits.frames[frames.back()]);
}

std::vector<NamedWord> name_words(const Waits& waits) {
  const FutexLedger& ledger = waits.futexes;
  struct Sites {
    std::map<std::string, std::uint64_t> waiters, wakers;
  };
  std::vector<Sites> sites(ledger.words.size());
  for (const FutexCalls& entry : ledger.calls) {
    if (!ledger.words[entry.word].name.empty() || !ledger.call_sites) continue;
    Sites& here = sites[entry.word];
    (is_wait(entry.operation) ? here.waiters : here.wakers)[call_site(waits, entry.stack)] +=
        entry.calls;
  }
  std::vector<NamedWord> names;
  for (std::size_t i = 0; i < ledger.words.size(); ++i) {
    const FutexWord& word = ledger.words[i];
    if (!word.name.empty()) {
      names.push_back({word.name, word.purpose, true});
    } else if (ledger.call_sites) {
      names.push_back(
          {heaviest(sites[i].waiters) + " <-> " + heaviest(sites[i].wakers), word.purpose, false});
    } else {
      names.push_back({"unknown", word.purpose, false});
    }
  }
  return names;
}

bool is_wait(const std::string& operation) {
  return operation.contains("WAIT") || operation.contains("wait") ||
         operation == "restart_syscall" ||  // of a wait with a time limit
         (operation.contains("LOCK_PI") && !operation.contains("UNLOCK"));
}

std::string to_string(WordPurpose purpose) {
  constexpr std::array<const char*, 4> kNames{"lock", "queue hand-off", "completion", "other"};
  return kNames[static_cast<std::size_t>(purpose)];
}

std::string to_string(BlockReason reason) {
  constexpr std::array<const char*, 8> kNames{"futex", "FUSE read", "disk",           "page fault",
                                              "sleep", "poll",      "pipe or socket", "other"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace vfsprof::reports
