#pragma once

// For json.cpp: the fields of Waits, each listed once for writing and reading.

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include "reports/model/json_reader.h"
#include "reports/model/waits.h"

namespace vfsprof::reports {

template <class T, class Wanted>
concept Is = std::same_as<std::remove_const_t<T>, Wanted>;

inline constexpr std::array<std::string_view, 4> kWordPurposeNames{"lock", "queue", "completion",
                                                                   "other"};
inline constexpr std::array<std::string_view, 8> kBlockReasonNames{
    "futex", "fuse_read", "disk", "page_fault", "sleep", "poll", "pipe", "other"};

/// Throws FormatError where an index points nowhere, or where counts or times are so large that
/// their sums could overflow. `in` is the place of `waits`.
void check_waits(const Waits& waits, std::size_t threads, const JsonReader& in);

template <class A, Is<FutexWord> T>
void describe(A& archive, T& value) {
  archive("address", value.address);
  archive("name", value.name);
  archive.choice("purpose", value.purpose, kWordPurposeNames);
}

template <class A, Is<FutexCalls> T>
void describe(A& archive, T& value) {
  archive("thread", value.thread);
  archive("stack", value.stack);
  archive("word", value.word);
  archive("operation", value.operation);
  archive("calls", value.calls);
  archive("cpu_ns", value.cpu_ns);
  archive("woken", value.woken);
  archive("again", value.again);
  archive("timed_out", value.timed_out);
  archive("interrupted", value.interrupted);
  archive("failed", value.failed);
  archive("wait_ns", value.wait_ns);
  archive("wait_time", value.wait_time);
  archive("threads_woken", value.threads_woken);
  archive("threads_requeued", value.threads_requeued);
  archive("useless", value.useless);
}

template <class A, Is<FutexWakeups> T>
void describe(A& archive, T& value) {
  archive("waker", value.waker);
  archive("wakee", value.wakee);
  archive("word", value.word);
  archive("count", value.count);
  archive("wake_to_run", value.wake_to_run);
}

template <class A, Is<FutexLedger> T>
void describe(A& archive, T& value) {
  archive("source", value.source);
  archive("call_sites", value.call_sites);
  archive("results", value.results);
  archive("words", value.words);
  archive("calls", value.calls);
  archive("wakeups", value.wakeups);
  archive("lost", value.lost);
}

template <class A, Is<BlockedTime> T>
void describe(A& archive, T& value) {
  archive("thread", value.thread);
  archive.choice("reason", value.reason, kBlockReasonNames);
  archive("word", value.word);
  archive("stack", value.stack);
  archive("waker", value.waker);
  archive("count", value.count);
  archive("blocked_ns", value.blocked_ns);
  archive("runnable_ns", value.runnable_ns);
  archive("blocked_time", value.blocked_time);
}

template <class A, Is<ThreadTime> T>
void describe(A& archive, T& value) {
  archive("thread", value.thread);
  archive("elapsed_ns", value.elapsed_ns);
  archive("on_cpu_ns", value.on_cpu_ns);
  archive("runnable_ns", value.runnable_ns);
  archive("preemptions", value.preemptions);
}

template <class A, Is<WallClock> T>
void describe(A& archive, T& value) {
  archive("source", value.source);
  archive("threads", value.threads);
  archive("blocked", value.blocked);
  archive("lost", value.lost);
}

template <class A, Is<FuseRequests> T>
void describe(A& archive, T& value) {
  archive("operation", value.operation);
  archive("count", value.count);
  archive("errors", value.errors);
  archive("queue", value.queue);
  archive("daemon", value.daemon);
  archive("reply", value.reply);
  archive("queue_ns", value.queue_ns);
  archive("daemon_ns", value.daemon_ns);
  archive("reply_ns", value.reply_ns);
}

template <class A, Is<Waits> T>
void describe(A& archive, T& value) {
  archive.stack_table(value);
  archive("futexes", value.futexes);
  archive("wall_clock", value.wall_clock);
  archive("fuse_source", value.fuse_source);
  archive("fuse", value.fuse);
}

}  // namespace vfsprof::reports
