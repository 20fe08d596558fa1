#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/collect/proc.h"
#include "harness/symbols/unwind/object_code.h"
#include "harness/symbols/unwind/unwind_table.h"

namespace vfsprof::harness {

/// The code that is mapped into a process, with the unwind table of each object, which is compiled
/// when an address first falls into it.
///
/// Keeps what was unmapped later (an object that was unloaded, a process that has ended), until
/// something else is mapped there. Threads: one user at a time; different objects may be used at
/// the same time.
class Mappings {
 public:
  /// Reads /proc/PID/maps.
  explicit Mappings(pid_t pid);

  /// Reads /proc/PID/maps again, because code may have been mapped meanwhile.
  void refresh();

  /// Compiles the tables of all that is mapped now, so that no later call waits for that.
  void load_tables();

  /// What is known of one instruction. `table` is nullptr where no code is mapped, `rules` where
  /// the object has none for this address.
  struct Place {
    const UnwindTable* table = nullptr;
    const FrameRules* rules = nullptr;
  };
  Place at(std::uint64_t address);

  /// UnwindTable::cfa_offset_at() of an address in this process: the N for which the word at
  /// rsp + N - 8 is the return address.
  std::optional<std::int64_t> cfa_offset_at(std::uint64_t address);

 private:
  struct Region {
    ExecutableMapping mapping;
    std::shared_ptr<const ObjectCode> code;  ///< once it was needed
    std::uint64_t bias = 0;                  ///< address in memory - address in the object
  };
  struct Cached {
    std::uint64_t address = 0;
    Place place;
  };

  void add(const ExecutableMapping& mapping);
  /// The mapping that holds an address, its object loaded; or nullptr.
  Region* region_at(std::uint64_t address);

  pid_t pid_;
  std::map<std::uint64_t, Region> regions_;  ///< by start, never overlapping
  std::string text_;                         ///< of the last look
  std::vector<Cached> cache_;                ///< of at(), by a hash of the address
};

}  // namespace vfsprof::harness
