#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace vfsprof::reports {

enum class FrameKind { kUser, kKernel, kInlined };

/// One resolved frame. `function` is the demangled name, or empty where no symbol covers the
/// address.
struct Frame {
  FrameKind kind = FrameKind::kUser;
  std::string function;
  std::string module;  ///< file name of the object, "[kernel]" or "[vdso]"
  friend auto operator<=>(const Frame&, const Frame&) = default;
};

/// Call stacks over a table of frames.
struct StackTable {
  std::vector<Frame> frames;
  std::vector<std::vector<std::uint32_t>> stacks;  ///< indices into frames, leaf first
};

}  // namespace vfsprof::reports
