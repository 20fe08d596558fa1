#pragma once

#include "vfs/base/result.h"

namespace vfsprof::vfs {

/// The errno of a result, 0 for a success.
template <class T>
int error_of(const Result<T>& result) {
  return result ? 0 : result.error().value;
}

}  // namespace vfsprof::vfs
