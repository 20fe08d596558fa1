#pragma once

#include <fmt/format.h>

#include <concepts>
#include <type_traits>

#include "reports/model/json_reader.h"
#include "reports/model/run_result.h"

// Counted events in json.cpp: their fields, both ways, and what must hold of them.

namespace vfsprof::reports {

template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, ThreadEvents>
void describe(A& archive, T& value) {
  archive("thread", value.thread);
  archive("count", value.count);
  archive("enabled_ns", value.enabled_ns);
  archive("running_ns", value.running_ns);
}

template <class A, class T>
  requires std::same_as<std::remove_const_t<T>, CountedEvent>
void describe(A& archive, T& value) {
  archive("name", value.name);
  archive("unavailable", value.unavailable);
  archive("threads", value.threads);
}

inline void check_events(const Round& round, const JsonReader& in) {
  for (const CountedEvent& event : round.events) {
    for (const ThreadEvents& thread : event.threads) {
      if (thread.thread >= round.threads.size()) {
        in.member("events").fail(fmt::format(
            "events of the round's threads, which are {}, by their index", round.threads.size()));
      }
    }
  }
}

}  // namespace vfsprof::reports
