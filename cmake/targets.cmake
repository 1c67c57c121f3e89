# ctys_together(OUT NAME file...): what the target NAME compiles instead of its files, if CTYS_UNITY is on.
# Files of one folder have most of their headers in common: ten at a time take a third of the time.
# Not CMake's own unity build: that one names files by absolute paths, and ccache would serve one checkout.
function(ctys_together out name)
    set(${out} ${ARGN} PARENT_SCOPE)
    list(LENGTH ARGN count)
    if(NOT CTYS_UNITY OR count LESS 2)
        return()
    endif()
    file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    set(batches)
    math(EXPR last "(${count} - 1) / 10")
    foreach(number RANGE ${last})
        math(EXPR first "10 * ${number}")
        list(SUBLIST ARGN ${first} 10 batch)
        list(TRANSFORM batch REPLACE "(.+)" "#include \"${folder}/\\1\"\n")
        list(JOIN batch "" text)
        set(path ${CMAKE_CURRENT_BINARY_DIR}/${name}_together_${number}.cpp)
        file(CONFIGURE OUTPUT ${path} CONTENT "${text}")
        list(APPEND batches ${path})
    endforeach()
    set(${out} ${batches} PARENT_SCOPE)
endfunction()

# ctys_library(NAME SOURCES file... [USES target...] [PRIVATE_USES target...])
# A static library of one folder; USES are visible to its users, PRIVATE_USES are not.
function(ctys_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;PRIVATE_USES" ${ARGN})
    ctys_together(files ${name} ${arg_SOURCES})
    add_library(${name} STATIC ${files})
    set_target_properties(${name} PROPERTIES CTYS_TEST_CODE "${CTYS_TEST_CODE}")
    target_link_libraries(${name} PUBLIC ctys_build_options ${arg_USES} PRIVATE ${arg_PRIVATE_USES})
    ctys_precompile(${name})
endfunction()

# ctys_program(NAME SOURCES file... USES target...): an executable in build/<preset>/bin.
function(ctys_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
    ctys_together(files ${name} ${arg_SOURCES})
    add_executable(${name} ${files})
    set_target_properties(${name} PROPERTIES CTYS_TEST_CODE "${CTYS_TEST_CODE}")
    target_link_libraries(${name} PRIVATE ctys_build_options ${arg_USES})
    ctys_precompile(${name})
    list(LENGTH arg_SOURCES count)
    if(CTYS_SANITIZE AND count EQUAL 1 AND NOT CTYS_TEST_CODE STREQUAL "ON")
        # Nothing but a command line that is read once: not optimised, CLI11 compiles in half the time.
        set_source_files_properties(${arg_SOURCES} PROPERTIES COMPILE_OPTIONS -O0 SKIP_PRECOMPILE_HEADERS ON)
    endif()
endfunction()

# ctys_test(NAME SOURCES file... USES target... [LABELS label...])
# A Catch2 binary whose cases are single ctest entries; cases of one binary may run in parallel.
function(ctys_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LABELS" ${ARGN})
    ctys_together(files ${name} ${arg_SOURCES})
    add_executable(${name} ${files})
    set_target_properties(${name} PROPERTIES CTYS_TEST_CODE "${CTYS_TEST_CODE}")
    target_link_libraries(${name} PRIVATE ctys_build_options ctys_catch_main ${arg_USES})
    ctys_precompile(${name})
    set(alone)
    if("real" IN_LIST arg_LABELS)
        set(alone RESOURCE_LOCK mesh) # agents of other tests would find its QEMUs
    endif()
    catch_discover_tests(${name} TEST_PREFIX "${name}: " PROPERTIES LABELS "${arg_LABELS}" ${alone})
endfunction()

# fmt, tl::expected and the containers are in every file; reading them once halves the build.
function(ctys_precompile name)
    if(CTYS_TEST_CODE STREQUAL "SIMULATION")
        target_link_libraries(${name} PRIVATE fmt::fmt tl::expected)
        return() # optimised, which the header of the tests is not
    endif()
    set(pch ctys_pch)
    set(more)
    set(more_uses)
    if(CTYS_TEST_CODE)
        set(pch ctys_pch_tests) # other sanitizers, another header
        set(more <catch2/catch.hpp>)
        set(more_uses Catch2::Catch2)
    endif()
    if(NOT TARGET ${pch})
        file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "// Carries the precompiled header.\n")
        add_library(${pch} STATIC ${CMAKE_BINARY_DIR}/pch.cpp)
        set_target_properties(${pch} PROPERTIES CTYS_TEST_CODE "${CTYS_TEST_CODE}")
        target_link_libraries(${pch} PUBLIC ctys_build_options fmt::fmt tl::expected ${more_uses})
        if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
            # It knows its headers by path and time: one from the cache is of another checkout, or stale.
            set_target_properties(${pch} PROPERTIES CXX_COMPILER_LAUNCHER "")
        endif()
        target_precompile_headers(${pch} PRIVATE
            <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <span>
            <string> <string_view> <unordered_map> <utility> <variant> <vector>
            <fmt/format.h> <tl/expected.hpp> ${more})
    endif()
    target_link_libraries(${name} PRIVATE fmt::fmt tl::expected)
    target_precompile_headers(${name} REUSE_FROM ${pch})
    target_compile_options(${name} PRIVATE -fpch-preprocess)
endfunction()
