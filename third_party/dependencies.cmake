# One file per dependency; README.md says why each is here. googletest.cmake and benchmark.cmake are included
# where tests and benchmarks are built.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
find_package(PkgConfig REQUIRED)
include(${CMAKE_CURRENT_LIST_DIR}/threads.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/fmt.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/nlohmann_json.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/cli11.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/libfuse3.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/liburing.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/onetbb.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/libpfm4.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/elfutils.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/xxhash.cmake)
