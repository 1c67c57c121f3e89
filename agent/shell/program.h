#pragma once

#include <string>
#include <vector>

namespace ctys::agent {

/// The command line of ctys-agent; empty texts were not given.
struct ProgramOptions {
    std::string state_dir;
    std::string runtime_dir;
    std::string config;
    std::string name;
    std::vector<std::string> pools;
    std::string broker;
    std::string key;
    std::string broker_key;
    std::string log_level;
    std::string on_stop;       ///< "leave" or "guests"
    std::string stop_deadline; ///< a duration
    bool print_config = false;
    bool discover = false;
    bool stop_guests = false;
    bool probe = false;
    bool fresh = false; ///< with probe: nothing that was kept is believed
    std::string output;
};

/// Runs until SIGTERM or SIGINT; VMs go on, unless on_stop is "guests". Returns the exit status;
/// throws Fault for what ends it.
int run(const ProgramOptions& options);

} // namespace ctys::agent
