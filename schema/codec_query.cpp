#include "mesh/core/assert.h"
#include "schema/parts.h"
#include "schema/query.capnp.h"
#include "schema/writing.h"

namespace ctys::schema {

template <typename To>
void put(To to, const Query& value) {
    to.setTable(wire_value(value.table));
    put_text<&To::setAddress>(to, value.address, limits::path);
    put_list<&To::initFilters>(to,
                               value.filters,
                               limits::filters,
                               [](auto each, const Filter& filter) { put(each, filter); });
    to.setAll(value.all);
    to.setLimit(value.limit);
    to.setNames(value.names);
}

template <typename From>
Query take_query(Reading& in, From from) {
    return {
        .table = in.choice("table", from.getTable(), Table::Vms, Table::Plan),
        .address = in.text("address", from.getAddress(), limits::path),
        .filters = in.list("filters",
                           from.getFilters(),
                           limits::filters,
                           [&](auto each) { return take_filter(in, each); }),
        .all = from.getAll(),
        .limit = from.getLimit(),
        .names = from.getNames(),
    };
}

namespace {

void put_vm_row(wire::VmRow::Builder to, const VmRow& value) {
    using To = wire::VmRow::Builder;
    put_uuid(to.getVm(), value.vm.uuid);
    put_uuid(to.getCopyOf(), value.copy_of.uuid);
    put_text<&To::setLabel>(to, value.label, limits::label);
    put_text<&To::setType>(to, value.type, limits::short_text);
    put_uuid(to.getWorker(), value.worker.uuid);
    put_text<&To::setWorkerName>(to, value.worker_name, limits::short_text);
    to.setWorkerState(wire_value(value.worker_state));
    to.setState(wire_value(value.state));
    put_text<&To::setReason>(to, value.reason, limits::sentence);
    to.setManaged(value.managed);
    to.setConflict(value.conflict);
    to.setOwner(wire_value(value.owner));
    to.setAgeUs(wire_value(value.age));
    to.setSinceUs(wire_value(value.since));
    to.setStartedUs(wire_value(value.started));
    put_text<&To::setAccelerator>(to, value.accelerator, limits::short_text);
    to.setPid(value.pid);
    to.setPaths(value.paths);
    to.setPathHealth(wire_value(value.path_health));
    put_text<&To::setNote>(to, value.note, limits::sentence);
    put_text<&To::setMac>(to, value.mac, limits::short_text);
    put_text<&To::setIp>(to, value.ip, limits::short_text);
    put_text<&To::setDisplay>(to, value.display, limits::short_text);
    to.setCport(value.cport);
    put_text<&To::setConsole>(to, value.console, limits::path);
    put_text<&To::setUser>(to, value.user, limits::short_text);
    to.setUid(value.uid);
    to.setGid(value.gid);
    put_text<&To::setConfig>(to, value.config, limits::path);
    put_text<&To::setExecutable>(to, value.executable, limits::path);
    put_text<&To::setVersion>(to, value.version, limits::short_text);
    put_text<&To::setArch>(to, value.arch, limits::short_text);
    to.setMemoryMb(value.memory_mb);
    to.setVcpus(value.vcpus);
    to.setLabelUnique(value.label_unique);
    put_texts<&To::initRemarks>(to, value.remarks, limits::remarks, limits::sentence);
    put_texts<&To::initStartAfter>(to, value.start_after, limits::start_after, limits::label);
}

VmRow take_vm_row(Reading& in, wire::VmRow::Reader from) {
    VmRow row;
    row.vm = {take_uuid(from.getVm())};
    row.copy_of = {take_uuid(from.getCopyOf())};
    row.label = in.text("label", from.getLabel(), limits::label);
    row.type = in.text("type", from.getType(), limits::short_text);
    row.worker = {take_uuid(from.getWorker())};
    row.worker_name = in.text("worker name", from.getWorkerName(), limits::short_text);
    row.worker_state =
        in.choice("worker state", from.getWorkerState(), WorkerState::Alive, WorkerState::Paused);
    row.state = in.choice("state", from.getState(), VmState::Unknown, VmState::Gone);
    row.reason = in.text("reason", from.getReason(), limits::sentence);
    row.managed = from.getManaged();
    row.conflict = from.getConflict();
    row.owner = in.choice("owner", from.getOwner(), Owner::Unknown, Owner::Incus);
    row.age = in.span("age", from.getAgeUs());
    row.since = in.wall("since", from.getSinceUs());
    row.started = in.wall("started", from.getStartedUs());
    row.accelerator = in.text("accelerator", from.getAccelerator(), limits::short_text);
    row.pid = from.getPid();
    row.paths = from.getPaths();
    row.path_health =
        in.choice("path health", from.getPathHealth(), PathHealth::Good, PathHealth::Unreadable);
    row.note = in.text("note", from.getNote(), limits::sentence);
    row.mac = in.text("MAC", from.getMac(), limits::short_text);
    row.ip = in.text("IP", from.getIp(), limits::short_text);
    row.display = in.text("display", from.getDisplay(), limits::short_text);
    row.cport = from.getCport();
    row.console = in.text("console", from.getConsole(), limits::path);
    row.user = in.text("user", from.getUser(), limits::short_text);
    row.uid = from.getUid();
    row.gid = from.getGid();
    row.config = in.text("configuration path", from.getConfig(), limits::path);
    row.executable = in.text("executable", from.getExecutable(), limits::path);
    row.version = in.text("QEMU version", from.getVersion(), limits::short_text);
    row.arch = in.text("architecture", from.getArch(), limits::short_text);
    row.memory_mb = from.getMemoryMb();
    row.vcpus = from.getVcpus();
    row.label_unique = from.getLabelUnique();
    row.remarks = in.texts("remarks", from.getRemarks(), limits::remarks, limits::sentence);
    row.start_after =
        in.texts("STARTAFTER", from.getStartAfter(), limits::start_after, limits::label);
    return row;
}

void put_detail(wire::VmDetail::Builder to, const VmDetail& value) {
    using To = wire::VmDetail::Builder;
    CTYS_ASSERT(value.path_workers.size() == value.paths.size());
    CTYS_ASSERT(value.path_worker_states.size() == value.paths.size());
    put_vm_row(to.initRow(), value.row);
    put(to.initVm(), value.vm);
    const auto put_one = [](auto each, const auto& one) { put(each, one); };
    put_list<&To::initPaths>(to, value.paths, limits::paths, put_one);
    put_texts<&To::initPathWorkers>(to, value.path_workers, limits::paths, limits::short_text);
    auto states = to.initPathWorkerStates(
        static_cast<unsigned>(std::min(value.path_worker_states.size(), limits::paths)));
    for (unsigned i = 0; i < states.size(); ++i) {
        states.set(i, wire_value(value.path_worker_states[i]));
    }
    put_list<&To::initInstances>(to, value.instances, limits::instances, put_one);
    if (value.lease) put(to.initLease(), *value.lease);
    put_text<&To::setLeaseWorker>(to, value.lease_worker, limits::short_text);
}

VmDetail take_detail(Reading& in, wire::VmDetail::Reader from) {
    VmDetail detail;
    detail.row = take_vm_row(in, from.getRow());
    detail.vm = take_vm(in, from.getVm());
    detail.paths = in.list(
        "paths", from.getPaths(), limits::paths, [&](auto each) { return take_path(in, each); });
    detail.path_workers =
        in.texts("path workers", from.getPathWorkers(), limits::paths, limits::short_text);
    detail.path_worker_states = in.list(
        "path worker states", from.getPathWorkerStates(), limits::paths, [&](std::uint16_t each) {
            return in.choice("worker state", each, WorkerState::Alive, WorkerState::Paused);
        });
    if (detail.path_workers.size() != detail.paths.size() ||
        detail.path_worker_states.size() != detail.paths.size()) {
        in.reject(ErrorCode::Malformed, "paths and their workers differ in number");
    }
    detail.instances = in.list("instances", from.getInstances(), limits::instances, [&](auto each) {
        return take_instance(in, each);
    });
    if (from.hasLease()) detail.lease = take_lease(in, from.getLease());
    detail.lease_worker = in.text("lease worker", from.getLeaseWorker(), limits::short_text);
    return detail;
}

void put_watch_row(wire::WatchRow::Builder to, const WatchRow& value) {
    using To = wire::WatchRow::Builder;
    to.setId(value.id);
    put(to.initPrincipal(), value.principal);
    put_list<&To::initFilters>(to,
                               value.filters,
                               limits::filters,
                               [](auto each, const Filter& filter) { put(each, filter); });
    put_cursor(to.getAt(), value.at);
    to.setLag(value.lag);
    to.setCredit(value.credit);
    to.setSinceUs(wire_value(value.since));
}

WatchRow take_watch_row(Reading& in, wire::WatchRow::Reader from) {
    return {
        .id = from.getId(),
        .principal = take_principal(in, from.getPrincipal()),
        .filters = in.list("filters",
                           from.getFilters(),
                           limits::filters,
                           [&](auto each) { return take_filter(in, each); }),
        .at = take_cursor(from.getAt()),
        .lag = from.getLag(),
        .credit = from.getCredit(),
        .since = in.wall("since", from.getSinceUs()),
    };
}

void put_status(wire::StatusRow::Builder to, const StatusRow& value) {
    using To = wire::StatusRow::Builder;
    put_text<&To::setVersion>(to, value.version, limits::short_text);
    to.setPid(value.pid);
    to.setStartedUs(wire_value(value.started));
    put_cursor(to.getHead(), value.head);
    put_cursor(to.getHorizon(), value.horizon);
    put_text<&To::setDegraded>(to, value.degraded, limits::long_text);
    to.setVms(value.vms);
    to.setRunning(value.running);
    to.setWorkersAlive(value.workers_alive);
    to.setWorkers(value.workers);
    to.setConflicts(value.conflicts);
    to.setActionsOpen(value.actions_open);
    to.setWatches(value.watches);
    to.setStoreBytes(value.store_bytes);
    to.setStoreLimit(value.store_limit);
    put_texts<&To::initWarnings>(to, value.warnings, limits::remarks, limits::sentence);
}

StatusRow take_status(Reading& in, wire::StatusRow::Reader from) {
    return {
        .version = in.text("broker version", from.getVersion(), limits::short_text),
        .pid = from.getPid(),
        .started = in.wall("started", from.getStartedUs()),
        .head = take_cursor(from.getHead()),
        .horizon = take_cursor(from.getHorizon()),
        .degraded = in.text("degraded", from.getDegraded(), limits::long_text),
        .vms = from.getVms(),
        .running = from.getRunning(),
        .workers_alive = from.getWorkersAlive(),
        .workers = from.getWorkers(),
        .conflicts = from.getConflicts(),
        .actions_open = from.getActionsOpen(),
        .watches = from.getWatches(),
        .store_bytes = from.getStoreBytes(),
        .store_limit = from.getStoreLimit(),
        .warnings = in.texts("warnings", from.getWarnings(), limits::remarks, limits::sentence),
    };
}

struct PutRow {
    wire::Row::Builder to;

