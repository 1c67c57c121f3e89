#include "tools/words/reflex.h"

#include <array>

namespace ctys::tools {

namespace {

constexpr std::string_view say_list = "say list (--all adds what has ended or is ignored)";
constexpr std::string_view say_end = "say shutdown (asks the guest) or kill (cuts the power)";
constexpr std::string_view say_suspend = "say suspend VM: its state to disk, its QEMU ends";
constexpr std::string_view say_events = "say events (--since 10m, --from CURSOR)";
constexpr std::string_view say_files =
    "ctys never deletes or moves a VM: that is a matter of its directory; scan finds the change";
constexpr std::string_view say_plugins = "that is a program of its own";
constexpr std::string_view plugins_command = "ctys-plugins -T QEMU,VNC,X11,CLI -E";

constexpr std::array reflexes = {
    Reflex{"stop", say_end, "ctys shutdown VM"},
    Reflex{"poweroff", say_end, "ctys shutdown VM"},
    Reflex{"halt", say_end, "ctys shutdown VM"},
    Reflex{"destroy", "say kill: it cuts the power; the VM itself stays", "ctys kill VM"},
    Reflex{"ps", say_list, "ctys list"},
    Reflex{"ls", say_list, "ctys list"},
    Reflex{"vms", say_list, "ctys list"},
    Reflex{"dominfo", "say show VM", "ctys show VM"},
    Reflex{"domstate", "say show VM", "ctys show VM"},
    Reflex{"dumpxml", "say show VM -o json", "ctys show VM -o json"},
    Reflex{"info", "say show VM, or status for the mesh", "ctys show VM"},
    Reflex{"inspect", "say show VM", "ctys show VM"},
    Reflex{"describe", "say show VM", "ctys show VM"},
    Reflex{"get", "say list, or show VM", "ctys list"},
    Reflex{"run", "say start VM", "ctys start VM"},
    Reflex{"create",
           "say start VM, or in the original's words: ctys -t QEMU -a create=l:VM",
           "ctys start VM"},
    Reflex{"boot", "say start VM", "ctys start VM"},
    Reflex{"restart", "say reboot VM (the guest is asked) or reset VM (at once)", "ctys reboot VM"},
    Reflex{"freeze", "say pause VM", "ctys pause VM"},
    Reflex{"managedsave", say_suspend, "ctys suspend VM"},
    Reflex{"hibernate", say_suspend, "ctys suspend VM"},
    Reflex{"unpause", "say resume VM", "ctys resume VM"},
    Reflex{"cont", "say resume VM", "ctys resume VM"},
    Reflex{"attach", "say console VM", "ctys console VM"},
    Reflex{"log", "say logs VM", "ctys logs VM"},
    Reflex{"journal", say_events, "ctys events --since 10m"},
    Reflex{"watch", say_events, "ctys events"},
    Reflex{"monitor", say_events, "ctys events"},
    Reflex{"event", say_events, "ctys events"},
    Reflex{"hosts", "say workers", "ctys workers"},
    Reflex{"nodes", "say workers", "ctys workers"},
    Reflex{"node", "say worker show W", "ctys worker show W"},
    Reflex{"tasks", "say actions", "ctys actions"},
    Reflex{"jobs", "say actions", "ctys actions"},
    Reflex{"pools", "say pool list", "ctys pool list"},
    Reflex{"plugins", say_plugins, plugins_command},
    Reflex{"plugin", say_plugins, plugins_command},
    Reflex{"rm", say_files, "ctys scan"},
    Reflex{"undefine", say_files, "ctys scan"},
    Reflex{"delete", say_files, "ctys scan"},
    Reflex{"define",
           "ctys finds VM directories by itself: ctys pool list, then ctys scan",
           "ctys pool list"},
    Reflex{"migrate",
           "live migration is not built; a stopped VM starts wherever it has a path",
           "ctys start VM --on WORKER"},
    Reflex{"uri", "say doctor: it names the broker that is used", "ctys doctor"},
    Reflex{"version", "say ctys --version", "ctys --version"},
};

constexpr std::array absent = {
    Absent{"top", "not built yet: CPU and memory by VM", "ctys list --watch"},
    Absent{"metrics", "not built yet: figures in the Prometheus format", "ctys status -o json"},
    Absent{"join", "not built yet: one-use tokens for new agents", "ctys keys generate"},
};

} // namespace

std::span<const Reflex> all_reflexes() {
    return reflexes;
}

std::optional<Reflex> reflex(std::string_view word) {
    for (const auto& row : reflexes) {
        if (row.word == word) return row;
    }
    return std::nullopt;
}

std::optional<Absent> absent_verb(std::string_view word) {
    for (const auto& row : absent) {
        if (row.verb == word) return row;
    }
    return std::nullopt;
}

} // namespace ctys::tools
