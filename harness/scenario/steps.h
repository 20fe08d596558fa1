#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/scenario/distribution.h"
#include "harness/scenario/file_set.h"
#include "harness/scenario/operation.h"

namespace vfsprof::harness {

/// What a step does. Up to kRemovexattr (THE list of steps is in steps_parser.cpp) it stands for
/// operations; the rest is the flow between them.
enum class StepCode : std::uint8_t {
  kCreate,
  kOpen,
  kClose,
  kRead,
  kWrite,
  kAppend,
  kReadWhole,
  kWriteWhole,
  kFsync,
  kFdatasync,
  kTruncate,
  kStat,
  kReaddir,
  kUnlink,
  kMkdir,
  kRmdir,
  kRename,
  kLink,
  kSymlink,
  kReadlink,
  kChmod,
  kChown,
  kUtimens,
  kSetxattr,
  kGetxattr,
  kListxattr,
  kRemovexattr,
  kPause,
  kBarrier,
  kRepeat,     ///< `count` times up to kEndRepeat
  kEndRepeat,  ///< back to `target`
  kMix,        ///< goes on at one of `branches`, dealt by `weights`
  kJump        ///< to `target`
};

/// How a step picks an entry of its set.
enum class Pick : std::uint8_t {
  kRandom,  ///< any that fits, all alike
  kNext,    ///< the next that fits, round and round
  kSame,    ///< the one that the set's last step picked
  kZipf,    ///< few of them often (`theta`)
};

/// Where in the file a read or write takes place.
enum class OffsetMode : std::uint8_t {
  kNext,    ///< behind the last one, from the start again at the end
  kRandom,  ///< any block of the file
  kZipf,    ///< few blocks often (`theta`), spread over the file
  kTable,   ///< as `offsets` says
};

/// One instruction of a job's program: steps with their keys resolved, and the flow between them
/// laid out flat.
struct Instruction {
  StepCode code = StepCode::kPause;
  std::uint8_t flags = 0;  ///< OpenFlag bits
  Pick pick = Pick::kRandom;
  OffsetMode offset = OffsetMode::kNext;
  double theta = 0;           ///< of kZipf, of pick or offset
  int set = -1;               ///< the set it picks from, or the one that `fd` was opened in
  int other_set = -1;         ///< where rename, link and symlink take the second name
  std::uint32_t fd = 0;       ///< number of the open file
  std::uint32_t text = 0;     ///< xattr: number of its name, in Scenario::texts
  std::uint32_t mode = 0644;  ///< permission bits
  Distribution bs = {};       ///< bytes per read or write
  Distribution size = {};     ///< bytes that append adds, write-whole writes, truncate leaves
  Distribution offsets = {};  ///< of kTable
  std::uint64_t count = 1;    ///< of kRepeat; of pause nanoseconds
  std::int64_t expected = kInFull;
  std::uint32_t target = 0;  ///< instruction number
  std::vector<std::uint32_t> branches = {};
  std::vector<unsigned> weights = {};
};

/// What a job does: once in set-up, and in each loop of the measured phase.
struct Program {
  std::vector<Instruction> setup;
  std::vector<Instruction> loop;
};

}  // namespace vfsprof::harness
