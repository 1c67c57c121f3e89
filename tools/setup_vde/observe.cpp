#include "tools/setup_vde/observe.h"

#include "mesh/core/text.h"
#include "mesh/loop/unique_fd.h"
#include "tools/qemu_call/check.h"
#include "tools/setup_vde/as_user.h"
#include "tools/setup_vde/commands.h"
#include "tools/setup_vde/link_text.h"
#include "tools/setup_vde/processes.h"
#include "tools/setup_vde/switch_files.h"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <map>
#include <memory>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ctys::vde {

namespace {

const passwd* entry_of(const std::string& user) {
    if (user.empty()) return ::getpwuid(::getuid());
    if (const auto* entry = ::getpwnam(user.c_str())) return entry;
    uid_t uid = 0;
    const auto [end, failure] = std::from_chars(user.data(), user.data() + user.size(), uid);
    const bool number = failure == std::errc{} && end == user.data() + user.size();
    return number ? ::getpwuid(uid) : nullptr;
}

Result<gid_t> group_of(const std::string& name) {
    const auto* entry = ::getgrnam(name.c_str());
    if (entry != nullptr) return entry->gr_gid;
    return fail(ErrorCode::NotFound, fmt::format("there is no group {}", printable(name)));
}

std::string name_of_group(gid_t gid) {
    const auto* entry = ::getgrgid(gid);
    return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

std::string why_no_tun(const Account& account) {
    const AsUser as_user{account.uid, account.gid};
    const loop::UniqueFd device{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
    return device.is_open() ? std::string{} : std::string{std::strerror(errno)};
}

Status look_at_network(loop::EventLoop& loop, Observed& machine) {
    const auto shown = run_program(loop, {"ip", "-json", "-details", "address", "show"});
    if (!shown) return tl::unexpected(shown.error());
    auto links = parse_links(*shown);
    if (!links) return tl::unexpected(links.error());
    machine.links = std::move(*links);
    for (const bool ipv6 : {false, true}) {
        const auto table = run_program(loop, {"ip", ipv6 ? "-6" : "-4", "-json", "route", "show"});
        // A kernel without IPv6 has no such routes.
        if (!table && ipv6) continue;
        if (!table) return tl::unexpected(table.error());
        auto routes = parse_routes(*table, ipv6);
        if (!routes) return tl::unexpected(routes.error());
        machine.routes.insert(machine.routes.end(), routes->begin(), routes->end());
    }
    return {};
}

// Over ssh: what ssh says of itself, and, as sudo takes that away, what the processes above have
// open.
std::vector<std::string> connections_above() {
    std::vector<std::string> out;
    if (const char* ssh = std::getenv("SSH_CONNECTION")) {
        const auto words = split(ssh, ' ');
        if (words.size() == 4) out.emplace_back(words[2]);
    }
    const auto sockets = sockets_above();
    for (const auto* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
        for (auto& address : local_addresses(read_proc(table), sockets)) {
            out.push_back(std::move(address));
        }
    }
    return out;
}

std::string mode_text(mode_t mode) {
    std::string text = S_ISDIR(mode) ? "d" : S_ISSOCK(mode) ? "s" : "-";
    constexpr std::string_view letters = "rwxrwxrwx";
    for (std::size_t i = 0; i < letters.size(); ++i) {
        text += (mode & (0400U >> i)) != 0 ? letters[i] : '-';
    }
    if ((mode & S_ISGID) != 0) text[6] = text[6] == 'x' ? 's' : 'S';
    return text;
}

// Names in the folder of the default paths, as far as they are those of switches.
std::vector<qemu::VdePaths> default_places() {
    const auto stem = qemu::default_vde_paths("").data;
    const auto slash = stem.rfind('/');
    const auto folder = stem.substr(0, slash);
    const auto prefix = stem.substr(slash + 1);
    std::vector<qemu::VdePaths> out;
    DIR* open = ::opendir(folder.c_str());
    while (const dirent* entry = open == nullptr ? nullptr : ::readdir(open)) {
        const std::string_view name{static_cast<const char*>(entry->d_name)};
        if (name.starts_with(prefix) && name.size() > prefix.size())
            out.push_back(qemu::default_vde_paths(name.substr(prefix.size())));
    }
    if (open != nullptr) ::closedir(open);
    return out;
}

Listed look_at_listed(const qemu::VdePaths& paths, const std::vector<Link>& links) {
    Listed out{.paths = paths};
    struct stat status {};
    if (::lstat(paths.data.c_str(), &status) == 0) {
        out.owner = {.uid = status.st_uid, .gid = status.st_gid};
        out.group = name_of_group(status.st_gid);
        out.mode = mode_text(status.st_mode);
    }
    for (const auto& link : links) {
        if (paths_of_alias(link.alias) != paths) continue;
        out.tap = link.name;
        out.bridge = link.master;
        // The owner of a switch whose files are gone is in the name of its TAP.
        if (out.mode.empty() && link.name.starts_with("ctys")) {
            const auto digits = std::string_view{link.name}.substr(4);
            std::from_chars(digits.data(), digits.data() + digits.size(), out.owner.uid);
        }
    }
    const auto* entry = ::getpwuid(out.owner.uid);
    out.owner.name = entry == nullptr ? std::to_string(out.owner.uid) : entry->pw_name;
    out.vde = look_at_switch(paths, out.owner);
    out.sockets = sockets_of_switch(paths.data);
    return out;
}

} // namespace

Result<Account> find_account(const std::string& user, const std::string& group) {
    const auto* entry = entry_of(user);
    std::string asked_group = group;
    const auto dot = user.rfind('.');
    if (entry == nullptr && dot != std::string::npos && dot > 0) {
        entry = entry_of(user.substr(0, dot));
        if (group.empty()) asked_group = user.substr(dot + 1);
    }
    if (entry == nullptr)
        return fail(ErrorCode::NotFound, fmt::format("there is no user {}", printable(user)));
    Account account{
        .uid = entry->pw_uid, .gid = entry->pw_gid, .name = entry->pw_name, .home = entry->pw_dir};
    if (asked_group.empty()) return account;
    const auto gid = group_of(asked_group);
    if (!gid) return tl::unexpected(gid.error());
    account.gid = *gid;
    return account;
}

Result<Observed> observe(loop::EventLoop& loop, const Request& request) {
    auto account = find_account(request.user, request.group);
    if (!account) return tl::unexpected(account.error());
    Observed machine{.account = std::move(*account), .is_root = ::geteuid() == 0};
    if (!has_program("vde_switch")) machine.missing_packages.emplace_back("vde2");
    if (!has_program("ip")) {
        machine.missing_packages.emplace_back("iproute2");
    } else if (auto looked = look_at_network(loop, machine); !looked) {
        return tl::unexpected(looked.error());
    }
    machine.paths = resolve_paths(request, machine);
    if (auto fine = qemu::check_vde_data(machine.paths.data); !fine)
        return tl::unexpected(fine.error());
    machine.vde = look_at_switch(machine.paths, machine.account);
    // As somebody else only root can try.
    if (machine.is_root || machine.account.uid == ::geteuid())
        machine.why_no_tun = why_no_tun(machine.account);
    machine.connections = connections_above();
    machine.program_is_remote = call::is_on_shared_storage("/proc/self/exe");
    return machine;
}

Result<std::vector<Listed>> list_switches(loop::EventLoop& loop) {
    Observed machine;
    if (has_program("ip")) {
        if (auto looked = look_at_network(loop, machine); !looked)
            return tl::unexpected(looked.error());
    }
    std::map<std::string, qemu::VdePaths> places; // by folder
    for (const auto& paths : default_places()) {
        places.emplace(paths.data, paths);
    }
    for (const auto& link : machine.links) {
        if (const auto paths = paths_of_alias(link.alias))
            places.insert_or_assign(paths->data, *paths);
    }
    std::vector<Listed> out;
    out.reserve(places.size());
    for (const auto& [data, paths] : places) {
        out.push_back(look_at_listed(paths, machine.links));
    }
    return out;
}

} // namespace ctys::vde
