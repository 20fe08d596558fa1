// vfsprof-symbols-bench [usual|varied]: how fast samples are symbolised: a million, of 32 frames
// each, on one thread. Prints a JSON object.
//
// The population is a tree of calls through the code that is mapped into this process (this program
// with its debug information, libc, libstdc++), in which few callees are frequent and others rare;
// leaves are spread over the instructions of their functions. The usual one is of the order of a
// real one: a thousand samples of the reference daemon have 450 nodes and 230 stacks. The cost
// grows with distinct call paths: the varied one has twenty times as many. Symbol tables and DWARF
// are read within the time.
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/collect/proc.h"
#include "harness/collect/sample_store.h"
#include "harness/symbols/stack_resolver.h"
#include "harness/symbols/user_symbols.h"

namespace vfsprof::harness {
namespace {

constexpr std::size_t kSamples = 1'000'000;
constexpr std::size_t kFrames = 32;
constexpr std::size_t kSites = 20'000;  // distinct return addresses
constexpr double kCallees = 4;          // of each call site
constexpr double kUsualSkew = 138;      // 99 % of its calls go to the first
constexpr double kVariedSkew = 20;

double thread_cpu_s() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// What two readings of the clock are apart.
double clock_cost_s() {
  constexpr int kReadings = 10'000;
  const double start_s = thread_cpu_s();
  for (int i = 1; i < kReadings; ++i) thread_cpu_s();
  return (thread_cpu_s() - start_s) / kReadings;
}

class Population {
 public:
  Population(const std::string& maps, double skew) : skew_(skew) {
    const auto mappings = parse_executable_mappings(maps);
    std::uint64_t size = 0;
    for (const auto& mapping : mappings) size += mapping.end - mapping.start;
    for (std::size_t i = 0; i < kSites; ++i) {
      std::uint64_t at = random_() % size;
      for (const auto& mapping : mappings) {
        const std::uint64_t length = mapping.end - mapping.start;
        if (at < length) {
          sites_.push_back(mapping.start + at);
          break;
        }
        at -= length;
      }
    }
  }

  /// Leaf first.
  void next(std::span<ChainAddress> chain) {
    std::uint64_t site = 0;
    for (std::size_t i = chain.size(); i-- > 0;) {
      const double callee = kCallees * std::pow(uniform_(random_), skew_);
      // The same call from the same place leads to the same places.
      site = (site * 31 + static_cast<std::uint64_t>(callee) * 977 + i) % sites_.size();
      chain[i] = {AddressKind::kUser, sites_[site]};
    }
    chain[0].lookup += random_() % 64;
  }

 private:
  double skew_;
  std::mt19937_64 random_{1};
  std::uniform_real_distribution<double> uniform_;
  std::vector<std::uint64_t> sites_;
};

int run(bool varied) {
  const std::string maps = read_text("/proc/self/maps").value_or("");
  Population population(maps, varied ? kVariedSkew : kUsualSkew);
  std::vector<ChainAddress> chain(kFrames);
  SampleStore store;
  double store_s = 0;
  const double clock_s = clock_cost_s();
  for (std::size_t i = 0; i < kSamples; ++i) {
    population.next(chain);
    // Reading the clock costs more than what is timed; every 64th sample stands for the others.
    const bool timed = i % 64 == 0;
    const double start_s = timed ? thread_cpu_s() : 0;
    store.add(chain, 1, 0);
    if (timed) store_s += 64 * (thread_cpu_s() - start_s - clock_s);
  }
  const double start_s = thread_cpu_s();
  const SymbolTable kernel;
  UserSymbols user(maps);
  reports::StackTable table;
  StackResolver resolver(kernel, user, table);
  std::vector<StackResolver::Path> paths;
  for (const auto& [caller, address] : store.nodes()) {
    const auto outer = caller == SampleStore::kRoot ? StackResolver::kEmpty : paths[caller];
    paths.push_back(resolver.called_from(outer, address));
  }
  for (const auto& [key, count] : store.counts()) resolver.stack_of(paths[key.node]);
  const double resolve_s = thread_cpu_s() - start_s;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{{\"samples\": {}, \"frames\": {}, \"store_s\": {:.3f}, \"resolve_s\": {:.3f}, \"nodes\": "
      "{}, "
      "\"stacks\": {}, \"named_frames\": {}, \"peak_bytes\": {}}}\n",
      kSamples, kFrames, store_s, resolve_s, store.nodes().size(), table.stacks.size(),
      table.frames.size(), usage.ru_maxrss * 1024);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace vfsprof::harness

int main(int argc, char** argv) {
  const std::string_view population = argc > 1 ? argv[1] : "usual";
  if (population != "usual" && population != "varied") {
    fmt::print(stderr, "usage: vfsprof-symbols-bench [usual|varied]\n");
    return 2;
  }
  return vfsprof::harness::run(population == "varied");
}
