# SPDX-License-Identifier: ISC
# libzmq from src/<module>/*.c: the objects once, then the shared and the static library from them. Unit tests link the
# static one, where every internal name can be reached.

file(GLOB library_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*/*.c)
list(FILTER library_sources EXCLUDE REGEX "_test\\.c$")
set(public_header ${CMAKE_SOURCE_DIR}/include/zmq.h)

add_library(zmq-objects OBJECT ${library_sources} ${public_header})
set_target_properties(zmq-objects PROPERTIES LINKER_LANGUAGE C)
target_include_directories(zmq-objects PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
# The library works with the options that a stable zmq.h hides.
target_compile_definitions(zmq-objects PRIVATE ZMQ_BUILD_DRAFT_API)
target_link_libraries(zmq-objects PRIVATE PkgConfig::SODIUM Threads::Threads)

add_library(libzmq SHARED ${public_header} $<TARGET_OBJECTS:zmq-objects>)
add_library(libzmq-static STATIC ${public_header} $<TARGET_OBJECTS:zmq-objects>)

foreach(target IN ITEMS libzmq libzmq-static)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME zmq LINKER_LANGUAGE C)
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} PRIVATE
        $<BUILD_INTERFACE:PkgConfig::SODIUM> $<INSTALL_INTERFACE:sodium> Threads::Threads)
endforeach()

set_target_properties(libzmq PROPERTIES VERSION 5.2.5 SOVERSION 5 LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/libzmq.map)
# nodelete: a thread that used the library keeps blocks (base/block.c) and a descriptor (platform/poller.c), which it gives
# back when it ends. A dlclose before that would take away the code that does it, and the thread would crash.
target_link_options(libzmq PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/libzmq.map -Wl,-z,nodelete)
# A message passes a dozen small functions in as many files: across them the compiler saves a tenth of the instructions.
# The objects carry ordinary code too, which is what the static library's users and the tests link.
if(IRONHOUSE_LTO AND CMAKE_C_COMPILER_ID STREQUAL GNU AND CMAKE_BUILD_TYPE STREQUAL Release AND NOT IRONHOUSE_SANITIZE)
    target_compile_options(zmq-objects PRIVATE -flto=auto -ffat-lto-objects)
    target_link_options(libzmq PRIVATE -flto=auto -O2)
    # Else each of the tests' hundred programs would be optimised across files again, for two seconds each.
    target_link_options(libzmq-static INTERFACE $<BUILD_INTERFACE:-fno-lto>)
endif()
if(NOT IRONHOUSE_SANITIZE)
    target_link_options(libzmq PRIVATE -Wl,-z,defs)
endif()
