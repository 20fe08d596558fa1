# vfsprof_add_test(NAME [EXCLUSIVE] [LABEL ...] [TIMEOUT s] SOURCES ... LIBRARIES ...): a GoogleTest program, one CTest test per
# case. EXCLUSIVE: each case runs alone, because it observes what others would disturb.
# A case that cannot run here calls GTEST_SKIP() with its reason; CTest lists and counts it as skipped.
include(GoogleTest)

function(vfsprof_add_test name)
  cmake_parse_arguments(arg "EXCLUSIVE" "LABEL;TIMEOUT" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE vfsprof_options ${arg_LIBRARIES} GTest::gtest_main)
  target_compile_options(${name} PRIVATE ${VFSPROF_COLD_CODE})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(properties TIMEOUT ${arg_TIMEOUT})
  if(arg_EXCLUSIVE)
    list(APPEND properties RUN_SERIAL TRUE)
  endif()
  if(arg_LABEL)
    list(APPEND properties LABELS ${arg_LABEL})  # one: gtest_discover_tests() flattens a list
    if(NOT TARGET ${arg_LABEL}_tests)
      add_custom_target(${arg_LABEL}_tests)  # what scripts/test builds for -L LABEL
    endif()
    add_dependencies(${arg_LABEL}_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()
