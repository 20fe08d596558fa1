#include "harness/collect/counters.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/collect/mapped_memory.h"
#include "vfs/base/result.h"
#include "vfs/base/unique_fd.h"
#include "vfs/counters.h"

namespace vfsprof::harness {
namespace {

using vfs::CounterPage;

/// The text in a field of fixed size, which need not be terminated.
template <std::size_t kSize>
std::string text_of(const char (&field)[kSize]) {
  return std::string(field, std::find(field, field + kSize, '\0'));
}

class CountersCollector : public Collector {
 public:
  void attach(const Observed& observed) override {
    if (!observed.counter_page) {
      problem_ = "the observed process publishes no counters (only vfsprof-mount does)";
      return;
    }
    problem_ = map(*observed.counter_page);
  }

  void start() override { before_ = sums(); }
  void stop() override { after_ = sums(); }

  void collect(reports::Round& round) override {
    if (!problem_.empty()) return;
    for (std::size_t i = 0; i < counter_count_; ++i) {
      const CounterPage::Description& description = page().descriptions[i];
      round.counters.push_back({.name = text_of(description.name),
                                .unit = text_of(description.unit),
                                .value = after_[i] - before_[i],
                                .stability = text_of(description.stability)});
    }
  }

  reports::Capability capability() const override {
    const std::string summary = fmt::format(
        "{} counters of the daemon, differences over the measured phase", counter_count_);
    const bool available = problem_.empty();
    return {.name = "counters",
            .state = available ? reports::CapabilityState::kAvailable
                               : reports::CapabilityState::kUnavailable,
            .detail = available ? summary : problem_,
            .remedy = available ? "" : remedy_};
  }

 private:
  /// Maps the page; returns why that cannot be done, or an empty text.
  std::string map(const std::filesystem::path& path) {
    remedy_ = "build vfsprof and vfsprof-mount from one source: ./scripts/build";
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) {
      return fmt::format("cannot open the counter page {}: {}", path.string(),
                         describe(Errno{errno}));
    }
    if (status.st_size < static_cast<off_t>(sizeof(CounterPage))) {
      return fmt::format("the counter page {} has {} bytes, expected at least {}", path.string(),
                         status.st_size, sizeof(CounterPage));
    }
    memory_ = MappedMemory(file.get(), sizeof(CounterPage), PROT_READ);
    if (!memory_) {
      return fmt::format("cannot map the counter page {}: {}", path.string(),
                         describe(Errno{errno}));
    }
    // Acquire: pairs with the daemon's release store, which it does after the descriptions.
    if (const auto magic = page().magic.load(std::memory_order_acquire);
        magic != CounterPage::kMagic) {
      return fmt::format("the counter page {} begins with {:#x}, expected {:#x}", path.string(),
                         magic, CounterPage::kMagic);
    }
    counter_count_ = std::min<std::size_t>(page().counter_count, CounterPage::kMaxCounters);
    return "";
  }

  const CounterPage& page() const { return *reinterpret_cast<const CounterPage*>(memory_.bytes()); }

  /// Each counter's sum over all threads. Relaxed loads: sums of figures that others still raise
  /// need no order.
  std::vector<std::uint64_t> sums() const {
    if (!problem_.empty()) return {};
    std::vector<std::uint64_t> result(counter_count_, 0);
    const std::size_t slots = std::min<std::size_t>(
        page().slot_count.load(std::memory_order_acquire), CounterPage::kMaxThreads);
    for (std::size_t slot = 0; slot < slots; ++slot) {
      for (std::size_t i = 0; i < result.size(); ++i) {
        result[i] += page().slots[slot].values[i].load(std::memory_order_relaxed);
      }
    }
    return result;
  }

  std::string problem_ = "not attached";
  std::string remedy_;
  MappedMemory memory_;
  std::size_t counter_count_ = 0;
  std::vector<std::uint64_t> before_;
  std::vector<std::uint64_t> after_;
};

}  // namespace

std::unique_ptr<Collector> make_counters_collector(const CollectorOptions&) {
  return std::make_unique<CountersCollector>();
}

}  // namespace vfsprof::harness
