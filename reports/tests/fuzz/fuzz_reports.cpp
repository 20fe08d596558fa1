// A libFuzzer target: the first byte says what the rest is taken for (InputKind). Built by clang
// only:
//   cmake --preset asan && cmake --build build/asan --target vfsprof-fuzz-reports
//   build/asan/bin/vfsprof-fuzz-reports -max_total_time=600 -max_len=20000 CORPUS
// With --seeds FOLDER it writes a valid input of each kind there, to begin with.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "reports/tests/fuzz/hostile_input.h"

namespace synthetic = vfsprof::reports::synthetic;

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  if (*count != 3 || std::string_view((*arguments)[1]) != "--seeds") return 0;
  for (std::size_t kind = 0; kind < synthetic::kInputKinds; ++kind) {
    std::ofstream(std::string((*arguments)[2]) + "/seed-" + std::to_string(kind))
        << static_cast<char>(kind)
        << synthetic::valid_input(static_cast<synthetic::InputKind>(kind));
  }
  std::exit(0);  // NOLINT(concurrency-mt-unsafe): one thread
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  synthetic::read_hostile(static_cast<synthetic::InputKind>(data[0] % synthetic::kInputKinds),
                          text);
  return 0;
}
