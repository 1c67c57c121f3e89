// Fuzzes the readers of what a vde_switch says on its management socket.
#include "mesh/core/assert.h"
#include "mesh/core/text.h"
#include "tools/setup_vde/switch_text.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace ctys;

namespace {

void check_ports(std::string_view data) {
    std::size_t endpoints = 0;
    const auto ports = vde::parse_ports(data);
    for (const auto& port : ports) {
        CTYS_ASSERT(printable(port.user, 64) == port.user);
        for (const auto& endpoint : port.endpoints) {
            ++endpoints;
            CTYS_ASSERT(printable(endpoint.text, 300) == endpoint.text);
            CTYS_ASSERT(!endpoint.is_tap || endpoint.pid == 0);
#ifdef CTYS_PLANTED_DEFECT
            // A reader that trusts every client to tell its process: the harness must find it.
            CTYS_ASSERT(endpoint.is_tap || endpoint.pid != 0);
#endif
        }
    }
    CTYS_ASSERT(ports.size() <= 4096 && endpoints <= 4096);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    check_ports(bytes);
    const auto info = vde::parse_info(bytes);
    CTYS_ASSERT(printable(info.version, 100) == info.version);
    const auto answer = vde::read_answer(bytes);
    if (!answer) return 0;
    CTYS_ASSERT(answer->status >= 1000 && answer->status <= 1999);
    CTYS_ASSERT(answer->data.size() <= size && !answer->is_success() == (answer->status != 1000));
    // What comes behind an answer does not change it.
    CTYS_ASSERT(vde::read_answer(std::string{bytes} + "\n1001 x\n") == answer);
    check_ports(answer->data);
    return 0;
}
