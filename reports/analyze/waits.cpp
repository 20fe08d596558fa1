#include "reports/analyze/waits.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "reports/analyze/arm_profile.h"
#include "reports/model/run_result.h"

namespace vfsprof::reports {
namespace {

constexpr std::size_t kStackFrames = 4;

/// Collects rows by key over rounds.
struct Collected {
  std::map<std::tuple<std::string, std::string, std::string>, FutexRow> rows;
  std::map<std::tuple<std::string, std::string, std::string>, std::set<std::string>> operations;
  std::map<std::string, WordRow> words;
  std::map<std::tuple<std::string, std::string, std::string>, WakeRow> matrix;
  std::map<WordPurpose, PurposeRow> purposes;
  std::map<std::string, RoleTime> roles;
  std::map<std::tuple<std::string, std::string, std::string, std::vector<std::string>, std::string>,
           BlockedRow>
      blocked;
  std::map<std::string, FuseRow> fuse;
};

void collect_calls(const Round& round, const std::vector<NamedWord>& words, FutexTables& tables,
                   Collected& all) {
  const Waits& waits = *round.waits;
  for (const FutexCalls& entry : waits.futexes.calls) {
    const NamedWord& word = words[entry.word];
    const std::string& role = round.threads[entry.thread].role;
    const std::string site = waits.futexes.call_sites ? call_site(waits, entry.stack) : "unknown";
    const std::tuple key(role, site, word.name);
    FutexRow& row = all.rows[key];
    row.role = role;
    row.site = site;
    row.word = word.name;
    row.purpose = word.purpose;
    row.totals.add(entry);
    all.operations[key].insert(entry.operation);
    WordRow& at_word = all.words[word.name];
    at_word.word = word.name;
    at_word.purpose = word.purpose;
    at_word.named = word.named;
    at_word.totals.add(entry);
    PurposeRow& purpose = all.purposes[word.purpose];
    purpose.purpose = word.purpose;
    purpose.totals.add(entry);
    tables.totals.add(entry);
  }
  for (const FutexWakeups& entry : waits.futexes.wakeups) {
    const NamedWord& word = words[entry.word];
    const std::string& waker = round.threads[entry.waker].role;
    const std::string& wakee = round.threads[entry.wakee].role;
    WakeRow& row = all.matrix[{waker, wakee, word.name}];
    row.waker = waker;
    row.wakee = wakee;
    row.word = word.name;
    row.purpose = word.purpose;
    row.count += entry.count;
    row.wake_to_run.add(entry.wake_to_run, 0);
  }
}

void collect_futexes(const Round& round, const std::vector<NamedWord>& words, FutexTables& tables,
                     Collected& all) {
  const FutexLedger& ledger = round.waits->futexes;
  if (ledger.source.empty()) return;
  tables.source = ledger.source;
  tables.call_sites = tables.call_sites && ledger.call_sites;
  tables.results = tables.results && ledger.results;
  tables.lost += ledger.lost;
  collect_calls(round, words, tables, all);
}

void collect_wall_clock(const Round& round, const std::vector<NamedWord>& words,
                        WallClockTables& tables, Collected& all) {
  const Waits& waits = *round.waits;
  const WallClock& ledger = waits.wall_clock;
  if (ledger.source.empty()) return;
  tables.source = ledger.source;
  tables.lost += ledger.lost;
  std::map<std::uint32_t, std::uint64_t> blocked_of;
  for (const BlockedTime& entry : ledger.blocked) {
    const std::string& role = round.threads[entry.thread].role;
    const bool has_word = entry.reason == BlockReason::kFutex && entry.word < words.size();
    const std::string word = has_word ? words[entry.word].name : "";
    const std::string reason = to_string(entry.reason);
    const auto stack = program_frames(waits, entry.stack, kStackFrames);
    BlockedRow& row = all.blocked[{role, reason, word, stack, entry.waker}];
    row.role = role;
    row.reason = reason;
    row.word = word;
    row.stack = stack;
    row.waker = entry.waker;
    row.runnable_ns += entry.runnable_ns;
    row.blocked.add(entry.blocked_time, entry.blocked_ns);
    blocked_of[entry.thread] += entry.blocked_ns;
    all.roles[role].role = role;
    all.roles[role].blocked_ns[reason] += entry.blocked_ns;
  }
  for (const ThreadTime& entry : ledger.threads) {
    const std::string& role = round.threads[entry.thread].role;
    RoleTime& time = all.roles[role];
    time.role = role;
    ++time.threads;
    time.elapsed_ns += entry.elapsed_ns;
    time.on_cpu_ns += entry.on_cpu_ns;
    time.runnable_ns += entry.runnable_ns;
    time.preemptions += entry.preemptions;
    const auto sum =
        static_cast<double>(entry.on_cpu_ns + entry.runnable_ns + blocked_of[entry.thread]);
    const auto elapsed = static_cast<double>(entry.elapsed_ns);
    if (elapsed > 0) time.worst_gap = std::max(time.worst_gap, std::abs(sum - elapsed) / elapsed);
  }
}

void collect_fuse(const Waits& waits, WaitTables& tables, Collected& all) {
  if (waits.fuse_source.empty()) return;
  tables.fuse_source = waits.fuse_source;
  const auto merge = [](std::optional<WaitTimes>& into, const Log2Histogram& histogram,
                        std::uint64_t sum_ns) {
    if (histogram.empty()) return;
    if (!into) into.emplace();
    into->add(histogram, sum_ns);
  };
  for (const FuseRequests& entry : waits.fuse) {
    FuseRow& row = all.fuse[entry.operation];
    row.operation = entry.operation;
    row.count += entry.count;
    row.errors += entry.errors;
    merge(row.queue, entry.queue, entry.queue_ns);
    merge(row.daemon, entry.daemon, entry.daemon_ns);
    merge(row.reply, entry.reply, entry.reply_ns);
  }
}

/// The values of a map, largest first.
template <class Row, class Map, class Size>
std::vector<Row> sorted(Map& map, Size size) {
  std::vector<Row> rows;
  for (auto& [key, row] : map) rows.push_back(std::move(row));
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return size(a) > size(b); });
  return rows;
}

