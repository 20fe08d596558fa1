#include "harness/floors/repeat.h"

namespace vfsprof::harness {

Repeats repeats_for(const FloorOptions& options) {
  using std::chrono::milliseconds;
  return options.quick ? Repeats{.count = 7, .each = milliseconds(3)}
                       : Repeats{.count = 21, .each = milliseconds(15)};
}

double time_once(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

std::vector<double> time_repeats(const Repeats& repeats,
                                 const std::function<void(std::uint64_t)>& run) {
  const double enough_ns = std::chrono::duration<double, std::nano>(repeats.each).count();
  std::uint64_t times = 1;
  while (time_once([&] { run(times); }) < enough_ns / 2) times *= 2;
  std::vector<double> values;
  for (unsigned i = 0; i < repeats.count; ++i) {
    values.push_back(time_once([&] { run(times); }) / static_cast<double>(times));
  }
  return values;
}

std::vector<double> to_gigabytes_per_second(std::vector<double> ns, std::uint64_t bytes) {
  for (double& value : ns) value = static_cast<double>(bytes) / value;
  return ns;
}

}  // namespace vfsprof::harness
