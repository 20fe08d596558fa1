#pragma once

#include "harness/bpf/waits_program.h"
#include "harness/collect/collector.h"
#include "harness/collect/word_names.h"
#include "harness/symbols/unwind/mappings.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// Adds what stopped programs have recorded to a round, with call sites unwound and named. `names`
/// and `mappings` are of the observed process; processes that it started are looked up by their
/// number while they live.
void add_waits(const WaitsProgram& program, const WordNames& names, Mappings& mappings,
               pid_t observed, reports::Round& round);

}  // namespace vfsprof::harness
