#include "reports/write/registry.h"

#include <fmt/format.h>

#include <array>

#include "reports/model/format_error.h"
#include "reports/write/writers.h"

namespace vfsprof::reports {
namespace {

constexpr std::array kFormats{
    Format{"md", "GitHub-flavoured Markdown, to be read", write_markdown},
    Format{"json", "every derived figure, for programs (reports/schema/report.schema.json)",
           write_json},
};

}  // namespace

std::span<const Format> all_formats() { return kFormats; }

std::string render(const Report& report, std::string_view format) {
  std::string names;
  for (const Format& known : kFormats) {
    if (known.name == format) return known.write(report);
    names += fmt::format("{}{}", names.empty() ? "" : ", ", known.name);
  }
  throw FormatError(fmt::format("unknown report format \"{}\"; there are: {}", format, names));
}

}  // namespace vfsprof::reports
