#include "tests/support/samples.h"

namespace ctys::samples {

using namespace std::chrono_literals;

VmRow vm_row(unsigned number) {
    return {
        .vm = {uuid(number)},
        .label = fmt::format("tst{}", 252 + number),
        .type = "KVM",
        .worker = {uuid(4)},
        .worker_name = "lab02",
        .worker_state = WorkerState::Lost,
        .state = VmState::Paused,
        .reason = "io-error",
        .managed = true,
        .conflict = true,
        .owner = Owner::Proxmox,
        .age = 1500ms,
        .since = {1'772'373'726'114'010},
        .started = {1'772'373'726'114'011},
        .accelerator = "tcg",
        .pid = 41321,
        .paths = 3,
        .path_health = PathHealth::Stale,
        .note = "two instances",
        .mac = "52:54:00:12:34:56",
        .ip = "192.168.1.253",
        .display = ":7",
        .cport = 5907,
        .console = "/run/ctys/instances/tst253/monitor.sock",
        .user = "vmuser",
        .uid = 1002,
        .gid = 1003,
        .config = "/mntn/vmpool/web/tst253/tst253.ctys",
        .executable = "/usr/bin/qemu-system-x86_64",
        .version = "7.2.11",
        .arch = "x86_64",
        .memory_mb = 2048,
        .vcpus = 4,
    };
}

VmDetail vm_detail() {
    return {.row = vm_row(),
            .vm = vm(),
            .paths = {path(), path()},
            .path_workers = {"lab01", "lab02"},
            .path_worker_states = {WorkerState::Alive, WorkerState::Paused},
            .instances = {instance()},
            .lease = lease(),
            .lease_worker = "lab02"};
}

namespace {

std::vector<Filter> filters() {
    return {{.field = "kind", .values = {"running", "stopped"}},
            {.field = "label", .values = {"web"}}};
}

SharedBytes opaque(std::string_view text) {
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    return std::make_shared<const std::vector<std::byte>>(bytes, bytes + text.size());
}

constexpr Cursor cursor(std::uint64_t sequence) {
    return {.epoch = 1'772'373'726, .sequence = sequence};
}

const ActionId action_id{0xabcdef012345678e};

msg::Rows rows() {
    return {.at = cursor(7),
            .rows = {vm_row(), vm_detail(), worker(), action_record(), watch_row(), status_row()},
            .last = true};
}

} // namespace

WatchRow watch_row() {
    return {.id = 5,
            .principal = principal(),
            .filters = filters(),
            .at = cursor(8),
            .lag = 9,
            .credit = 10,
            .since = {1'772'373'726'114'012}};
}

StatusRow status_row() {
    return {
        .version = "0.1.0",
        .pid = 812,
        .started = {1'772'373'726'114'013},
        .head = cursor(11),
        .horizon = cursor(12),
        .degraded = "no space left on device",
        .vms = 13,
        .running = 14,
        .workers_alive = 15,
        .workers = 16,
        .conflicts = 17,
        .actions_open = 18,
        .watches = 19,
        .store_bytes = 20,
        .store_limit = 21,
        .warnings = {"the store is 71 % full"},
    };
}

namespace {

using Named = std::vector<std::pair<std::string, Body>>;

Named agent_bodies() {
    const StreamMark mark{.stream = {uuid(24)}, .sequence = 4711, .hash = 0x99};
    return {
        {"agent_hello",
         msg::AgentHello{.worker = worker(),
                         .end = mark,
                         .first_kept = 4000,
                         .acknowledged = cursor(22),
                         .inventory_digest = 0x1234567890abcdef}},
        {"publish",
         msg::Publish{.stream = {uuid(24)},
                      .first = 4712,
                      .hash_before = 0x99,
                      .events = {opaque("first"), opaque("the second event")},
                      .full = true,
                      .last = true}},
        {"command_status",
         msg::CommandStatus{.action = action_id, .known = msg::CommandStatus::Known::Ended}},
        {"command_refused", msg::CommandRefused{.action = action_id, .error = error()}},
        {"confirm", msg::Confirm{.action = action_id, .vm = {uuid(1)}, .token = 80}},
        {"withdrawn", msg::Withdrawn{action_id}},
        {"welcome",
         msg::Welcome{
             .broker = {uuid(25)}, .session = 3h, .mark = mark, .full = true, .version = "0.1.0"}},
        {"acknowledge",
         msg::Acknowledge{
             .stream = {uuid(24)}, .sequence = 4713, .hash = 0x98, .cursor = cursor(23)}},
        {"command",
         msg::Command{
             .action = action(), .session = 3h, .expires = 3h + 30s, .draining = {"plan-7"}}},
        {"command_query", msg::CommandQuery{action_id}},
        {"confirmed",
         msg::Confirmed{.action = action_id, .holds = true, .reason = "token 81 is newer"}},
        {"withdraw", msg::Withdraw{action_id}},
        {"cancel_command", msg::CancelCommand{action_id}},
        {"prove_storage",
         msg::ProveStorage{
             .pool = {uuid(23)}, .root = "/mntn/vmpool", .nonce = "n-17", .write = true}},
        {"storage_proof",
         msg::StorageProof{.pool = {uuid(23)},
                           .root = "/mntn/vmpool",
                           .nonce = "n-17",
                           .write = true,
                           .found = true,
                           .reason = "read-only file system"}},
    };
}

Named tool_bodies() {
    return {
        {"submit", msg::Submit{.action = action(), .on = "lab02", .yes = true}},
        {"cancel_action", msg::CancelAction{"a-abcd"}},
        {"administer",
         msg::Administer{.what = msg::Administer::What::TrustPool,
                         .subject = "lab02:/mntn/vmpool",
                         .reason = "one filer"}},
        {"ask",
         msg::Ask{.query = {.table = Table::Vm,
                            .address = "l:tst253",
                            .filters = filters(),
                            .all = true,
                            .limit = 24},
                  .credit = 25}},
        {"watch",
         msg::Watch{.filters = filters(),
                    .from = msg::WatchFrom::Time,
                    .cursor = cursor(26),
                    .time = {1'772'373'726'114'014},
                    .credit = 27,
                    .stop_at_head = true}},
        {"credit", msg::Credit{28}},
        {"close_stream", msg::CloseStream{}},
        {"accepted",
         msg::Accepted{
             .action = action_id, .label = "tst253", .worker = "lab02", .text = "runs already"}},
        {"done", msg::Done{"lab02 is fenced"}},
        {"rows", rows()},
        {"watch_events",
         msg::WatchEvents{
             .items = {msg::WatchItem{.cursor = cursor(29),
                                      .recorded = {1'772'373'726'114'015},
                                      .event = opaque("an event")},
                       msg::Gap{.from = cursor(30), .to = cursor(31), .reason = "retention"}},
             .position = cursor(32),
             .caught_up = true,
             .last = true}},
    };
}

} // namespace

std::vector<std::pair<std::string, Body>> bodies() {
    Named out = {{"ping", msg::Ping{1234567us}},
                 {"pong", msg::Pong{1234568us}},
                 {"failure", msg::Failure{error()}}};
    for (auto& each : agent_bodies()) {
        out.push_back(std::move(each));
    }
    for (auto& each : tool_bodies()) {
        out.push_back(std::move(each));
    }
    out.emplace_back("hand_start",
                     msg::HandStart{.action = {0x1bcdef0123456789},
                                    .vm = {uuid(3)},
                                    .config = "/mntn/vmpool/web/tst253/tst253.ctys",
                                    .label = "tst253",
                                    .user = "acue"});
    out.emplace_back("hand_grant",
                     msg::HandGrant{.action = {0x1bcdef0123456789},
                                    .answer = msg::HandGrant::Answer::Alone,
                                    .token = 83,
                                    .reason = "no broker answers"});
    out.emplace_back("stop_guests",
                     msg::StopGuests{.deadline = 45s, .reason = "the host goes down"});
    out.emplace_back("guests_stopping",
                     msg::GuestsStopping{.lines = {"web: gone after 0.3 s", "2 VMs left"},
                                         .left = 44s,
                                         .waiting = 2,
                                         .done = true,
                                         .error = error()});
    out.emplace_back("farewell", msg::Farewell{});
    return out;
}

std::vector<std::pair<std::string, Body>> later_bodies() {
    VmRow remarked{.vm = {uuid(1)}, .label = "tst253", .type = "QEMU"};
    remarked.remarks = vm_with_remarks().remarks;
    remarked.start_after = {"db"};
    return {
        {"hand_start_on_boot",
         msg::HandStart{
             .action = {9}, .vm = {uuid(3)}, .label = "tst253", .user = "boot", .on_boot = true}},
        {"rows_with_remarks", msg::Rows{.at = cursor(34), .rows = {remarked}, .last = true}},
        {"submit_from_guest",
         msg::Submit{.action = action(), .on = "lab02", .yes = true, .platform = uuid(7)}},
        {"submit_from_boot", msg::Submit{.action = action_of_machine().action, .boot = {uuid(8)}}},
        {"rows_of_plan", msg::Rows{.at = cursor(33), .rows = {plan(), plan_step()}, .last = true}}};
}

} // namespace ctys::samples
