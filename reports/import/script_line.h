#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vfsprof::reports {

// One line of `perf script`, taken apart. The views point into the line. What is printed depends
// on the fields asked for, so each part may be missing.
// Source: tools/perf/builtin-script.c and tools/perf/util/evsel_fprintf.c of Linux 5.10 to 6.12.

/// The line that opens a sample: "comm pid/tid [cpu] time: period event: ip symbol (dso)".
struct ScriptHeader {
  std::string_view comm;
  std::optional<std::int32_t> tid;
  std::optional<std::uint64_t> time_ns;
  std::optional<std::uint64_t> period;
  std::string_view event;   ///< "cpu-clock:u", without the colon that ends it
  std::string_view rest;    ///< a frame, where no call chain was recorded; text of a tracepoint
  bool is_certain = false;  ///< false: any text could look so, only frames under it can tell
};

/// Nothing if the line is no such header.
std::optional<ScriptHeader> parse_script_header(std::string_view line);

/// A frame: "ip symbol+0x12 (dso)", with "(inlined)" in place of or after the dso.
struct ScriptFrame {
  std::uint64_t address = 0;
  std::string_view symbol;  ///< empty: unknown
  std::string_view dso;     ///< as printed, without an offset; empty: not printed
  bool is_inlined = false;
};

/// Nothing if the text does not begin with a hexadecimal address. `text` has no leading blanks.
std::optional<ScriptFrame> parse_script_frame(std::string_view text);

/// Whether the frame lies in the kernel or one of its modules.
bool is_kernel_frame(const ScriptFrame& frame);

/// Without blanks at its ends.
std::string_view trimmed(std::string_view text);

}  // namespace vfsprof::reports
