# Installs the build in `build` below `work`, then configures, builds and runs a project that knows only the prefix.
#   cmake -D build=DIR -D work=DIR -D compiler=CXX -P run.cmake
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${work})
run(${CMAKE_COMMAND} --install ${build} --prefix ${work}/prefix)
foreach(program vfsprof vfsprof-mount)
  if(NOT EXISTS ${work}/prefix/bin/${program})
    message(FATAL_ERROR "bin/${program} was not installed")
  endif()
endforeach()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${work}/consumer -G Ninja
  -D CMAKE_PREFIX_PATH=${work}/prefix -D CMAKE_CXX_COMPILER=${compiler})
run(${CMAKE_COMMAND} --build ${work}/consumer)
run(${work}/consumer/consumer)
file(REMOVE_RECURSE ${work})
