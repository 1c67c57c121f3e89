# Every third-party library: minimum version, home folder and why. All are Debian 12 packages.
# A header of a library is included in its home folder only (CONTRIBUTING.md, rule A2).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# fmt: text everywhere; nine times faster than a JSON library for lists (docs/adr/0001).
find_package(fmt 9.1 CONFIG REQUIRED)
# tl::expected: Result<T>, until std::expected exists in the language level we compile with.
find_package(tl-expected 1.0 CONFIG REQUIRED)
# xxHash and libuuid: checksums and name-based UUIDs in mesh/core (docs/adr/0002).
pkg_check_modules(xxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8)
pkg_check_modules(uuid REQUIRED IMPORTED_TARGET uuid>=2.38)
# Cap'n Proto: wire and records, in schema/. 0.9.2 is the patched 0.9 (CVE-2022-46149).
find_package(CapnProto 0.9.2 CONFIG REQUIRED)
# libuv: waiting, in mesh/loop.
pkg_check_modules(libuv REQUIRED IMPORTED_TARGET libuv>=1.44)
# ZeroMQ and cppzmq: talking, in mesh/bus.
find_package(cppzmq 4.9 CONFIG REQUIRED)
# LMDB: keeping, in mesh/store.
pkg_check_modules(lmdb REQUIRED IMPORTED_TARGET lmdb>=0.9.24)
# toml++ and spdlog: configuration and logging, in mesh/setup, each in one .cpp.
find_package(tomlplusplus 3.3 CONFIG REQUIRED)
find_package(spdlog 1.10 CONFIG REQUIRED)
# nlohmann/json: parsing QMP (agent/qmp) and answers (tools/).
find_package(nlohmann_json 3.11 CONFIG REQUIRED)
# CLI11: command lines of the programs (tools/ and the main.cpp files).
find_package(CLI11 2.1 CONFIG REQUIRED)
# mimalloc: the memory of ctys-broker, which would else be in fragments (docs/adr/0006). The sanitizers
# bring their own.
if(NOT CTYS_SANITIZE)
    find_package(mimalloc 2.0 CONFIG REQUIRED)
endif()
# Catch2: tests.
find_package(Catch2 2.13 CONFIG REQUIRED)
include(Catch)
