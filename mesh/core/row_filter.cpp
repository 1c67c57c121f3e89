#include "mesh/core/row_filter.h"

#include <algorithm>

namespace ctys {

namespace {

template <typename Word>
std::vector<std::string_view> words_of(std::initializer_list<Word> values) {
    std::vector<std::string_view> words;
    for (const auto value : values)
        words.push_back(to_string(value));
    return words;
}

bool holds(std::string_view field, std::string_view value, const VmRow& row) {
    if (field == "label") return row.label == value;
    if (field == "vm") return row.vm.to_string() == value || row.label == value;
    if (field == "worker") return row.worker_name == value || row.worker.to_string() == value;
    // What runs nowhere has no worker whose state it could be.
    if (field == "worker_state")
        return !row.worker.is_none() && to_string(row.worker_state) == value;
    if (field == "state") return to_string(row.state) == value;
    if (field == "owner") return to_string(row.owner) == value;
    if (field == "managed") return (row.managed ? "true" : "false") == value;
    if (field == "accelerator") return row.accelerator == value;
    if (field == "arch") return row.arch == value;
    return false;
}

} // namespace

const FilterFields& row_filter_fields() {
    static const FilterFields fields{
        {"label"},
        {"vm"},
        {"worker"},
        {"worker_state",
         words_of(
             {WorkerState::Alive, WorkerState::Suspect, WorkerState::Lost, WorkerState::Paused})},
        {"state", vm_state_words()},
        {"owner",
         words_of({Owner::Ctys,
                   Owner::ByHand,
                   Owner::Libvirt,
                   Owner::Proxmox,
                   Owner::Incus,
                   Owner::Unknown})},
        {"managed", {"true", "false"}},
        {"accelerator"},
        {"arch"}};
    return fields;
}

Status check_row_filters(const std::vector<Filter>& filters) {
    return check_filters(filters, row_filter_fields());
}

bool accepts(const std::vector<Filter>& filters, const VmRow& row) {
    return std::all_of(filters.begin(), filters.end(), [&](const Filter& filter) {
        return std::any_of(
            filter.values.begin(), filter.values.end(), [&](const std::string& value) {
                return holds(filter.field, value, row);
            });
    });
}

bool matches(const Address& address, const VmRow& row) {
    if (address.worker && row.worker_name != *address.worker &&
        row.worker.to_string() != *address.worker)
        return false;
    VmRecord vm{.id = row.vm, .label = row.label};
    if (!row.mac.empty()) vm.macs.push_back(row.mac);
    if (!row.ip.empty()) vm.ips.push_back(row.ip);
    std::vector<PathRecord> paths;
    if (!row.config.empty()) paths.push_back({.vm = row.vm, .config = row.config});
    return matches(address, vm, paths);
}

} // namespace ctys
