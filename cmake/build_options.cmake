# The one place that knows compiler flags: everything links ctys_build_options.
option(CTYS_WERROR "Treat warnings as errors" ON)
option(CTYS_UNITY "Compile the files of a target several at a time" OFF)
set(CTYS_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=..., empty for none")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)

add_library(ctys_build_options INTERFACE)
target_compile_options(ctys_build_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
    # Designated initialisers name what differs from the defaults; the rest is meant to be left out.
    -Wno-missing-field-initializers
    $<$<BOOL:${CTYS_WERROR}>:-Werror>
    # Object files of two checkouts are equal, so that ccache serves every worktree.
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
target_include_directories(ctys_build_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(ctys_build_options INTERFACE CTYS_VERSION="${PROJECT_VERSION}")

if(CTYS_SANITIZE)
    # What is tested is built with every sanitizer. The tests' own code goes without the one for
    # undefined behaviour, which makes it take nearly twice as long to compile.
    string(REPLACE ",undefined" "" sanitize_tests "${CTYS_SANITIZE}")
    string(REPLACE "," "$<COMMA>" sanitize "${CTYS_SANITIZE}")
    target_compile_options(ctys_build_options INTERFACE
        -fsanitize=$<IF:$<BOOL:$<TARGET_PROPERTY:CTYS_TEST_CODE>>,${sanitize_tests},${sanitize}>
        -fno-omit-frame-pointer -fno-sanitize-recover=all)
    # Nor is it optimised, where it is not a simulation: most of it runs once.
    target_compile_options(ctys_build_options INTERFACE
        $<$<STREQUAL:$<TARGET_PROPERTY:CTYS_TEST_CODE>,ON>:-O0>)
    if(CTYS_SANITIZE MATCHES "address")
        # The stack of a test's own code is full of what assertions leave there: not watched, a long
        # test compiles in three quarters of the time. Heap, leaks and all that is tested still are.
        if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
            set(no_stack --param=asan-stack=0)
        else()
            set(no_stack "SHELL:-mllvm -asan-stack=0")
        endif()
        target_compile_options(ctys_build_options INTERFACE
            "$<$<BOOL:$<TARGET_PROPERTY:CTYS_TEST_CODE>>:${no_stack}>")
    endif()
    target_link_options(ctys_build_options INTERFACE -fsanitize=${CTYS_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CTYS_SANITIZE MATCHES "undefined|thread")
    # g++ 12 reports uninitialised members of std::optional and std::variant that no path reads.
    target_compile_options(ctys_build_options INTERFACE -Wno-maybe-uninitialized)
endif()

if(CTYS_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It takes the files that are included for headers.
    target_compile_options(ctys_build_options INTERFACE -Wno-subobject-linkage)
endif()

find_program(CTYS_CCACHE ccache)
if(CTYS_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
        CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
        ${CTYS_CCACHE})
endif()
find_program(CTYS_MOLD mold)
if(CTYS_MOLD)
    add_link_options(-fuse-ld=mold)
endif()
