pkg_check_modules(elfutils REQUIRED IMPORTED_TARGET GLOBAL libdw>=0.188)
