#include "tools/words/reflex.h"

#include <array>

namespace ctys::tools {

namespace {

struct Reflex {
    std::string_view word;
    std::string_view answer;
};

constexpr std::string_view say_list = "say list (--all adds what has ended or is ignored)";
constexpr std::string_view say_show = "say show VM";
constexpr std::string_view say_start = "say start VM";
constexpr std::string_view say_end = "say shutdown (asks the guest) or kill (cuts the power)";
constexpr std::string_view say_events = "say events (--since 10m, --from CURSOR)";
constexpr std::string_view say_files =
    "ctys never deletes or moves a VM: that is a matter of its directory; scan finds the change";

constexpr std::array reflexes = {
    Reflex{"stop", say_end},
    Reflex{"poweroff", say_end},
    Reflex{"halt", say_end},
    Reflex{"destroy", "say kill: it cuts the power; the VM itself stays"},
    Reflex{"ps", say_list},
    Reflex{"ls", say_list},
    Reflex{"vms", say_list},
    Reflex{"dominfo", say_show},
    Reflex{"domstate", say_show},
    Reflex{"dumpxml", "say show VM -o json"},
    Reflex{"info", "say show VM, or status for the mesh"},
    Reflex{"inspect", say_show},
    Reflex{"describe", say_show},
    Reflex{"get", "say list, or show VM"},
    Reflex{"run", say_start},
    Reflex{"create", "say start VM, or in the original's words: ctys -t QEMU -a create=l:VM"},
    Reflex{"boot", say_start},
    Reflex{"restart", "say reboot VM (the guest is asked) or reset VM (at once)"},
    Reflex{"freeze", "say pause VM"},
    Reflex{"managedsave", "say suspend VM: its state to disk, its QEMU ends"},
    Reflex{"hibernate", "say suspend VM: its state to disk, its QEMU ends"},
    Reflex{"unpause", "say resume VM"},
    Reflex{"cont", "say resume VM"},
    Reflex{"attach", "say console VM"},
    Reflex{"log", "say logs VM"},
    Reflex{"journal", say_events},
    Reflex{"watch", say_events},
    Reflex{"monitor", say_events},
    Reflex{"event", say_events},
    Reflex{"hosts", "say workers"},
    Reflex{"nodes", "say workers"},
    Reflex{"node", "say worker show W"},
    Reflex{"tasks", "say actions"},
    Reflex{"jobs", "say actions"},
    Reflex{"pools", "say pool list"},
    Reflex{"plugins", "that is a program of its own: ctys-plugins -T QEMU,VNC,X11,CLI -E"},
    Reflex{"plugin", "that is a program of its own: ctys-plugins -T QEMU,VNC,X11,CLI -E"},
    Reflex{"rm", say_files},
    Reflex{"undefine", say_files},
    Reflex{"delete", say_files},
    Reflex{"define", "ctys finds VM directories by itself: ctys pool list, then ctys scan"},
    Reflex{"migrate",
           "live migration is not built; a stopped VM starts wherever it has a path: "
           "ctys start VM --on WORKER"},
    Reflex{"uri", "say doctor: it names the broker that is used"},
    Reflex{"version", "say ctys --version"},
};

constexpr std::array absent = {
    Absent{"top", "not built yet: CPU and memory by VM", "ctys list --watch"},
    Absent{"metrics", "not built yet: figures in the Prometheus format", "ctys status -o json"},
    Absent{"join", "not built yet: one-use tokens for new agents", "ctys keys generate"},
};

} // namespace

std::optional<std::string_view> reflex(std::string_view word) {
    for (const auto& row : reflexes) {
        if (row.word == word) return row.answer;
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
