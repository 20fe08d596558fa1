#include "harness/experiment/profile_plan.h"

#include <algorithm>

namespace vfsprof::harness {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kShortest = 100ms;
constexpr Nanoseconds kFirst = 400ms;  ///< where the end is not known
constexpr Nanoseconds kLongest = 10s;
constexpr int kBlocks = 12;
constexpr int kPartOfElapsed = 24;

}  // namespace

Stretch plan_stretch(std::uint32_t index, std::span<const reports::RoundKind> kinds,
                     Nanoseconds elapsed, std::optional<Nanoseconds> duration) {
  const auto count = static_cast<std::uint32_t>(kinds.size());
  Stretch result;
  result.block = index / count;
  const std::uint32_t place = index % count;
  result.kind = kinds[result.block % 2 == 0 ? place : count - 1 - place];
  Nanoseconds length = duration ? *duration * 2 / (kBlocks * (2 * static_cast<int>(count) - 1))
                                : std::max(kFirst, elapsed / kPartOfElapsed);
  length = std::clamp(length, kShortest, kLongest);
  result.length = result.kind == reports::RoundKind::kTiming ? length / 2 : length;
  return result;
}

}  // namespace vfsprof::harness
