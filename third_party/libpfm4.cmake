# Debian's libpfm4 carries neither a CMake package nor a pkg-config file.
find_path(libpfm4_INCLUDE_DIR perfmon/pfmlib.h REQUIRED)
find_library(libpfm4_LIBRARY pfm REQUIRED)
if(NOT TARGET libpfm4::libpfm4)
  add_library(libpfm4::libpfm4 UNKNOWN IMPORTED GLOBAL)
  set_target_properties(libpfm4::libpfm4 PROPERTIES
    IMPORTED_LOCATION ${libpfm4_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${libpfm4_INCLUDE_DIR})
endif()
