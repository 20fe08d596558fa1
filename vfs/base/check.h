#pragma once

#include <cstdio>
#include <cstdlib>

/// A condition that only a bug can break. Prints file, line and condition, then aborts; on in every
/// build.
#define VFSPROF_CHECK(condition)                                                              \
  do {                                                                                        \
    if (!(condition)) [[unlikely]] {                                                          \
      std::fprintf(stderr, "%s:%d: bug: CHECK(%s) failed\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