    void operator()(const VmRow& value) { put_vm_row(to.initVm(), value); }
    void operator()(const VmDetail& value) { put_detail(to.initDetail(), value); }
    void operator()(const WorkerRecord& value) { put(to.initWorker(), value); }
    void operator()(const ActionRecord& value) { put(to.initAction(), value); }
    void operator()(const WatchRow& value) { put_watch_row(to.initWatch(), value); }
    void operator()(const StatusRow& value) { put_status(to.initStatus(), value); }
    void operator()(const PlanRecord& value) { put(to.initPlan(), value); }
    void operator()(const PlanStepRecord& value) { put(to.initStep(), value); }
};

} // namespace

template <typename To>
void put_row(To to, const Row& value) {
    std::visit(PutRow{to}, value);
}

template <typename From>
Row take_row(Reading& in, From from) {
    switch (from.which()) {
    case wire::Row::VM:
        return take_vm_row(in, from.getVm());
    case wire::Row::DETAIL:
        return take_detail(in, from.getDetail());
    case wire::Row::WORKER:
        return take_worker(in, from.getWorker());
    case wire::Row::ACTION:
        return take_action_record(in, from.getAction());
    case wire::Row::WATCH:
        return take_watch_row(in, from.getWatch());
    case wire::Row::STATUS:
        return take_status(in, from.getStatus());
    case wire::Row::PLAN:
        return take_plan(in, from.getPlan());
    case wire::Row::STEP:
        return take_plan_step(in, from.getStep());
    case wire::Row::UNSPECIFIED:
        break;
    }
    in.reject(ErrorCode::Malformed,
              fmt::format("row has the unknown kind {}", static_cast<std::uint16_t>(from.which())));
    return {};
}

template void put(wire::Query::Builder, const Query&);
template void put_row(wire::Row::Builder, const Row&);
template Query take_query(Reading&, wire::Query::Reader);
template Row take_row(Reading&, wire::Row::Reader);

} // namespace ctys::schema
