# SPDX-License-Identifier: ISC
# How everything is compiled: language, warnings, optimisation, sanitizers.

option(IRONHOUSE_WERROR "Warnings are errors" OFF)
option(IRONHOUSE_LTO "Optimise the shared library across files when linking (gcc, Release)" ON)
set(IRONHOUSE_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG" CACHE STRING "" FORCE)
set(CMAKE_C_FLAGS_DEBUG "-Og -g" CACHE STRING "" FORCE)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -fno-strict-aliasing)
if(IRONHOUSE_WERROR)
    add_compile_options(-Werror)
endif()

# RUNPATH, not RPATH: LD_LIBRARY_PATH must be able to put another libzmq below a test or a tool.
add_link_options(-Wl,--enable-new-dtags)

if(IRONHOUSE_SANITIZE)
    add_compile_options(-fsanitize=${IRONHOUSE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
    add_link_options(-fsanitize=${IRONHOUSE_SANITIZE})
else()
    add_compile_options(-fstack-protector-strong -fno-plt -fno-semantic-interposition)
    add_compile_options($<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
    add_link_options(-Wl,-z,relro,-z,now)
endif()

