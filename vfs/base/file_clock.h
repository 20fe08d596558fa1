#pragma once

#include <time.h>

namespace vfsprof {

/// Now, as files are stamped. One clock for all stamps, so that none is before an earlier one; to
/// the nanosecond and not to the tick, as a change that keeps its stamp would be taken for none by
/// the records of the disk cache.
inline timespec file_time_now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return time;
}

}  // namespace vfsprof
