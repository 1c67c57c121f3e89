// Fuzzes the reader of VM configurations.
#include "mesh/core/assert.h"
#include "mesh/core/text.h"
#include "mesh/qemu/configuration.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace ctys;

namespace {

#ifdef CTYS_PLANTED_DEFECT
// A reader that trusts a quote to be closed: the harness must find it.
void planted(const qemu::Configuration& configuration) {
    for (const auto& warning : configuration.warnings) {
        CTYS_ASSERT(warning.text.find("is not closed") == std::string::npos);
    }
}
#endif

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto names = qemu::further_names(text, "/vm/lab/web.ctys");
    CTYS_ASSERT(names.size() <= qemu::max_further_files);
    for (const auto& name : names) {
        CTYS_ASSERT(!name.name.empty() && name.name.find('/') == std::string::npos);
        CTYS_ASSERT(name.name != "." && name.name != ".." && name.name != "web.ctys" &&
                    is_utf8(name.name));
    }
    const auto read = qemu::read_configuration(text, "/vm/web/web.ctys");
    if (!read) {
        CTYS_ASSERT(read.error().code == ErrorCode::Malformed);
        return 0;
    }
#ifdef CTYS_PLANTED_DEFECT
    planted(*read);
#endif
    CTYS_ASSERT(read->vm.settings.size() + read->dynamic.size() <= 4096);
    CTYS_ASSERT(read->warnings.size() <= 100);
    CTYS_ASSERT(read->uuid_usable == read->vm.id.uuid.identifies());
    CTYS_ASSERT(is_utf8(read->vm.label));
    for (const auto& setting : read->vm.settings) {
        CTYS_ASSERT(is_utf8(setting.key) && is_utf8(setting.value));
        CTYS_ASSERT(setting.line > 0 && setting.value.size() <= qemu::max_configuration_line);
    }
    return 0;
}
