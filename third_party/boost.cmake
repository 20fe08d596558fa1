find_package(Boost 1.81 REQUIRED)
