#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "harness/scenario/steps.h"

namespace vfsprof::harness {

/// Keys that a step may have, as bits.
enum StepKey : std::uint16_t {
  kKeySet = 1,
  kKeyTo = 2,
  kKeyPick = 4,
  kKeyFd = 8,
  kKeyBs = 16,
  kKeySize = 32,
  kKeyOffset = 64,
  kKeyFlags = 128,
  kKeyMode = 256,
  kKeyName = 512,
  kKeyTime = 1024,
  kKeyExpect = 2048,
};
inline constexpr std::array<std::string_view, 12> kStepKeyNames{
    "set", "to", "pick", "fd", "bs", "size", "offset", "flags", "mode", "name", "time", "expect"};

/// A step by its name: which keys it takes, and what its set has to hold.
struct StepKind {
  std::string_view name;
  StepCode code;
  std::uint16_t keys;
  std::uint16_t required;
  std::uint8_t types;  ///< bits of EntryType
  bool changes_names;  ///< so that its set cannot be shared
  bool changes_data;   ///< so that clients that share its set race
};

inline constexpr std::uint8_t kFiles = 1, kDirectories = 2, kSymlinks = 4;
inline constexpr std::uint8_t kAnyEntry = kFiles | kDirectories | kSymlinks;
inline constexpr std::uint16_t kKeysOfName = kKeySet | kKeyPick | kKeyExpect;
inline constexpr std::uint16_t kKeysOfFile = kKeyFd | kKeyExpect;

// THE list of steps.
inline constexpr StepKind kStepKinds[] = {
    {"create", StepCode::kCreate, kKeysOfName | kKeyFd | kKeyFlags | kKeyMode, kKeySet, kFiles,
     true, false},
    {"open", StepCode::kOpen, kKeysOfName | kKeyFd | kKeyFlags, kKeySet, kFiles, false, false},
    {"close", StepCode::kClose, kKeyFd, 0, kFiles, false, false},
    {"read", StepCode::kRead, kKeysOfFile | kKeyBs | kKeyOffset, kKeyBs, kFiles, false, false},
    {"write", StepCode::kWrite, kKeysOfFile | kKeyBs | kKeyOffset, kKeyBs, kFiles, false, true},
    {"append", StepCode::kAppend, kKeysOfFile | kKeyBs | kKeySize, kKeySize, kFiles, false, true},
    {"read-whole", StepCode::kReadWhole, kKeysOfFile | kKeyBs, 0, kFiles, false, false},
    {"write-whole", StepCode::kWriteWhole, kKeysOfFile | kKeyBs | kKeySize, 0, kFiles, false, true},
    {"fsync", StepCode::kFsync, kKeysOfFile, 0, kFiles, false, false},
    {"fdatasync", StepCode::kFdatasync, kKeysOfFile, 0, kFiles, false, false},
    {"truncate", StepCode::kTruncate, kKeysOfFile | kKeySize, kKeySize, kFiles, false, true},
    {"stat", StepCode::kStat, kKeysOfName, kKeySet, kAnyEntry, false, false},
    {"readdir", StepCode::kReaddir, kKeysOfName, kKeySet, kFiles | kDirectories, false, false},
    {"unlink", StepCode::kUnlink, kKeysOfName, kKeySet, kFiles | kSymlinks, true, false},
    {"mkdir", StepCode::kMkdir, kKeysOfName | kKeyMode, kKeySet, kDirectories, true, false},
    {"rmdir", StepCode::kRmdir, kKeysOfName, kKeySet, kDirectories, true, false},
    {"rename", StepCode::kRename, kKeysOfName | kKeyTo, kKeySet, kAnyEntry, true, false},
    {"link", StepCode::kLink, kKeysOfName | kKeyTo, kKeySet | kKeyTo, kFiles, true, false},
    {"symlink", StepCode::kSymlink, kKeysOfName | kKeyTo, kKeySet | kKeyTo, kSymlinks, true, false},
    {"readlink", StepCode::kReadlink, kKeysOfName, kKeySet, kSymlinks, false, false},
    {"chmod", StepCode::kChmod, kKeysOfName | kKeyMode, kKeySet | kKeyMode, kFiles | kDirectories,
     true, false},
    {"chown", StepCode::kChown, kKeysOfName, kKeySet, kAnyEntry, true, false},
    {"utimens", StepCode::kUtimens, kKeysOfName, kKeySet, kAnyEntry, true, false},
    {"setxattr", StepCode::kSetxattr, kKeysOfFile | kKeyName | kKeySize, kKeyName | kKeySize,
     kFiles, false, true},
    {"getxattr", StepCode::kGetxattr, kKeysOfFile | kKeyName, kKeyName, kFiles, false, false},
    {"listxattr", StepCode::kListxattr, kKeysOfFile, 0, kFiles, false, false},
    {"removexattr", StepCode::kRemovexattr, kKeysOfFile | kKeyName, kKeyName, kFiles, false, true},
    {"pause", StepCode::kPause, kKeyTime, kKeyTime, 0, false, false},
    {"barrier", StepCode::kBarrier, 0, 0, 0, false, false},
};

/// The kind of a step that stands for operations: kStepKinds is in the order of StepCode.
constexpr const StepKind* kind_of(StepCode code) {
  return &kStepKinds[static_cast<std::size_t>(code)];
}

consteval bool kinds_are_in_order() {
  for (std::size_t i = 0; i < std::size(kStepKinds); ++i) {
    if (kStepKinds[i].code != static_cast<StepCode>(i)) return false;
  }
  return std::size(kStepKinds) == static_cast<std::size_t>(StepCode::kRepeat);
}
static_assert(kinds_are_in_order());

}  // namespace vfsprof::harness
