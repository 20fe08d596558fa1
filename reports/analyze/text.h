#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vfsprof::reports {

// Figures in words, the same in every sentence and table.

/// "840 ns", "41.6 µs", "1.25 s": three significant digits. Negative values keep their sign.
std::string format_duration(double ns);
/// "1,234,567".
std::string format_count(std::uint64_t count);
/// Three significant digits without exponent: "0.0312", "2.98", "12,300". "0" for zero.
std::string format_number(double value);
/// "17.15 %" from 0.1715.
std::string format_share(double share);
/// "17.15 %" from 1715, hundredths of a per cent: a share as CpuTime prints it.
std::string format_printed_share(std::uint64_t hundredths);
/// What stands in place of a figure that nothing measured.
inline constexpr std::string_view kUnavailableFigure = "unavailable";
/// "+1.50", "0.00", "-1.50": never a minus before zero.
std::string format_signed(double value, int decimals);
/// "-18.2 %" from a ratio of 0.818; "to zero", "from zero" at its ends.
std::string format_change(double ratio);
/// "a, b and c".
std::string join_words(std::span<const std::string> words);

/// Joins sentences, with figures in place of {NAME}. A sentence with one that `figure` does not
/// know is left out.
std::string fill_in(std::span<const std::string> sentences,
                    const std::function<std::optional<std::string>(std::string_view name)>& figure);

/// A name that comes from outside (thread, variant, function), as code in Markdown text: harmless
/// whatever it holds, and cut where it is longer than anybody reads (characters.h).
std::string code(std::string_view name);
std::vector<std::string> code(std::span<const std::string> names);

}  // namespace vfsprof::reports
