# Compiler options for everything gantry builds itself. Interface target: gantry-options.
add_library(gantry-options INTERFACE)

target_compile_definitions(gantry-options INTERFACE _GNU_SOURCE)
target_compile_options(gantry-options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wwrite-strings -Wformat=2 -Wundef -fno-common
  $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
  -fno-omit-frame-pointer -fvisibility=hidden)

if(WERROR)
  target_compile_options(gantry-options INTERFACE -Werror)
endif()

set(GANTRY_SANITIZED OFF)
foreach(pair "ASAN;address" "UBSAN;undefined" "TSAN;thread")
  list(GET pair 0 opt)
  list(GET pair 1 name)
  if(${opt})
    set(GANTRY_SANITIZED ON)
    # Global, not on the interface target: plugins and tests must agree with the host.
    add_compile_options(-fsanitize=${name})
    add_link_options(-fsanitize=${name})
    add_compile_definitions(GN_${opt}=1)
  endif()
endforeach()
if(UBSAN)
  add_compile_options(-fno-sanitize-recover=undefined)
endif()
if(TSAN AND NOT CMAKE_C_COMPILER_ID MATCHES Clang)
  message(FATAL_ERROR "TSAN needs clang: cmake -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14")
endif()
if(GANTRY_SANITIZED)
  add_compile_definitions(GN_SANITIZED=1)
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
endif()
if(COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()
