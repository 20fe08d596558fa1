#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// A thread as a recording names it.
struct RecordedThread {
  std::int32_t tid = -1;  ///< -1: not printed
  std::string name;       ///< empty: not printed
};

/// One sample as it was printed.
struct RecordedSample {
  std::uint64_t time_ns = 0;  ///< 0 where no time was printed
  std::uint32_t thread = 0;   ///< index into Recording::threads
  std::uint32_t stack = 0;    ///< index into Recording::stacks
  std::uint32_t event = 0;    ///< index into Recording::events
};

/// An event that was sampled, and the periods that its samples stood for.
struct RecordedEvent {
  std::string name;  ///< empty: not printed
  std::uint64_t samples = 0;
  std::uint64_t periods = 0;  ///< samples with a period
  std::uint64_t period_sum = 0;
};

/// Lines that say nothing the reader understands.
struct MalformedLines {
  std::uint64_t count = 0;
  std::uint64_t first_line = 0;  ///< counted from 1; 0: none
  std::string first_text;
};

/// Many stacks in one array: no allocation per stack.
class StackList {
 public:
  std::size_t size() const { return ends_.size(); }
  std::span<const std::uint32_t> operator[](std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
    return {frames_.data() + begin, ends_[index] - begin};
  }
  void add(std::span<const std::uint32_t> stack) {
    frames_.insert(frames_.end(), stack.begin(), stack.end());
    ends_.push_back(frames_.size());
  }

 private:
  std::vector<std::uint32_t> frames_;
  std::vector<std::size_t> ends_;
};

/// Everything that a recording of another profiler says, before it is cut into rounds.
struct Recording {
  std::string name;         ///< of the arm
  Environment environment;  ///< as far as the recording describes its machine
  std::string started;      ///< as printed; empty: not said
  std::vector<RecordedThread> threads;
  std::vector<RecordedEvent> events;
  std::vector<Frame> frames;
  StackList stacks;  ///< indices into frames, leaf first
  std::vector<RecordedSample> samples;
  std::uint32_t frequency_hz = 0;  ///< asked for; 0: not said
  bool has_times = false;
  bool has_threads = false;
  std::uint64_t lost = 0;
  std::uint64_t throttled = 0;
  std::uint64_t lines = 0;
  MalformedLines malformed;
};

}  // namespace vfsprof::reports
