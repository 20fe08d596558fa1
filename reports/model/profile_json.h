#pragma once

// For json.cpp: the part of a Profile that is many numbers.

#include "reports/model/json_reader.h"
#include "reports/model/json_writer.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports {

/// Writes frames and stacks as columns; and back. Stacks are a tree, as below.
void write_stack_table(const StackTable& table, JsonObject& out);
void read_stack_table(const JsonReader& whole, StackTable& table);

/// Writes frames, stacks and samples as columns. Stacks are a tree: each node names its caller's
/// node and its frame, as most stacks share their outer frames.
void write_columns(const Profile& profile, JsonObject& out);

/// Reads what `write_columns` wrote into a profile whose other fields are set.
/// Errors: FormatError, also for indices out of range; thread indices are the caller's to check.
void read_columns(const JsonReader& whole, Profile& profile);

}  // namespace vfsprof::reports
