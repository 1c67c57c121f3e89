// Scans a pool once as an agent does at its start: scanner, helper process, watches and marker.
#include "agent/scanner/scanner.h"

#include <fmt/format.h>

#include <cstdio>

int main(int argc, char** argv) {
    using namespace ctys;
    if (argc != 3) {
        std::fputs("usage: bench_scan_pool HELPER POOL\n", stderr);
        return 2;
    }
    loop::EventLoop loop;
    std::size_t found = 0;
    bool ended = false;
    agent::Scanner scanner(
        loop,
        agent::ScannerSettings{.helper = argv[1]},
        {.on_changes = [&](const std::string&,
                           agent::PathChanges changes) { found += changes.size(); },
         .on_pool = [&](const agent::PoolScan&) { ended = true; }});
    if (!scanner.add_pool({.root = argv[2]}, {})) return 1;
    if (!loop.run_until([&] { return ended; }, std::chrono::minutes{5})) return 1;
    fmt::print("found {}\n", found);
    return 0;
}