void fill_in(Collected& all, WaitTables& tables) {
  FutexTables& futexes = tables.futexes;
  for (auto& [key, row] : all.rows) {
    for (const std::string& operation : all.operations[key]) {
      row.operations += (row.operations.empty() ? "" : ", ") + operation;
    }
  }
  const auto weight = [](const auto& row) {
    return std::tuple(row.totals.wait.sum_ns(), row.totals.cpu_ns, row.totals.calls);
  };
  futexes.rows = sorted<FutexRow>(all.rows, weight);
  futexes.words = sorted<WordRow>(all.words, weight);
  futexes.matrix = sorted<WakeRow>(all.matrix, [](const WakeRow& row) { return row.count; });
  futexes.purposes = sorted<PurposeRow>(
      all.purposes, [](const PurposeRow& row) { return row.totals.threads_woken; });
  std::uint64_t named_ns = 0;
  for (const WordRow& row : futexes.words) named_ns += row.named ? row.totals.wait.sum_ns() : 0;
  const std::uint64_t wait_ns = futexes.totals.wait.sum_ns();
  if (wait_ns > 0) {
    futexes.named_wait_share = static_cast<double>(named_ns) / static_cast<double>(wait_ns);
  }
  WallClockTables& clock = tables.wall_clock;
  clock.roles = sorted<RoleTime>(all.roles, [](const RoleTime& role) { return role.elapsed_ns; });
  std::map<std::string, std::uint64_t> by_reason;
  for (const RoleTime& role : clock.roles) {
    for (const auto& [reason, ns] : role.blocked_ns) by_reason[reason] += ns;
  }
  for (const auto& [reason, ns] : by_reason) clock.reasons.push_back(reason);
  std::stable_sort(
      clock.reasons.begin(), clock.reasons.end(),
      [&](const std::string& a, const std::string& b) { return by_reason[a] > by_reason[b]; });
  clock.rows =
      sorted<BlockedRow>(all.blocked, [](const BlockedRow& row) { return row.blocked.sum_ns(); });
  tables.fuse = sorted<FuseRow>(all.fuse, [](const FuseRow& row) { return row.count; });
}

}  // namespace

void WaitTimes::add(const Log2Histogram& histogram, std::uint64_t sum_ns) {
  if (buckets_.size() < histogram.size()) buckets_.resize(histogram.size(), 0);
  for (std::size_t i = 0; i < histogram.size(); ++i) {
    buckets_[i] += histogram[i];
    count_ += histogram[i];
  }
  sum_ns_ += sum_ns;
}

double WaitTimes::mean_ns() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(count_);
}

double WaitTimes::quantile_ns(double quantile) const {
  if (count_ == 0) return 0;
  const double rank = quantile * static_cast<double>(count_);
  double below = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const auto here = static_cast<double>(buckets_[i]);
    if (here > 0 && below + here >= rank) {
      const double low = i == 0 ? 0 : std::ldexp(1.0, static_cast<int>(i));
      const double high = std::ldexp(1.0, static_cast<int>(i) + 1);
      return low + (high - low) * std::max(0.0, rank - below) / here;
    }
    below += here;
  }
  return std::ldexp(1.0, static_cast<int>(buckets_.size()));
}

void FutexTotals::add(const FutexCalls& entry) {
  calls += entry.calls;
  cpu_ns += entry.cpu_ns;
  woken += entry.woken;
  again += entry.again;
  timed_out += entry.timed_out;
  interrupted += entry.interrupted;
  failed += entry.failed;
  threads_woken += entry.threads_woken;
  threads_requeued += entry.threads_requeued;
  useless += entry.useless;
  (is_wait(entry.operation) ? waits : wakes) += entry.calls;
  wait.add(entry.wait_time, entry.wait_ns);
}

std::uint64_t RoleTime::accounted_ns() const {
  std::uint64_t sum = on_cpu_ns + runnable_ns;
  for (const auto& [reason, ns] : blocked_ns) sum += ns;
  return sum;
}

double WaitTables::per(double amount) const {
  if (operations > 0) return amount / static_cast<double>(operations);
  return elapsed_ns > 0 ? amount * 1e9 / static_cast<double>(elapsed_ns) : 0;
}

std::optional<WaitTables> analyse_waits(const std::vector<const Round*>& tracing) {
  WaitTables tables;
  Collected all;
  for (const Round* round : tracing) {
    if (!round->waits) continue;
    ++tables.rounds;
    tables.elapsed_ns += round->elapsed_ns;
    tables.operations += round->counts_operations ? operations_of(*round) : 0;
    const std::vector<NamedWord> words = name_words(*round->waits);
    collect_futexes(*round, words, tables.futexes, all);
    collect_wall_clock(*round, words, tables.wall_clock, all);
    collect_fuse(*round->waits, tables, all);
  }
  if (tables.futexes.source.empty() && tables.wall_clock.source.empty() &&
      tables.fuse_source.empty()) {
    return std::nullopt;
  }
  fill_in(all, tables);
  return tables;
}

}  // namespace vfsprof::reports
