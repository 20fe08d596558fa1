#include "reports/tests/large_result.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "reports/tests/synthetic.h"

namespace vfsprof::reports::synthetic {
namespace {

constexpr std::size_t kDepth = 32;

/// The frames: what the samples of `hand_off_samples` hold, then functions that no rule knows.
void add_frames(Profile& profile, std::vector<std::vector<std::uint32_t>>& tops,
                std::size_t functions) {
  for (const StackSamples& known : hand_off_samples(1)) {
    std::vector<std::uint32_t>& top = tops.emplace_back();
    for (const Frame& frame : known.stack) {
      top.push_back(static_cast<std::uint32_t>(profile.frames.size()));
      profile.frames.push_back(frame);
    }
  }
  while (profile.frames.size() < functions) {
    profile.frames.push_back(user(fmt::format(
        "void application::Module{0}<std::pair<int, std::vector<long> > >::step_{1}(std::string "
        "const&, unsigned long) const",
        profile.frames.size() % 97, profile.frames.size())));
  }
}

Profile make_profile(const LargeOptions& options, std::mt19937_64& random) {
  Profile profile;
  profile.event = profile.requested_event = "cpu-clock";
  profile.frequency_hz = 1000;
  profile.weight_ns = 1'000'000;
  profile.slice_ns = 100'000'000;
  std::vector<std::vector<std::uint32_t>> tops;
  add_frames(profile, tops, options.functions);
  for (std::size_t i = 0; i < options.stacks; ++i) {
    std::vector<std::uint32_t> stack = tops[random() % tops.size()];
    // Outer frames are few chains, callers near the leaf differ: a tree of some ten nodes a stack.
    while (stack.size() < kDepth) {
      const std::size_t chain = stack.size() >= 16   ? i % 64
                                : stack.size() >= 10 ? i % 4096
                                                     : random();
      const std::size_t frame = chain * 113 + stack.size() * 31;
      stack.push_back(static_cast<std::uint32_t>(frame % options.functions));
    }
    profile.stacks.push_back(std::move(stack));
  }
  const std::uint64_t rows = options.samples / options.rounds;
  for (std::uint64_t i = 0; i < rows; ++i) {
    profile.samples.push_back({static_cast<std::uint32_t>(random() % options.threads),
                               static_cast<std::uint32_t>(random() % options.stacks),
                               static_cast<std::uint32_t>(i * options.slices / rows), 1});
  }
  return profile;
}

}  // namespace

RunResult make_large_result(const LargeOptions& options) {
  std::mt19937_64 random(1);
  RunResult result = make_result({"mutex-pool"});
  for (std::size_t r = 0; r < options.rounds; ++r) {
    Round round = make_round({.block = static_cast<std::uint32_t>(r),
                              .kind = RoundKind::kProfiling,
                              .operations = 1'000'000});
    round.elapsed_ns = std::uint64_t{100'000'000} * options.slices;
    round.threads.clear();
    for (std::size_t i = 0; i < options.threads; ++i) {
      const std::string role = i % 8 == 0 ? "mount_vfs" : i % 8 == 1 ? "flush" : "vfs-io-worker";
      round.threads.push_back({.tid = static_cast<std::int32_t>(i + 1),
                               .name = role,
                               .full_name = role,
                               .role = role,
                               .cpu_ns = 1'000'000 * options.samples / options.threads});
    }
    round.profile = make_profile(options, random);
    result.rounds.push_back(std::move(round));
  }
  return result;
}

}  // namespace vfsprof::reports::synthetic
