#pragma once

#include <stdexcept>

namespace vfsprof::reports {

/// A file handed in cannot be used: a result, a set of rules. The message names the file, the place
/// in it (JSON pointer or line), what stands there, and what is allowed.
class FormatError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace vfsprof::reports
