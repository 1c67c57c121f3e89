# ctys_library(NAME SOURCES file... [USES target...] [PRIVATE_USES target...])
# A static library of one folder; USES are visible to its users, PRIVATE_USES are not.
function(ctys_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;PRIVATE_USES" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES CTYS_TEST_CODE "${CTYS_TEST_CODE}")
    target_link_libraries(${name} PUBLIC ctys_build_options ${arg_USES} PRIVATE ${arg_PRIVATE_USES})
    ctys_precompile(${name})
endfunction()

# ctys_program(NAME SOURCES file... USES target...): an executable in build/<preset>/bin.
function(ctys_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    set_target_properties(${name} PROPERTIES CTYS_TEST_CODE "${CTYS_TEST_CODE}")
    target_link_libraries(${name} PRIVATE ctys_build_options ${arg_USES})
    ctys_precompile(${name})
endfunction()

# ctys_test(NAME SOURCES file... USES target... [LABELS label...])
# A Catch2 binary whose cases are single ctest entries; cases of one binary may run in parallel.
function(ctys_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;LABELS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
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
        target_precompile_headers(${pch} PRIVATE
            <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <optional> <span>
            <string> <string_view> <unordered_map> <utility> <variant> <vector>
            <fmt/format.h> <tl/expected.hpp> ${more})
    endif()
    target_link_libraries(${name} PRIVATE fmt::fmt tl::expected)
    target_precompile_headers(${name} REUSE_FROM ${pch})
    target_compile_options(${name} PRIVATE -fpch-preprocess)
endfunction()
