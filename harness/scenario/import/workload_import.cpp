#include "harness/scenario/import/workload_import.h"

namespace vfsprof::harness {
namespace {

// THE list of formats. A new one is one file with the two functions, and one line here.
constexpr WorkloadFormat kFormats[] = {
    {"strace", "log of strace -f -ttt -yy: system calls of any programs", true, is_strace_log,
     import_strace_log},
    {"fio-iolog", "what fio's write_iolog writes, versions 2 and 3; a file for each job", false,
     is_fio_iolog, import_fio_iolog},
};

}  // namespace

std::span<const WorkloadFormat> workload_formats() { return kFormats; }

}  // namespace vfsprof::harness
