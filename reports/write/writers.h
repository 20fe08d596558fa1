#pragma once

#include <string>

#include "reports/write/registry.h"

namespace vfsprof::reports {

/// GitHub-flavoured Markdown, shorter than 65,000 bytes. Above 55,000 small rows are summed up and
/// call stacks shortened; where even that is too long, whole sections are left out and named.
std::string write_markdown(const Rendering& rendering);

/// Every derived figure as JSON (schema/report.schema.json).
std::string write_json(const Rendering& rendering);

/// The Markdown report laid out for a terminal: tables as wide as it is; of what Markdown folds
/// away long tables and lists are cut short, and say so.
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
