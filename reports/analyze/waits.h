#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reports/analyze/statistics.h"
#include "reports/model/waits.h"

namespace vfsprof::reports {

struct Round;

// What the ledgers of waits say about one arm, over its tracing rounds.

/// Durations by power of two, merged. Quantiles are interpolated within their bucket, so they are
/// right within a factor of two.
class WaitTimes {
 public:
  void add(const Log2Histogram& histogram, std::uint64_t sum_ns);
  std::uint64_t count() const { return count_; }
  std::uint64_t sum_ns() const { return sum_ns_; }
  double mean_ns() const;
  double quantile_ns(double quantile) const;

 private:
  Log2Histogram buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
};

/// Sums over futex calls.
struct FutexTotals {
  std::uint64_t calls = 0;
  std::uint64_t cpu_ns = 0;
  std::uint64_t waits = 0;  ///< calls that wait, whatever their end
  std::uint64_t woken = 0;  ///< completed waits
  std::uint64_t again = 0, timed_out = 0, interrupted = 0, failed = 0;
  std::uint64_t wakes = 0;  ///< calls that wake or requeue, useless and failed ones included
  std::uint64_t threads_woken = 0, threads_requeued = 0;
  std::uint64_t useless = 0;
  WaitTimes wait;  ///< of waiting calls, whatever their end

  void add(const FutexCalls& entry);
};

/// The calls of one thread role at one word from one call site.
struct FutexRow {
  std::string role;
  std::string site;  ///< the first function that is the program's
  std::string word;
  WordPurpose purpose = WordPurpose::kOther;
  std::string operations;  ///< "WAIT_BITSET", or several with commas
  FutexTotals totals;
};

/// All calls at one word, or at all words of one name.
struct WordRow {
  std::string word;
  WordPurpose purpose = WordPurpose::kOther;
  bool named = false;  ///< false: the name is made of its call sites
  FutexTotals totals;
};

/// How often threads of one role woke those of another at one word.
struct WakeRow {
  std::string waker;
  std::string wakee;
  std::string word;
  WordPurpose purpose = WordPurpose::kOther;
  std::uint64_t count = 0;
  WaitTimes wake_to_run;
};

/// The wakes that served one purpose.
struct PurposeRow {
  WordPurpose purpose = WordPurpose::kOther;
  FutexTotals totals;
};

struct FutexTables {
  std::string source;
  bool call_sites = true;
  bool results = true;
  FutexTotals totals;
  std::uint64_t lost = 0;
  double named_wait_share = 0;  ///< of the time waited, that is at words with a name
  std::vector<FutexRow> rows;   ///< by wait time, then CPU time
  std::vector<WordRow> words;   ///< by wait time
  std::vector<WakeRow> matrix;  ///< by count
  std::vector<PurposeRow> purposes;
};

/// Time blocked for one reason.
struct BlockedRow {
  std::string role;
  std::string reason;              ///< "futex", "FUSE read", ...
  std::string word;                ///< of a futex; else empty
  std::vector<std::string> stack;  ///< the program's frames, innermost first
  std::string waker;
  std::uint64_t runnable_ns = 0;  ///< from the wake-ups to running
  WaitTimes blocked;
};

/// The elapsed time of the threads of one role.
struct RoleTime {
  std::string role;
  std::uint64_t threads = 0;  ///< over all rounds
  std::uint64_t elapsed_ns = 0, on_cpu_ns = 0, runnable_ns = 0;
  std::map<std::string, std::uint64_t> blocked_ns;  ///< by reason
  std::uint64_t preemptions = 0;
  double worst_gap = 0;  ///< of a single thread: what is missing or too much, share of its elapsed

  std::uint64_t accounted_ns() const;
};

struct WallClockTables {
  std::string source;
  std::uint64_t lost = 0;
  std::vector<std::string> reasons;  ///< those that were seen, by time
  std::vector<RoleTime> roles;
  std::vector<BlockedRow> rows;  ///< by time
};

struct FuseRow {
  std::string operation;
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::optional<WaitTimes> queue, daemon, reply;  ///< nothing: unknown
};

/// A part that was not measured has an empty `source` and no rows; the report's capabilities say
/// why.
struct WaitTables {
  std::size_t rounds = 0;
  std::uint64_t elapsed_ns = 0;
  std::uint64_t operations = 0;  ///< 0: not counted; figures are then per second
  FutexTables futexes;
  WallClockTables wall_clock;
  std::string fuse_source;
  std::vector<FuseRow> fuse;

  /// An amount per operation, or per second where operations were not counted.
  double per(double amount) const;
  std::string per_what() const { return operations > 0 ? "operation" : "second"; }
};

/// Nothing if no tracing round has any ledger.
std::optional<WaitTables> analyse_waits(const std::vector<const Round*>& tracing);

/// The name of each futex word of a round: as registered, else "waiter's call site <-> waker's call
/// site".
struct NamedWord {
  std::string name;
  WordPurpose purpose = WordPurpose::kOther;
  bool named = false;
};
std::vector<NamedWord> name_words(const Waits& waits);

/// The first function of a stack that is the program's own, not of its C or C++ runtime.
std::string call_site(const Waits& waits, std::uint32_t stack);
/// The functions from there on, innermost first, at most `count`.
std::vector<std::string> program_frames(const Waits& waits, std::uint32_t stack, std::size_t count);

/// Whether a futex operation waits; the others wake or requeue.
bool is_wait(const std::string& operation);

/// "lock", "queue hand-off", "completion", "other".
std::string to_string(WordPurpose purpose);
/// "futex", "FUSE read", "disk", "page fault", "sleep", "poll", "pipe or socket", "other".
std::string to_string(BlockReason reason);

}  // namespace vfsprof::reports
