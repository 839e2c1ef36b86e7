# SPDX-License-Identifier: ISC
# What `cmake --install` places: libraries, zmq.h, libzmq.pc, the CMake package ZeroMQ, man pages. tools/ adds its own.

include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ZeroMQ)

install(TARGETS libzmq libzmq-static EXPORT ZeroMQTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_SOURCE_DIR}/include/zmq.h ${CMAKE_SOURCE_DIR}/include/ironhouse.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Relative to the prefix where they can be, so that pkg-config can be told of another prefix.
set(pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    file(RELATIVE_PATH pc_up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    set(pc_prefix "\${pcfiledir}/${pc_up}")
endif()
set(pc_libdir "\${prefix}")
set(pc_includedir "\${prefix}")
cmake_path(APPEND pc_libdir ${CMAKE_INSTALL_LIBDIR})
cmake_path(APPEND pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
configure_file(${CMAKE_SOURCE_DIR}/cmake/libzmq.pc.in ${CMAKE_BINARY_DIR}/libzmq.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/libzmq.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(EXPORT ZeroMQTargets DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/ZeroMQConfig.cmake.in ${CMAKE_BINARY_DIR}/ZeroMQConfig.cmake
    INSTALL_DESTINATION ${package_dir} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ZeroMQConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ZeroMQConfig.cmake ${CMAKE_BINARY_DIR}/ZeroMQConfigVersion.cmake
    DESTINATION ${package_dir})

foreach(section IN ITEMS 1 3 5 7)
    file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.${section})
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
