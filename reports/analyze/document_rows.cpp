#include "reports/analyze/document_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "reports/analyze/text.h"
#include "reports/model/json_reader.h"
#include "reports/rules/embedded.h"

namespace vfsprof::reports {
namespace {

constexpr std::string_view kFile = "document_rows.json";

const RoleTable* find_role(const ProfileTables& tables, const std::string& name) {
  for (const RoleTable& role : tables.roles) {
    if (role.role == name) return &role;
  }
  return nullptr;
}

void check_category(const JsonReader& in, const std::string& id, const RuleSet& rules) {
  const auto known = [&](const Category& category) { return category.id == id; };
  if (std::none_of(rules.categories.begin(), rules.categories.end(), known)) {
    in.fail("the id of a category of the rules");
  }
}

/// Why a row is missing, as far as the tables tell.
std::string absence(const ProfileTables& tables, const RoleTable* role, const std::string& needs) {
  if (tables.samples == 0) return "no samples were taken";
  if (role == nullptr) return "no thread of this role was seen";
  std::string text =
      fmt::format("none of {} samples; with 95 % confidence below {}", format_count(tables.samples),
                  format_share(3.0 / static_cast<double>(tables.samples)));
  if (!tables.kernel_frames)
    text += "; kernel frames could not be sampled, see `kernel, not resolved`";
  return fmt::format("{}; it needs {}, and more samples if it is rarer than that", text, needs);
}

}  // namespace

std::vector<DocumentRow> find_document_rows(const ProfileTables& tables, const RuleSet& rules) {
  const std::string origin = fmt::format("reports/rules/{}", kFile);
  const JsonDocument document = parse_json(embedded_text(kFile), origin);
  std::vector<DocumentRow> rows;
  for (const JsonReader& in : JsonReader(document, origin).member("rows").elements()) {
    DocumentRow row{.role = in.member("role").string(),
                    .title = in.member("title").string(),
                    .document_percent = in.member("percent").number(),
                    .time = {},
                    .absent = {}};
    const RoleTable* const role = find_role(tables, row.role);
    std::size_t found = 0;
    for (const JsonReader& category : in.member("categories").elements()) {
      const std::string id = category.string();
      check_category(category, id, rules);
      if (role == nullptr) continue;
      for (const CategoryRow& candidate : role->rows) {
        if (candidate.id != id || candidate.time.weight_ns == 0) continue;
        row.time.add_counts(candidate.time);
        row.time.share.value += candidate.time.share.value;
        row.time.share.interval = candidate.time.share.interval;
        ++found;
      }
    }
    // Intervals of several categories cannot be added.
    if (found != 1) row.time.share.interval.reset();
    if (found == 0) row.absent = absence(tables, role, in.member("needs").string());
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace vfsprof::reports
