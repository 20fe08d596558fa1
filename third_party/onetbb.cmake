find_package(TBB 2021.8 REQUIRED)
