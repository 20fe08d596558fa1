#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "harness/cli/command.h"
#include "harness/collect/collector.h"
#include "harness/floors/floors.h"
#include "harness/scenario/scenario.h"
#include "harness/target/target.h"
#include "reports/lint/linter.h"
#include "reports/rules/rule_set.h"
#include "reports/write/registry.h"
#include "vfs/counters.h"
#include "vfs/variant.h"

namespace vfsprof::harness {
namespace {

void print_entry(std::string_view name, std::string_view text) {
  fmt::print("  {:<26} {}\n", name, text);
}

void list_scenarios() {
  for (const ScenarioSummary& scenario : built_in_scenarios()) {
    print_entry(scenario.name, scenario.summary);
    print_entry("", fmt::format("stresses: {}", scenario.stresses));
  }
  print_entry(kFloorsScenario, kFloorsSummary);
}

void list_variants() {
  for (const vfs::NamedVariant& variant : vfs::named_variants()) {
    print_entry(variant.name, variant.summary);
    print_entry("", vfs::canonical(variant.variant));
  }
}

void list_axes() {
  for (const vfs::AxisInfo& axis : vfs::axes()) {
    for (const vfs::ValueInfo& value : axis.values) {
      print_entry(fmt::format("{}={}", axis.name, value.name), value.summary);
    }
  }
}

void list_options() {
  for (const vfs::MountOption& option : vfs::mount_options()) {
    print_entry(option.name, option.summary);
  }
}

void list_conflicts() {
  for (const vfs::Conflict& conflict : vfs::conflicts()) {
    print_entry(fmt::format("{},{}", conflict.first, conflict.second), conflict.reason);
  }
}

void list_targets() {
  for (const TargetInfo& target : all_targets()) print_entry(target.name, target.summary);
}

void list_collectors() {
  for (const CollectorInfo& collector : all_collectors()) {
    print_entry(collector.name, collector.summary);
  }
}

void list_categories() {
  for (const reports::Category& category : reports::default_rules().categories) {
    print_entry(category.id, category.title);
    print_entry("", category.description);
  }
}

void list_rules() {
  const reports::RuleSet rules = reports::default_rules();
  for (const reports::Rule& rule : rules.rules) {
    print_entry(rule.id,
                fmt::format("{}: {}", rules.categories[rule.category].id, rule.description));
  }
}

void list_opportunities() {
  for (const reports::OpportunityRule& rule : reports::default_rules().opportunities) {
    print_entry(rule.id, rule.title);
    std::string changes;
    for (const reports::NamedValue& change : rule.changes) {
      changes += fmt::format(" {}={};", change.name, change.value);
    }
    print_entry("", fmt::format("remedy ({} complexity):{} {}", to_string(rule.complexity), changes,
                                rule.remedy));
  }
}

void list_formats() {
  for (const reports::Format& format : reports::all_formats())
    print_entry(format.name, format.summary);
}

void list_counters() {
  for (const vfs::CounterInfo& counter : vfs::kCounters) {
    print_entry(counter.name, fmt::format("{} ({})", counter.what, counter.unit));
  }
}

void list_lint_rules() {
  for (const reports::LintRule& rule : reports::lint_rules()) print_entry(rule.id, rule.summary);
}

struct Listing {
  std::string_view name;
  std::string_view title;
  void (*print)();
};

constexpr std::array kListings{
    Listing{"scenarios", "Scenarios (run --scenario NAME, or a path)", list_scenarios},
    Listing{"variants", "Named variants (--variant NAME[,AXIS=VALUE...])", list_variants},
    Listing{"axes", "Axes of a variant", list_axes},
    Listing{"options", "Mount options of a variant", list_options},
    Listing{"conflicts", "Settings that no variant can have together", list_conflicts},
    Listing{"targets", "Targets (--target)", list_targets},
    Listing{"collectors", "Collectors", list_collectors},
    Listing{"categories", "Categories of samples, of every report", list_categories},
    Listing{"rules", "Rules that give samples their category (--rules FILE adds to them)",
            list_rules},
    Listing{"opportunities",
            "What reports recommend, and by which remedy (--rules FILE adds to it)",
            list_opportunities},
    Listing{"formats", "Report formats (report --format)", list_formats},
    Listing{"lint-rules", "What vfsprof lint looks for in a report", list_lint_rules},
    Listing{"counters", "Counters that the reference file system publishes", list_counters},
};

}  // namespace

void setup_list(CLI::App& app, ExitCode&) {
  const auto what = std::make_shared<std::string>();
  CLI::App* const command = app.add_subcommand(
      "list",
      "List scenarios, variants, axes, options, targets, collectors, categories, formats, ...");
  command->add_option("WHAT", *what, "One of them; all if left out");
  command->callback([what] {
    std::string allowed;
    bool found = false;
    for (const Listing& listing : kListings) {
      allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", listing.name);
      if (!what->empty() && *what != listing.name) continue;
      fmt::print("{}{}:\n", found ? "\n" : "", listing.title);
      listing.print();
      found = true;
    }
    if (!found) throw BadInput(fmt::format("cannot list '{}': allowed are {}", *what, allowed));
  });
}

}  // namespace vfsprof::harness
