#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "harness/collect/proc.h"
#include "harness/symbols/unwind/unwind_table.h"

namespace vfsprof::harness {

/// What unwinding needs of one ELF object. Immutable.
struct ObjectCode {
  /// A segment with code.
  struct Segment {
    std::uint64_t file_offset = 0;
    std::uint64_t size = 0;
    std::uint64_t address = 0;
  };

  std::vector<Segment> segments;
  UnwindTable table;

  /// Address in memory - address in the object, for a mapping of it.
  std::uint64_t bias(const ExecutableMapping& mapping) const;
};

/// The object behind a mapping of a process: its file, also if that was deleted or lies in another
/// root directory; of "[vdso]" the memory of the process. An object with an empty table where there
/// is none (anonymous memory, no rights, no unwind table).
///
/// Objects are kept by build-id, so that the rounds of a run read and compile each once.
/// Threads: any.
std::shared_ptr<const ObjectCode> load_object_code(pid_t pid, const ExecutableMapping& mapping);

}  // namespace vfsprof::harness
