# cmake --install: the programs, the static libraries with their headers, and the CMake package `vfsprof`, which
# makes vfsprof::vfs, vfsprof::reports and vfsprof::harness known to find_package(vfsprof).
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY VFSPROF_LIBRARIES)
get_property(programs GLOBAL PROPERTY VFSPROF_PROGRAMS)
list(REMOVE_ITEM programs vfsprof-microbench)  # for who works on the tree
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/vfsprof)

if(programs)
  install(TARGETS ${programs} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS ${libraries} EXPORT vfsprof_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(layer vfs reports harness)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
    ${PROJECT_SOURCE_DIR}/${layer}/*.h ${PROJECT_SOURCE_DIR}/${layer}/*.def)
  list(FILTER headers EXCLUDE REGEX "/(tests|bench)/")
  foreach(header IN LISTS headers)
    cmake_path(GET header PARENT_PATH folder)
    install(FILES ${PROJECT_SOURCE_DIR}/${header}
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/vfsprof/${folder})
  endforeach()
endforeach()

install(EXPORT vfsprof_targets NAMESPACE vfsprof:: DESTINATION ${package_folder}
  FILE vfsprof_targets.cmake)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/vfsprof-config.cmake.in
  ${PROJECT_BINARY_DIR}/vfsprof-config.cmake
  INSTALL_DESTINATION ${package_folder}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/vfsprof-config-version.cmake
  COMPATIBILITY SameMinorVersion)
# The dependencies are found by whoever links the static libraries with the same files as here.
file(GLOB dependencies CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/third_party/*.cmake)
list(FILTER dependencies EXCLUDE REGEX "/(googletest|benchmark|boost)\\.cmake$")
install(FILES ${dependencies} DESTINATION ${package_folder}/third_party)
install(FILES
  ${PROJECT_BINARY_DIR}/vfsprof-config.cmake
  ${PROJECT_BINARY_DIR}/vfsprof-config-version.cmake
  DESTINATION ${package_folder})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
