pkg_check_modules(libfuse3 REQUIRED IMPORTED_TARGET GLOBAL fuse3>=3.14)
