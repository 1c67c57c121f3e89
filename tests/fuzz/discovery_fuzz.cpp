// Texts of /proc and records of ctys-probe: whatever a process puts there, nothing crashes, and a
// record that was understood is written and read back as the same one.

#include "agent/discovery/proc_connector.h"
#include "agent/discovery/proc_text.h"
#include "agent/discovery/process_facts.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace ctys::agent;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

void check_records(std::string_view bytes) {
    for (const auto& record : decode_probe_records(bytes)) {
        const auto again = decode_probe_records(encode_probe_record(record));
        require(again.size() == 1 && again.front() == record);
        const auto facts = facts_of_record(record, {});
#ifdef CTYS_PLANTED_DEFECT
        // Takes every process to have arguments.
        require(record.first("cwd").empty() || !facts.argv.empty());
#endif
        require(facts.key.start_ticks == record.number("start_ticks"));
    }
}

/// A record whose sizes fit: each line of the input is a field, its name before the first blank.
std::string record_of_lines(std::string_view bytes) {
    ProbeRecord out;
    while (!bytes.empty()) {
        const auto line = bytes.substr(0, bytes.find('\n'));
        const auto blank = line.find(' ');
        const auto has_value = blank != std::string_view::npos;
        out.add(line.substr(0, blank), has_value ? line.substr(blank + 1) : std::string_view());
        bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
    }
    return encode_probe_record(out);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    check_records(bytes);
    // Behind a good start, so that short inputs reach the fields; and with sizes that fit, which
    // mutation alone rarely keeps.
    check_records("pid 1:7\ncwd " + std::string(bytes));
    check_records(record_of_lines(bytes));
    if (const auto stat = parse_proc_stat(bytes)) require(stat->comm.size() < size);
    for (const auto& socket : parse_listening_unix(bytes)) {
        require(!socket.path.empty());
    }
    static_cast<void>(parse_cgroup(bytes));
    static_cast<void>(parse_status_number(bytes, "Uid", 1));
    static_cast<void>(is_qemu_executable(bytes));
    static_cast<void>(may_be_image(bytes));
    static_cast<void>(socket_inode(bytes));
    static_cast<void>(parse_connector_message(std::as_bytes(std::span(data, size))));
    return 0;
}
