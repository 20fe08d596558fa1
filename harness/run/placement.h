#pragma once

#include <string>
#include <string_view>

namespace vfsprof::harness {

/// Which CPUs clients and the observed process run on: `packed` both on one CPU, `split` on two different ones, `free`
/// wherever the scheduler puts them. The harness and its collectors keep off the packed CPU where there is another.
enum class Placement { kPacked, kSplit, kFree };

/// "packed", "split" or "free".
std::string_view to_string(Placement placement);
/// Throws BadInput naming the allowed values.
Placement parse_placement(const std::string& text);

enum class Side { kClient, kDaemon, kHarness };

/// Binds the calling thread (and what it starts) to the CPUs of its side. Does nothing under `free`, or where there are
/// too few CPUs; returns false in the latter case, so that the result can say so.
bool place_current_thread(Placement placement, Side side);

}  // namespace vfsprof::harness
