find_package(fmt 9.1 REQUIRED)
