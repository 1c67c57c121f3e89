// Fuzzes the reader of QEMU command lines: NUL-separated arguments, as in /proc/PID/cmdline.
#include "mesh/core/assert.h"
#include "mesh/core/text.h"
#include "mesh/qemu/command_line.h"
#include "mesh/qemu/option_text.h"
#include "mesh/qemu/owner_handle.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace ctys;

namespace {

std::vector<std::string> arguments(std::string_view bytes) {
    std::vector<std::string> out;
    while (!bytes.empty()) {
        const auto end = bytes.find('\0');
        out.emplace_back(bytes.substr(0, end));
        if (end == std::string_view::npos) break;
        bytes.remove_prefix(end + 1);
    }
    return out;
}

/// What goes into a command that is run as root is a plain word, whatever the process says.
void check_handle(const std::vector<std::string>& argv) {
    for (const auto owner : {Owner::Libvirt, Owner::Proxmox, Owner::Incus}) {
        const auto handle = qemu::owner_handle(owner, argv);
        for (const auto* word :
             {&handle.vmid, &handle.project, &handle.instance, &handle.connection}) {
            CTYS_ASSERT(word->empty() || word == &handle.connection || is_label(*word));
        }
        for (const auto* path : {&handle.pidfile, &handle.log}) {
            CTYS_ASSERT(path->find("/../") == std::string::npos && printable(*path) == *path);
        }
        CTYS_ASSERT(handle.vmid.empty() || qemu::parse_number(handle.vmid));
    }
}

#ifdef CTYS_PLANTED_DEFECT
// A reader that trusts a value to follow "-name": the harness must find it.
void planted(const std::vector<std::string>& argv) {
    for (std::size_t i = 0; i < argv.size(); ++i) {
        if (argv[i] == "-name") CTYS_ASSERT(i + 1 < argv.size());
    }
}
#endif

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    const auto argv = arguments(bytes);
#ifdef CTYS_PLANTED_DEFECT
    planted(argv);
#endif
    const auto line = qemu::parse(argv);
    CTYS_ASSERT(line.monitors.size() <= 256 && line.images.size() <= 256 &&
                line.macs.size() <= 256 && line.unknown.size() <= 256);
    CTYS_ASSERT(qemu::parse(argv) == line);
    CTYS_ASSERT(argv.empty() == (qemu::guess_owner(argv) == Owner::Unknown));
    check_handle(argv);
    for (const auto& mac : line.macs) {
        CTYS_ASSERT(qemu::parse_mac(mac) == mac);
    }
    // Whatever a value holds, escaping it keeps it one value.
    const auto back = qemu::parse_properties("a=" + qemu::escape_commas(bytes) + ",b=2", "");
    CTYS_ASSERT(back.size() == 2 && back[0].value == bytes);
    return 0;
}
