#pragma once

#include <stdexcept>

namespace vfsprof::vfs {

/// The machine does not let us mount as asked: no /dev/fuse, no permission, an option that the
/// kernel does not offer. The message names the remedy.
class MountError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace vfsprof::vfs
