#pragma once

#include <chrono>
#include <cstddef>

#include "harness/experiment/experiment.h"

namespace vfsprof::harness {

/// Shows an experiment's progress on standard error: a bar with the time left on a terminal, a
/// plain line per step elsewhere. The destructor clears the bar.
class ProgressBar {
 public:
  ProgressBar();
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(const ProgressStep& step);

 private:
  bool terminal_ = false;
  std::chrono::steady_clock::time_point started_;
  std::size_t timed_from_ =
      0;  // steps done when started_ was read: the warm-up is no measure of a round
};

}  // namespace vfsprof::harness
