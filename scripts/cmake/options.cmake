# vfsprof_options: what every target of this project is compiled with. Linked privately, so that
# none of it leaks to users of the installed libraries.
set(VFSPROF_SANITIZE "" CACHE STRING "Sanitizers to build with, for example address,undefined")

add_library(vfsprof_options INTERFACE)
target_compile_options(vfsprof_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  # Clang tells of what libstdc++ 12 itself does in every stable_sort; of what we use that is deprecated, GCC tells.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
  # Stacks are walked by frame pointer, through leaf functions too.
  -fno-omit-frame-pointer -mno-omit-leaf-frame-pointer)
if(VFSPROF_WARNINGS_AS_ERRORS)
  target_compile_options(vfsprof_options INTERFACE -Werror)
endif()
if(VFSPROF_SANITIZE)
  target_compile_options(vfsprof_options INTERFACE
    -fsanitize=${VFSPROF_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(vfsprof_options INTERFACE -fsanitize=${VFSPROF_SANITIZE})
endif()

# For code whose speed nobody measures, command lines and tests: a third less time to compile.
set(VFSPROF_COLD_CODE "$<$<CONFIG:RelWithDebInfo>:-O1;-g1>")

# vfsprof_library(NAME SOURCES...): a static library of one layer, with the includes from the root.
function(vfsprof_library name)
  add_library(${name} STATIC ${ARGN})
  target_compile_features(${name} PUBLIC cxx_std_23)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/vfsprof>)
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:vfsprof_options>)
  string(REPLACE "vfsprof_" "" short ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${short})
  add_library(vfsprof::${short} ALIAS ${name})
  set_property(GLOBAL APPEND PROPERTY VFSPROF_LIBRARIES ${name})
endfunction()

# vfsprof_program(NAME SOURCES...): a program in build/<preset>/bin.
function(vfsprof_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE vfsprof_options)
  set_property(GLOBAL APPEND PROPERTY VFSPROF_PROGRAMS ${name})
endfunction()
