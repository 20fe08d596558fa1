#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vfsprof::reports::synthetic {

/// What a file from outside may be taken for.
enum class InputKind { kResult, kRules, kPerfScript, kMarkdown, kReportJson, kPolicy };
inline constexpr std::size_t kInputKinds = 6;

/// Reads `text` and, if it is accepted, makes the whole report of it; checks it where it is a
/// report. Returns the error's message, empty if it was accepted. Any other exception than
/// FormatError is passed on: it is a bug.
std::string read_hostile(InputKind kind, std::string_view text);

/// A small valid file of this kind.
std::string valid_input(InputKind kind);

}  // namespace vfsprof::reports::synthetic
