# Everything gantry stands on, all from Debian 12 (tools/setup installs them).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.14)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(WEBSOCKETS REQUIRED IMPORTED_TARGET libwebsockets>=4.1)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.88)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(IDN2 REQUIRED IMPORTED_TARGET libidn2>=2.3)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.38) # of the plugin alone

find_path(LTDL_INCLUDE ltdl.h REQUIRED)
find_library(LTDL_LIBRARY ltdl REQUIRED)
add_library(gantry-ltdl INTERFACE)
target_include_directories(gantry-ltdl INTERFACE ${LTDL_INCLUDE})
target_link_libraries(gantry-ltdl INTERFACE ${LTDL_LIBRARY} ${CMAKE_DL_LIBS})
