#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "reports/rules/rule_set.h"
#include "vfs/mount_options.h"
#include "vfs/variant.h"

namespace vfsprof::harness {
namespace {

/// Rules name axes and mount options as text, because reports know nothing of the file system.
bool is_known(const std::string& axis, const std::string& value) {
  const std::string wanted = value.starts_with('!') ? value.substr(1) : value;
  for (const vfs::AxisInfo& info : vfs::axes()) {
    if (info.name != axis) continue;
    return std::ranges::any_of(info.values,
                               [&](const vfs::ValueInfo& known) { return known.name == wanted; });
  }
  vfs::MountOptions options;
  return std::ranges::any_of(vfs::mount_options(), [&](const vfs::MountOption& option) {
    return option.name == axis && option.set(options, wanted);
  });
}

TEST(OpportunityRules, NameAxesAndValuesThatExist) {
  for (const reports::OpportunityRule& rule : reports::default_rules().opportunities) {
    for (const reports::AxisCondition& condition : rule.axes) {
      for (const std::string& value : condition.values) {
        EXPECT_TRUE(is_known(condition.axis, value)) << rule.id << condition.axis << value;
      }
    }
    for (const reports::NamedValue& change : rule.changes) {
      EXPECT_TRUE(is_known(change.name, change.value)) << rule.id << change.name << change.value;
    }
  }
  EXPECT_FALSE(is_known("pool", "nonsense"));
  EXPECT_FALSE(is_known("nonsense", "mutex"));
}

}  // namespace
}  // namespace vfsprof::harness
