#include "mesh/qemu/owner_handle.h"

#include "mesh/core/text.h"
#include "mesh/qemu/command_line.h"
#include "mesh/qemu/option_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::qemu {

namespace {

constexpr std::size_t looked_at = 4096; // arguments, as parse() does

std::string_view without_var(std::string_view path) {
    constexpr std::string_view alias = "/var";
    if (path.starts_with("/var/run/")) path.remove_prefix(alias.size());
    return path;
}

OwnerHandle of_proxmox(const QemuCommandLine& line) {
    constexpr std::size_t most_digits = 9; // Proxmox: 100 to 999999999
    const auto& id = line.id;
    if (!parse_number(id) || id.starts_with('0') || id.size() > most_digits) return {};
    auto pidfile = fmt::format("/run/qemu-server/{}.pid", id);
    if (without_var(line.pidfile) != pidfile) return {};
    OwnerHandle out;
    out.vmid = id;
    out.pidfile = std::move(pidfile);
    return out;
}

OwnerHandle of_incus(const QemuCommandLine& line) {
    // Where Incus keeps it: below its run directory, in older ones below its logs.
    for (const std::string_view place : {"/run/incus/", "/var/log/incus/"}) {
        const auto path =
            place.starts_with("/run/") ? without_var(line.pidfile) : std::string_view{line.pidfile};
        if (!path.starts_with(place)) continue;
        const auto rest = path.substr(place.size());
        const auto folder = rest.substr(0, rest.find('/'));
        // Instances have no '_' in their names, projects of older versions may.
        const auto at = folder.rfind('_');
        const auto instance = at == std::string_view::npos ? folder : folder.substr(at + 1);
        const auto project =
            at == std::string_view::npos ? std::string_view{"default"} : folder.substr(0, at);
        const bool agrees = instance == line.name && is_label(instance) && is_label(project);
        if (!agrees || rest.substr(folder.size()) != "/qemu.pid") return {};
        OwnerHandle out;
        out.project = project;
        out.instance = instance;
        out.pidfile = path;
        return out;
    }
    return {};
}

OwnerHandle of_libvirt(const QemuCommandLine& line, std::span<const std::string> argv) {
    const auto any_has = [&](std::string_view part) {
        const auto bounded = argv.first(std::min(argv.size(), looked_at));
        return std::any_of(bounded.begin(), bounded.end(), [&](const std::string& argument) {
            return argument.find(part) != std::string::npos;
        });
    };
    OwnerHandle out;
    // A daemon of one user keeps its files in that user's home.
    if (any_has("/libvirt/qemu/lib/domain-") && !any_has("/var/lib/libvirt/qemu/domain-")) {
        out.connection = "qemu:///session";
        return out;
    }
    const auto& name = line.name;
    const bool is_file_name = !name.empty() && name.size() < 200 && is_utf8(name) &&
                              printable(name) == name && name.find('/') == std::string::npos;
    if (!is_file_name) return out;
    out.connection = "qemu:///system";
    out.pidfile = fmt::format("/run/libvirt/qemu/{}.pid", name);
    out.log = fmt::format("/var/log/libvirt/qemu/{}.log", name);
    return out;
}

} // namespace

OwnerHandle owner_handle(Owner owner, std::span<const std::string> argv) {
    if (owner == Owner::Proxmox) return of_proxmox(parse(argv));
    if (owner == Owner::Incus) return of_incus(parse(argv));
    if (owner == Owner::Libvirt) return of_libvirt(parse(argv), argv);
    return {};
}

} // namespace ctys::qemu
