#include "harness/cli/rules_option.h"

#include "harness/cli/result_files.h"

namespace vfsprof::harness {

void add_rules_option(CLI::App& command, std::string& file) {
  command.add_option(
      "--rules", file,
      "Categories, rules and opportunities of your own, before the default ones or, with the same "
      "id, in their place (reports/rules/; vfsprof lint --rules FILE checks them)");
}

reports::RuleSet load_rules(const std::string& file) {
  reports::RuleSet rules = reports::default_rules();
  return file.empty() ? rules : reports::extend_rules(std::move(rules), read_file(file), file);
}

}  // namespace vfsprof::harness
