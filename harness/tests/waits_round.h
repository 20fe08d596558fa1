#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "harness/collect/waits.h"
#include "harness/tests/collect_subject.h"
#include "reports/model/run_result.h"

namespace vfsprof::harness {

/// A tracing round over the program waits_subject, with the collector `waits` alone.
class WaitsRound {
 public:
  explicit WaitsRound(const char* mode, bool follow_children = false)
      : subject_(mode, VFSPROF_WAITS_SUBJECT), collector_(make_waits_collector({})) {
    collector_->attach({.pid = subject_.pid(), .follow_children = follow_children});
    usable_ = collector_->capability().state != reports::CapabilityState::kUnavailable;
  }

  /// Where this is false the test is to be skipped.
  bool usable() const { return usable_; }
  std::string why_not() const { return collector_->capability().detail; }

  void start() { collector_->start(); }
  void stop() {
    collector_->stop();
    collector_->collect(round);
  }
  /// From the subject's first word to its "done".
  void run() {
    start();
    subject_.say();
    ASSERT_EQ(subject_.read_line(), "done");
    stop();
    ASSERT_TRUE(round.waits);
    EXPECT_EQ(round.waits->futexes.lost, 0u);
    EXPECT_EQ(round.waits->wall_clock.lost, 0u);
    EXPECT_EQ(capability().state, reports::CapabilityState::kAvailable) << capability().detail;
  }

  reports::Capability capability() const { return collector_->capability(); }
  Subject& subject() { return subject_; }

  /// The calls of one operation by all threads, added up.
  reports::FutexCalls sum(std::string_view operation) const {
    reports::FutexCalls result;
    for (const reports::FutexCalls& calls : round.waits->futexes.calls) {
      if (calls.operation != operation) continue;
      result.calls += calls.calls;
      result.woken += calls.woken;
      result.again += calls.again;
      result.timed_out += calls.timed_out;
      result.interrupted += calls.interrupted;
      result.failed += calls.failed;
      result.wait_ns += calls.wait_ns;
      result.threads_woken += calls.threads_woken;
      result.threads_requeued += calls.threads_requeued;
      result.useless += calls.useless;
    }
    return result;
  }
  const std::string& thread_name(std::uint32_t thread) const { return round.threads[thread].name; }
  /// The function names of a stack, leaf first, joined by ";".
  std::string functions(std::uint32_t stack) const {
    std::string text;
    for (const std::uint32_t frame : round.waits->stacks[stack]) {
      text += round.waits->frames[frame].function + ";";
    }
    return text;
  }

  reports::Round round;

 private:
  Subject subject_;
  std::unique_ptr<Collector> collector_;
  bool usable_ = false;
};

inline std::uint64_t sum_of(const reports::Log2Histogram& histogram) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : histogram) sum += count;
  return sum;
}

}  // namespace vfsprof::harness
