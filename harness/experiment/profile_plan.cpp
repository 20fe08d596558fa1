#include "harness/experiment/profile_plan.h"

#include <algorithm>

namespace vfsprof::harness {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kShortest = 100ms;
constexpr Nanoseconds kFirst = 400ms;  ///< where the end is not known
constexpr Nanoseconds kLongest = 10s;
constexpr std::int64_t kBlocks = 12;
constexpr std::int64_t kFewestBlocks = 6;
constexpr int kMostForChanges = 4;  ///< a quarter of the duration
constexpr int kPartOfElapsed = 24;

/// The length of a full stretch, of which a block has one for each kind but the last, which is
/// half.
Nanoseconds length_within(Nanoseconds duration, std::int64_t kinds, Nanoseconds change) {
  const Nanoseconds changes = kinds * change;  // of a block
  const std::int64_t blocks =
      changes.count() == 0
          ? kBlocks
          : std::clamp(duration / (kMostForChanges * changes), kFewestBlocks, kBlocks);
  return (duration / blocks - changes) * 2 / (2 * kinds - 1);
}

}  // namespace

Stretch plan_stretch(std::uint32_t index, std::span<const reports::RoundKind> kinds,
                     Nanoseconds elapsed, std::optional<Nanoseconds> duration, Nanoseconds change) {
  const auto count = static_cast<std::uint32_t>(kinds.size());
  Stretch result;
  result.block = index / count;
  const std::uint32_t place = index % count;
  result.kind = kinds[result.block % 2 == 0 ? place : count - 1 - place];
  Nanoseconds length = duration ? length_within(*duration, count, change)
                                : std::max({kFirst, elapsed / kPartOfElapsed, 2 * change});
  length = std::clamp(length, kShortest, kLongest);
  result.length = result.kind == reports::RoundKind::kTiming ? length / 2 : length;
  return result;
}

}  // namespace vfsprof::harness
