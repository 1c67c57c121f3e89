#include "agent/shell/owner_programs.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <unistd.h>

namespace ctys::agent {

namespace {

bool is_there(const std::string& program) {
    if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
    const char* path = std::getenv("PATH");
    for (const auto folder : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
        const auto file = fmt::format("{}/{}", folder.empty() ? "." : folder, program);
        if (::access(file.c_str(), X_OK) == 0) return true;
    }
    return false;
}

} // namespace

void find_programs(OwnerCommands& commands) {
    for (auto& [owner, command] : commands) {
        command.found = command.words.empty() || is_there(command.words.front());
    }
}

Status check_pidfile(const std::string& pidfile, std::uint32_t pid) {
    std::ifstream file(pidfile);
    std::uint32_t written = 0;
    if (file >> written && written == pid) return {};
    return fail(ErrorCode::Refused,
                fmt::format("{} does not name process {}: it is not what it calls itself",
                            printable(pidfile),
                            pid));
}

} // namespace ctys::agent
