#pragma once

#include <stdexcept>

namespace vfsprof::harness {

/// Exit codes of every command (design.md section 5).
enum class ExitCode : int {
  kSuccess = 0,
  kCheckFailed = 1,
  kBadInput = 2,
  kEnvironment = 3,
  kInternalError = 4,
  kUndecided = 5,
};

/// The user gave something that cannot be used: exit code 2. The message names what, where, what is
/// allowed, what next.
class BadInput : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The machine lacks something without which no run is possible: exit code 3. The message names it
/// and the remedy.
class EnvironmentError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// SIGINT or SIGTERM arrived: everything is undone on the way up, then the signal takes its default
/// course.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int number) : std::runtime_error("interrupted"), number_(number) {}
  int signal_number() const { return number_; }

 private:
  int number_;
};

}  // namespace vfsprof::harness
