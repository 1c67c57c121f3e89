#include "agent/survey/requisites.h"

#include "mesh/core/text.h"
#include "mesh/loop/unique_fd.h"

#include <fmt/ranges.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace ctys::agent {

namespace {

constexpr std::size_t most_fact = 250; // as the wire has it

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : value;
}

Requisite look_for(const WantedProgram& wanted, const std::vector<std::string>& folders) {
    for (const auto program : wanted.programs) {
        for (const auto& folder : folders) {
            const auto path = fmt::format("{}/{}", folder, program);
            struct stat facts {};
            if (::stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
            if (::access(path.c_str(), X_OK) == 0)
                return {std::string{wanted.name}, true, printable(path, most_fact)};
        }
    }
    return {std::string{wanted.name},
            false,
            fmt::format("no {} in PATH", fmt::join(wanted.programs, ", "))};
}

/// Nothing where somebody answers at it.
std::string why_no_answer(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return "its path is too long for a socket";
    std::memcpy(address.sun_path, path.c_str(), path.size());
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0)
        return errno == ENOENT ? std::string{"does not exist"} : std::strerror(errno);
    if (!S_ISSOCK(facts.st_mode)) return "is no socket";
    const loop::UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (socket.value() < 0) return std::strerror(errno);
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.value(), where, sizeof address) == 0 || errno == EAGAIN) return {};
    if (errno == ECONNREFUSED) return "nobody listens at it";
    if (errno == EACCES) return "this user may not use it";
    return std::strerror(errno);
}

Requisite look_at_socket(std::string name, const std::string& path) {
    const auto why = why_no_answer(path);
    if (why.empty()) return {std::move(name), true, printable(path, most_fact)};
    return {std::move(name), false, printable(fmt::format("{} {}", path, why), most_fact)};
}

} // namespace

const std::vector<WantedProgram>& wanted_programs() {
    static const std::vector<WantedProgram> wanted{
        {"bash", {"bash"}},
        {"ssh", {"ssh"}},
        {"vncviewer",
         {"vncviewer", "xtigervncviewer", "xtightvncviewer", "gvncviewer", "remote-viewer"}},
        {"vncserver", {"vncserver", "tigervncserver", "tightvncserver", "Xvnc"}},
        {"xterm", {"xterm", "gnome-terminal", "konsole", "xfce4-terminal", "x-terminal-emulator"}},
        {"vde_switch", {"vde_switch"}},
        {"unixterm", {"unixterm"}},
        {"vdeq", {"vdeq"}},
        {"ctys-setupVDE", {"ctys-setupVDE"}},
    };
    return wanted;
}

std::string user_name() {
    std::array<char, 8192> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    const auto uid = ::geteuid();
    if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
        return entry.pw_name;
    return std::to_string(uid);
}

RequisitePlaces requisite_places() {
    RequisitePlaces places{.folders = {},
                           .user = user_name(),
                           .switch_folder = variable("QEMUSOCK"),
                           .switch_management = variable("QEMUMGMT"),
                           .display = variable("DISPLAY")};
    const auto path = variable("PATH");
    for (const auto folder : split(path, ':')) {
        if (folder.starts_with('/')) places.folders.emplace_back(folder);
    }
    // The original's place for VDE (CTYS-REFERENCE 1.9), and where services have no PATH.
    for (const auto* folder :
         {"/opt/vde/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"})
        places.folders.emplace_back(folder);
    return places;
}

std::vector<Requisite> look_for_requisites(const RequisitePlaces& places) {
    std::vector<Requisite> out;
    for (const auto& wanted : wanted_programs())
        out.push_back(look_for(wanted, places.folders));
    const auto or_default = [&](const std::string& given, std::string_view stem) {
        return given.empty() ? fmt::format("/var/tmp/{}.{}", stem, places.user) : given;
    };
    out.push_back(
        look_at_socket("QEMUSOCK", or_default(places.switch_folder, "vde_switch0") + "/ctl"));
    out.push_back(look_at_socket("QEMUMGMT", or_default(places.switch_management, "vde_mgmt0")));
    out.push_back(
        {"DISPLAY",
         !places.display.empty(),
         places.display.empty() ? "DISPLAY is not set" : printable(places.display, most_fact)});
    return out;
}

} // namespace ctys::agent
