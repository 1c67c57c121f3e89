// ctys-probe PID...: prints what /proc says about these processes, one record after the other, as
// agent/discovery/probe_record.h describes. Meant to be run, and killed, by the agent.

#include "agent/probe/process_reading.h"

#include <charconv>
#include <cstdio>
#include <cstring>

int main(int count, char** arguments) {
    if (count < 2) {
        std::fputs("usage: ctys-probe PID...\n", stderr);
        return 2;
    }
    ctys::agent::ProcessReading reading;
    for (int i = 1; i < count; ++i) {
        std::uint32_t pid = 0;
        const auto* end = arguments[i] + std::strlen(arguments[i]);
        const auto [at, error] = std::from_chars(arguments[i], end, pid);
        if (error != std::errc{} || at != end) {
            std::fprintf(stderr, "ctys-probe: not a pid: %s\n", arguments[i]);
            return 2;
        }
        const auto record = ctys::agent::encode_probe_record(reading.read(pid));
        // Each record leaves at once: the next process may never answer.
        if (std::fwrite(record.data(), 1, record.size(), stdout) != record.size()) return 1;
        if (std::fflush(stdout) != 0) return 1;
    }
    return 0;
}
