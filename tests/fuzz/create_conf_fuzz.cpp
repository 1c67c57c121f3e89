// Fuzzes what ctys-createConfVM reads of others: configurations to adopt, and address files. What
// it writes of them is read back as constants, so that nothing hostile reaches a shell.
#include "mesh/core/assert.h"
#include "mesh/core/text.h"
#include "mesh/qemu/configuration.h"
#include "tools/create_conf/adopt.h"
#include "tools/create_conf/value.h"

#include <cstddef>
#include <cstdint>
#include <string>

using namespace ctys;
using namespace ctys::conf;

namespace {

Stamp some_time() {
    return {.date = "20261130115012", .version = "0"};
}

void check_written(const Settings& settings, const Remainder& remainder) {
    const auto text = render_configuration(settings, {}, some_time(), remainder);
    const auto label = settings.text("LABEL");
    const auto read = qemu::read_configuration(text, "/vm/" + label + ".ctys");
    CTYS_ASSERT(read.has_value());
    CTYS_ASSERT(read->dynamic.empty());
    CTYS_ASSERT(read->is_qemu);
    CTYS_ASSERT(read->vm.label == label);
    CTYS_ASSERT(qemu::setting(*read, "UUID") == settings.text("UUID"));
    CTYS_ASSERT(qemu::setting(*read, "ARGSADD") == settings.text("ARGSADD"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    Sources sources{.new_uuid = ctys_namespace()};
    sources.addresses.add_macmap(text, "m");
    sources.addresses.add_ethers(text, "e");
    sources.addresses.add_hosts(text, "h");
    const auto adopted = adopt_configuration(text, "/vm/web/web.ctys", "/vm/web");
    if (!adopted) return 0;
    for (const auto& [name, value] : adopted->given) {
        const auto again = checked_value(*find_variable(name), value.text);
        CTYS_ASSERT(again.has_value() && *again == value.text);
#ifdef CTYS_PLANTED_DEFECT
        // A writer that forgets to quote: the harness must find a value of two words.
        CTYS_ASSERT(value.text.find(' ') == std::string::npos);
#endif
    }
    for (const auto& note : adopted->notes) {
        CTYS_ASSERT(note.find('\n') == std::string::npos);
    }
    sources.given = adopted->given;
    if (const auto settings = decide(sources)) check_written(*settings, adopted->remainder);
    return 0;
}
