#include <fmt/format.h>

#include <algorithm>

#include "reports/analyze/text.h"
#include "reports/write/markdown_parts.h"
#include "reports/write/markdown_table.h"

namespace vfsprof::reports {
namespace {

using Align = MarkdownTable::Align;

constexpr double kNotableSymbol = 0.05;
constexpr std::size_t kSymbolsPrinted = 3;
constexpr std::size_t kKernelNameLength = 15;
constexpr std::string_view kGrouping =
    "Threads are grouped by role: the name in full, without a number at its end, so that "
    "numbered threads of one kind share a table.\n\n";

std::string interval(const Estimate& share) {
  if (!share.interval) return "";
  return fmt::format("{:.2f} to {:.2f}", 100 * share.interval->low, 100 * share.interval->high);
}

std::string symbols(const std::vector<SymbolShare>& list) {
  std::string text;
  std::size_t printed = 0;
  for (const SymbolShare& symbol : list) {
    if (printed == kSymbolsPrinted || (printed > 0 && symbol.share < kNotableSymbol)) break;
    text += fmt::format("{}{} {:.0f} %", printed == 0 ? "" : ", ", code(symbol.name),
                        100 * symbol.share);
    ++printed;
  }
  return text;
}

/// Whether half of it or more has no name, so that no rule could know it.
bool is_nameless(const CategoryRow& row) {
  double nameless = 0;
  for (const SymbolShare& leaf : row.leaves) {
    if (leaf.name.ends_with("(no symbol)")) nameless += leaf.share;
  }
  return row.id == kUnclassified && nameless >= 0.5;
}

/// The frames that decided, then the innermost ones where they are others.
std::string notes(const CategoryRow& row) {
  std::vector<SymbolShare> inner;
  for (const SymbolShare& leaf : row.leaves) {
    const bool decided = std::any_of(row.deciding.begin(), row.deciding.end(),
                                     [&](const SymbolShare& s) { return s.name == leaf.name; });
    if (!decided && (leaf.share >= kNotableSymbol || row.deciding.empty())) inner.push_back(leaf);
  }
  std::string text = symbols(row.deciding);
  if (!inner.empty()) {
    text += fmt::format("{}{}{}", text.empty() ? "" : "; ",
                        row.deciding.empty() ? "" : "innermost ", symbols(inner));
  }
  if (!row.chains.empty()) text += "; chains " + symbols(row.chains);
  if (is_nameless(row)) text += "; debug symbols of its module would name it";
  if (row.thin) text += fmt::format("{}thin", text.empty() ? "" : "; ");
  return text;
}

std::string role_note(const RoleTable& role, const ProfileTables& tables) {
  std::string text =
      fmt::format("{:.3g} thread{} a round", role.threads, role.threads > 1 ? "s" : "");
  if (!role.kernel_name.empty()) {
    text += fmt::format(" (the kernel shows {} and keeps 15 characters)", code(role.kernel_name));
  } else if (role.role.size() == kKernelNameLength) {
    text += " (the kernel keeps 15 characters of a name: in full it may be longer)";
  }
  if (tables.operations > 0) {
    text += fmt::format(
        "; by the scheduler's account {} of CPU time, {} of waiting for a CPU and {} context "
        "switches per operation",
        format_duration(role.scheduled_ns), format_duration(role.runnable_ns),
        format_number(role.switches));
  }
  text += ".";
  if (!role.note.empty()) text += fmt::format(" Role: {}.", role.note);
  return text + "\n\n";
}

void add_small_rows(MarkdownTable& table, const std::vector<const CategoryRow*>& small) {
  if (small.empty()) return;
  CpuTime sum;
  for (const CategoryRow* row : small) sum.add_counts(row->time);
  table.add({fmt::format("{} smaller rows", small.size()), format_printed_share(sum.printed_share),
             "", cost_cell(sum), format_count(sum.samples), ""});
}

std::string role_table(const RoleTable& role, const ProfileTables& tables,
                       const MarkdownDetail& detail) {
  std::string text =
      fmt::format("### {}: {} of {} (n = {})\n\n", plain(role.role),
                  format_printed_share(role.time.printed_share),
                  tables.kernel_frames ? "samples" : "CPU time", format_count(role.time.samples));
  text += role_note(role, tables);
  MarkdownTable table({{"Category"},
                       {"Share", Align::kRight},
                       {"95 % interval", Align::kRight},
                       {"CPU ns/op", Align::kRight},
                       {"n", Align::kRight},
                       {"Notes"}});
  std::vector<const CategoryRow*> small;
  for (const CategoryRow& row : role.rows) {
    if (row.time.share.value < detail.smallest_share && row.id != kUnclassified) {
      small.push_back(&row);
      continue;
    }
    table.add({plain(row.title), format_printed_share(row.time.printed_share),
               interval(row.time.share), cost_cell(row.time), format_count(row.time.samples),
               notes(row)});
  }
  add_small_rows(table, small);
  table.add({"**all**", fmt::format("**{}**", format_printed_share(role.time.printed_share)),
             interval(role.time.share), fmt::format("**{}**", cost_cell(role.time)),
             format_count(role.time.samples), ""});
  return text + table.take() + "\n";
}

std::string event_words(const ProfileTables& tables) {
  std::string text = code(tables.event);
  if (tables.event != tables.requested_event) {
    text += fmt::format(" (instead of {}, which this machine does not offer)",
                        code(tables.requested_event));
  }
  return text;
}

std::string caption(const ProfileTables& tables) {
  std::string text =
      fmt::format("n = {} samples of {}", format_count(tables.samples), event_words(tables));
  text += tables.frequency_hz > 0 ? fmt::format(" at {} Hz", tables.frequency_hz)
                                  : " at an unknown frequency";
  text += fmt::format(
      " in {} profiling round{} of together {}, {}. ", tables.rounds, tables.rounds == 1 ? "" : "s",
      tables.elapsed_ns > 0 ? format_duration(static_cast<double>(tables.elapsed_ns))
                            : "unknown duration",
      tables.operations > 0 ? fmt::format("{} operations", format_count(tables.operations))
                            : "operations not counted");
  text +=
      tables.kernel_frames
          ? "Shares are of all samples of this arm"
          : "Shares are of the CPU time of this arm's threads by the scheduler's account, because "
            "only user code could be sampled; the rest of each thread is `kernel, not resolved`";
  text += "; each sample counts in one row, rows add up to their thread and threads to 100 %. ";
  text += fmt::format("{} of samples are classified. ", format_share(tables.classified));
  if (tables.scheduled_ns > 0) {
    text += fmt::format(
        "The samples stand for {} of CPU time, the scheduler counted {} ({:.1f} %). ",
        format_duration(static_cast<double>(tables.sampled_ns)),
        format_duration(static_cast<double>(tables.scheduled_ns)),
        100 * static_cast<double>(tables.sampled_ns) / static_cast<double>(tables.scheduled_ns));
  }
  text += fmt::format("Lost samples: {}; throttled: {} times.", format_count(tables.lost),
                      format_count(tables.throttled));
  if (tables.heaviest_leaf.share > kSkidShare) {
    text += fmt::format(
        " Skid: {} is the innermost frame of {} of samples, more than {:.0f} %; the event may be "
        "noticed only there, so judge by callers, not by innermost frames.",
        code(tables.heaviest_leaf.name), format_share(tables.heaviest_leaf.share),
        100 * kSkidShare);
  }
  if (const auto known = tables.whole_stacks + tables.cut_short_stacks; known > 0) {
    text += fmt::format(
        " {} of user stacks reach their thread's start.",
        format_share(static_cast<double>(tables.whole_stacks) / static_cast<double>(known)));
  }
  if (!tables.has_intervals) {
    text += " There are no intervals: all samples lie in one stretch of time.";
  } else if (tables.rounds == 1) {
    text += " With one profiling round the intervals do not cover how much rounds differ.";
  }
  return text + "\n\n";
}

}  // namespace

std::string cost_cell(const CpuTime& time) {
  return time.has_cost ? format_count(time.printed_cost_ns) : std::string(kUnavailableFigure);
}

std::string markdown_profile(const ArmSummary& arm, const MarkdownDetail& detail) {
  std::string text = fmt::format("## Where the time goes: {}\n\n", code(arm.arm.name));
  if (!arm.profile) return text + "There is no profiling round that counts.\n\n";
  const ProfileTables& tables = *arm.profile;
  text += caption(tables);
  text += kGrouping;
  std::size_t small = 0;
  std::uint64_t small_share = 0;
  for (const RoleTable& role : tables.roles) {
    if (role.time.weight_ns > 0 && role.time.share.value >= detail.smallest_share) {
      text += role_table(role, tables, detail);
    } else {
      ++small;
      small_share += role.time.printed_share;
    }
  }
  if (small > 0) {
    text += fmt::format("Other kinds of threads: {}, with {} together.\n\n", small,
                        format_printed_share(small_share));
  }
  return text;
}

std::string markdown_document_rows(const Report& report) {
  if (report.document_rows.empty()) return "";
  MarkdownTable table({{"Thread"},
                       {"Row of the document"},
                       {"Document", Align::kRight},
                       {"Here", Align::kRight},
                       {"95 % interval", Align::kRight},
                       {"n", Align::kRight},
                       {"Why it is absent"}});
  for (const DocumentRow& row : report.document_rows) {
    const bool found = row.absent.empty();
    table.add({code(row.role), plain(row.title), fmt::format("{:.2f} %", row.document_percent),
               found ? format_printed_share(row.time.printed_share) : "absent",
               found ? interval(row.time.share) : "", format_count(row.time.samples), row.absent});
  }
  return fmt::format(
      "## Rows of the analysis document\n\nThe rows of the document's three thread tables, looked "
      "for in {}. Its figures come from another program on another machine, and from its third "
      "version; they say which rows to look for, not how large they must be.\n\n{}\n",
      code(report.document_arm), table.take());
}

}  // namespace vfsprof::reports
