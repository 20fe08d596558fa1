#pragma once

#include <string>

#include "reports/write/registry.h"

namespace vfsprof::reports {

/// GitHub-flavoured Markdown, shorter than 65,000 bytes: small rows are summed up where the whole
/// would be longer.
std::string write_markdown(const Rendering& rendering);

/// Every derived figure as JSON (schema/report.schema.json).
std::string write_json(const Rendering& rendering);

/// The Markdown report laid out for a terminal: tables as wide as it is, long parts left out.
std::string write_text(const Rendering& rendering);

/// "role;outermost;...;innermost 12" per line, for flame graph tools: samples. The arm stands
/// before the role where there are several.
std::string write_folded(const Rendering& rendering);

/// "role;outermost;...;innermost 12 9": samples before and after, the second scaled to the
/// operations and the sampling period of the first where they differ.
std::string write_folded_diff(const Rendering& rendering);

/// A flame graph as one SVG: frames coloured by category from the frame that decided it.
std::string write_flamegraph(const Rendering& rendering);

/// Two flame graphs, after and before, on one scale, coloured by the change of cost per operation.
std::string write_flamegraph_diff(const Rendering& rendering);

}  // namespace vfsprof::reports
