// A libFuzzer target: the first byte says what the rest is taken for. Built by clang only:
//   cmake --build build/asan --target vfsprof-fuzz-reports && build/asan/bin/vfsprof-fuzz-reports
//   -max_total_time=60

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "reports/tests/fuzz/hostile_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  vfsprof::reports::synthetic::read_hostile(
      static_cast<vfsprof::reports::synthetic::InputKind>(data[0] % 3), text);
  return 0;
}
