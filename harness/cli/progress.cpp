#include "harness/cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace vfsprof::harness {
namespace {

constexpr const char* kClearLine = "\r\033[K";

std::string bar(std::size_t done, std::size_t total) {
  constexpr std::size_t kWidth = 24;
  const std::size_t filled = total == 0 ? 0 : done * kWidth / total;
  return fmt::format("[{}{}]", std::string(filled, '#'), std::string(kWidth - filled, '.'));
}

}  // namespace

ProgressBar::ProgressBar() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (terminal_) fmt::print(stderr, "{}", kClearLine);
}

void ProgressBar::show(const ProgressStep& step) {
  const auto now = std::chrono::steady_clock::now();
  if (step.done <= 1) {
    started_ = now;
    timed_from_ = step.done;
  }
  std::string left;
  if (step.left) {
    left =
        fmt::format(", at most {:.0f} s left", std::chrono::duration<double>(*step.left).count());
  } else if (step.done > timed_from_ && step.done < step.total) {
    const double per_step = std::chrono::duration<double>(now - started_).count() /
                            static_cast<double>(step.done - timed_from_);
    left = fmt::format(", {:.0f} s left", per_step * static_cast<double>(step.total - step.done));
  }
  if (terminal_) {
    fmt::print(stderr, "{}{} {}/{} {}{}", kClearLine, bar(step.done, step.total), step.done,
               step.total, step.what, left);
    std::fflush(stderr);
  } else {
    fmt::print(stderr, "vfsprof: {}/{} {}{}\n", step.done, step.total, step.what, left);
  }
}

}  // namespace vfsprof::harness
