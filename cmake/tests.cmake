# SPDX-License-Identifier: ISC
# How a test becomes a ctest. Files are found by name; the functions serve the CMakeLists.txt of tests/, bench/, fuzz/.

# ironhouse_unit_tests(): each src/<module>/<name>_test.c is a program on the static library, "unit/<module>/<name>".
function(ironhouse_unit_tests)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*/*_test.c)
    foreach(source IN LISTS sources)
        get_filename_component(folder ${source} DIRECTORY)
        get_filename_component(module ${folder} NAME)
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "_test$" "" name ${name})
        set(target unit_${module}_${name}_test)
        ironhouse_test_program(${target} unit/${module}/${name} ${source})
        target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src)
        target_compile_definitions(${target} PRIVATE ZMQ_BUILD_DRAFT_API)
        target_link_libraries(${target} PRIVATE libzmq-static PkgConfig::SODIUM)
    endforeach()
endfunction()

# ironhouse_api_tests(<folder>): each tests/<folder>/<name>_test.c is a program on the shared library alone,
# "<folder>/<name>". The folder's other sources, and its headers, are shared by its tests.
function(ironhouse_api_tests folder)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*_test.c)
    file(GLOB shared CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${folder}/*.c)
    list(FILTER shared EXCLUDE REGEX "_test\\.c$")
    foreach(source IN LISTS sources)
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "_test$" "" name ${name})
        set(target ${folder}_${name}_test)
        ironhouse_test_program(${target} ${folder}/${name} ${source} ${shared})
        target_compile_definitions(${target} PRIVATE ZMQ_BUILD_DRAFT_API)
        target_link_libraries(${target} PRIVATE libzmq)
    endforeach()
endfunction()

# ironhouse_test_program(<target> <ctest name> <sources>): a cmocka program, out of the way of build/bin. Its assert()
# counts in release builds too.
function(ironhouse_test_program target name)
    add_executable(${target} ${ARGN})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_compile_options(${target} PRIVATE -UNDEBUG)
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${target} PRIVATE PkgConfig::CMOCKA Threads::Threads)
    add_test(NAME ${name} COMMAND ${target})
endfunction()
