#pragma once

#include <sys/types.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/collect/stack_copy_size.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// The process that a round observes.
struct Observed {
  pid_t pid = 0;
  std::optional<std::filesystem::path> counter_page = std::nullopt;  ///< vfs/counters.h
  bool follow_children = false;  ///< its child processes too, also those that appear later
};

/// How the user part of call chains is found.
enum class UnwindMethod {
  kFramePointers,  ///< by the kernel; ends or loses callers in code without frame pointers
  kTables,         ///< by `.eh_frame` tables, through a copy of the stack that each sample carries
  kAuto,           ///< by tables, and by frame pointers where the copy ends
};

/// THE list of methods, by their names on the command line and in results.
inline constexpr std::array<std::pair<std::string_view, UnwindMethod>, 3> kUnwindMethods{
    {{"fp", UnwindMethod::kFramePointers},
     {"dwarf", UnwindMethod::kTables},
     {"auto", UnwindMethod::kAuto}}};

struct CollectorOptions {
  std::uint32_t frequency_hz = 999;  ///< samples per second of CPU time and thread
  std::string event = "cycles";      ///< a libpfm4 event name
  std::vector<std::string> events;   ///< to be counted, in rounds of their own (events.h)
  UnwindMethod unwind = UnwindMethod::kAuto;
  /// What a sample carries where it is unwound by tables; copies of these options share it.
  std::shared_ptr<StackCopySize> stack_copy = std::make_shared<StackCopySize>();
  bool use_bpf = true;  ///< false: as if BPF programs were refused; tests say so
};

/// One source of figures about the observed process.
///
/// Order of calls: attach (the process runs, its load has not begun), start, stop, collect (the
/// process still lives). A collector that cannot measure does nothing and says so in `capability`:
/// a round goes on without it. Threads: one caller; a collector may keep a thread of its own
/// between start and stop.
class Collector {
 public:
  virtual ~Collector() = default;

  virtual void attach(const Observed& observed) = 0;
  virtual void start() = 0;
  virtual void stop() = 0;
  /// Adds what was measured to the round.
  virtual void collect(reports::Round& round) = 0;
  /// What this collector could measure, as known after `collect`.
  virtual reports::Capability capability() const = 0;
};

/// An entry of THE list of collectors (collectors.cpp).
struct CollectorInfo {
  std::string_view name;
  std::string_view summary;
  /// The one kind of round that carries it; none: every round does, as it costs next to nothing.
  std::optional<reports::RoundKind> only_in;
  std::unique_ptr<Collector> (*make)(const CollectorOptions& options);
};

/// Every collector, in the order in which they attach and collect. `usage` comes first: it fills
/// Round::threads, which the others refer to.
std::span<const CollectorInfo> all_collectors();

}  // namespace vfsprof::harness
