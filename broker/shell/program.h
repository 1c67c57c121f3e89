#pragma once

#include <string>
#include <vector>

namespace ctys::broker {

/// The command line of ctys-broker; empty texts were not given.
struct ProgramOptions {
    std::string state_dir;
    std::string runtime_dir;
    std::string config;
    std::vector<std::string> mesh;
    std::vector<std::string> feed;
    std::string keys;
    std::string log_level;
    bool print_config = false;
    bool backup = false;
    std::string backup_folder;
};

/// Runs until SIGTERM or SIGINT. Returns the exit status; throws Fault for what ends it.
int run(const ProgramOptions& options);

} // namespace ctys::broker
