#include "mesh/qemu/command_line.h"
#include "mesh/qemu/option_text.h"

#include <algorithm>
#include <array>

namespace ctys::qemu {

namespace {

constexpr std::string_view our_monitor = "ctysqmp";
constexpr std::string_view our_socket = "/qmp.sock";

bool any_argument_has(std::span<const std::string> argv, std::span<const std::string_view> parts) {
    constexpr std::size_t looked_at = 4096;
    const auto bounded = argv.first(std::min(argv.size(), looked_at));
    return std::any_of(bounded.begin(), bounded.end(), [&](const std::string& argument) {
        const auto text = std::string_view{argument}.substr(0, 64 * looked_at);
        return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
            return text.find(part) != std::string_view::npos;
        });
    });
}

// Places that only the daemon in question makes files in.
constexpr auto libvirt_places = std::to_array<std::string_view>({
    "/var/lib/libvirt/qemu/",
    "/run/libvirt/qemu/",
    "/libvirt/qemu/lib/domain-",
    "id=charmonitor",
    "\"id\":\"masterKey0\"",
    "secret,id=masterKey0",
});
constexpr auto proxmox_places = std::to_array<std::string_view>({"/var/run/qemu-server/"});
constexpr auto incus_places = std::to_array<std::string_view>({
    "/run/incus/",
    "/var/log/incus/",
    "/var/lib/incus/",
    "/run/lxd/",
    "/var/log/lxd/",
    "/var/snap/lxd/",
});

} // namespace

std::string instance_directory(const QemuCommandLine& line) {
    for (const auto& monitor : line.monitors) {
        const bool ours = monitor.chardev == our_monitor && monitor.path.ends_with(our_socket);
        if (ours) return monitor.path.substr(0, monitor.path.size() - our_socket.size());
    }
    return {};
}

Owner guess_owner(std::span<const std::string> argv) {
    if (argv.empty()) return Owner::Unknown;
    const auto line = parse(argv);
    if (!instance_directory(line).empty()) return Owner::Ctys;
    if (parse_number(line.id) && any_argument_has(argv, proxmox_places)) return Owner::Proxmox;
    if (any_argument_has(argv, libvirt_places)) return Owner::Libvirt;
    if (any_argument_has(argv, incus_places)) return Owner::Incus;
    return Owner::ByHand;
}

} // namespace ctys::qemu
