// Fuzzes what people type: addresses, the original's actions, and its whole command lines.
// Input: one line; NULs separate the arguments of a command line.
#include "mesh/core/address.h"
#include "mesh/core/assert.h"
#include "mesh/core/text.h"
#include "tools/legacy/command_line.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace ctys;

namespace {

/// A refusal says something, and no more than a person reads.
void check_refusal(const Error& error) {
    CTYS_ASSERT(error.code == ErrorCode::Usage || error.code == ErrorCode::Unsupported ||
                error.code == ErrorCode::Malformed);
    CTYS_ASSERT(!error.message.empty() && error.message.size() <= 8192);
}

void check_address(std::string_view text) {
    const auto address = Address::parse(text);
    if (!address) {
        // The broker logs it too: one line that a terminal can show, whatever was typed.
        const auto is_control = [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        };
        const auto& message = address.error().message;
        CTYS_ASSERT(std::none_of(message.begin(), message.end(), is_control));
        return check_refusal(address.error());
    }
    const auto canonical = address->to_string();
    const auto again = Address::parse(canonical);
    CTYS_ASSERT(again && *again == *address && again->to_string() == canonical);
#ifdef CTYS_PLANTED_DEFECT
    // A reader that expects at most two directories to search: the harness must find it.
    CTYS_ASSERT(address->bases.size() <= 2);
#endif
    // Nothing in an address makes a VM without any fact match, but an address of bases or workers.
    if (address->label || address->uuid || address->mac || address->tcp || address->path)
        CTYS_ASSERT(!matches(*address, VmRecord{}, {}));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    check_address(text);
    if (const auto action = tools::legacy::parse_action(text); !action) {
        check_refusal(action.error());
    }
    std::vector<std::string> args;
    for (const auto arg : split(text, '\0')) {
        args.emplace_back(arg);
    }
    const auto line = tools::legacy::parse_command_line(args);
    if (!line) {
        check_refusal(line.error());
    } else {
        CTYS_ASSERT(line->targets.size() <= size + 1); // one argument may hold several
    }
    return 0;
}
