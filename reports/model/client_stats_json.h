#pragma once

// For json.cpp: the fields of what is known of clients, each listed once for writing and reading.

#include "reports/model/client_stats.h"
#include "reports/model/run_result.h"
#include "reports/model/waits_json.h"

namespace vfsprof::reports {

template <class A, Is<ClientStats> T>
void describe(A& archive, T& value) {
  archive("job", value.job);
  archive("operations", value.operations);
  archive("paced_operations", value.paced_operations);
  archive("elapsed_ns", value.elapsed_ns);
  archive("slices", value.slices);
  archive("late_slices_ns", value.late_slices_ns);
}

template <class A, Is<ClientRound> T>
void describe(A& archive, T& value) {
  archive("slice_ns", value.slice_ns);
  archive("generator_cpu_ns", value.generator_cpu_ns);
  archive("calibration_operations", value.calibration_operations);
  archive.histogram("late_ns", value.late_ns);
  archive("clients", value.clients);
}

template <class A, Is<WarmUpRound> T>
void describe(A& archive, T& value) {
  archive("ns_per_operation", value.ns_per_operation);
  archive("operations_per_second", value.operations_per_second);
}

template <class A, Is<WarmUp> T>
void describe(A& archive, T& value) {
  archive("criterion", value.criterion);
  archive("rounds", value.rounds);
  archive("stable_from", value.stable_from);
}

template <class A, Is<FirstDifference> T>
void describe(A& archive, T& value) {
  archive("before", value.before);
  archive("after", value.after);
  archive("block", value.block);
  archive("fact", value.fact);
  archive("operation", value.operation);
  archive("client", value.client);
  archive("place", value.place);
  archive("before_value", value.before_value);
  archive("after_value", value.after_value);
}

/// Throws FormatError where an index points nowhere, or where counts or times are so large that
/// their sums could overflow. `in` is the place of the round or of the result.
void check_clients(const Round& round, const JsonReader& in);
void check_differences(const RunResult& result, const JsonReader& in);

}  // namespace vfsprof::reports
