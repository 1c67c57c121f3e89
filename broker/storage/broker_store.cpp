// Happy path: open() makes or checks the tables, settles the epoch and examines the tail of the
// journal; load() gives the core its state; commit() applies what queued up as one transaction.
//
// Failure modes: a newer or damaged store is refused with what to do; a damaged journal record is
// set aside and reads as a gap; a row of a lease, worker or action that cannot be decoded is set
// aside and told, one of a VM, path or instance is left out of answers; a commit that fails changes
// nothing and is reported to the caller, who makes the broker degraded.

#include "broker/storage/broker_store.h"

#include "broker/storage/plan_rows.h"
#include "mesh/core/digest.h"
#include "mesh/store/head_file.h"
#include "mesh/store/keys.h"
#include "mesh/store/schema_meta.h"
#include "schema/brief.h"
#include "schema/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace ctys::broker {

namespace {

namespace table = store::table;

const auto fence_row = "fence";
const auto doubt_row = "doubtful"; // present: the journal was put back and not yet compared

store::InstanceKey store_key(const VmId& vm, const InstanceKey& key) {
    return {.vm = vm, .boot = key.boot, .pid = key.pid, .start_time = key.start_ticks};
}

store::SchemaRules schema_rules() {
    return {.program = "ctys-broker", .version = BrokerStore::schema_version, .migrations = {}};
}

std::uint64_t seconds_of(WallTime time) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(1, time.us / 1000000));
}

std::string hex(store::Bytes bytes) {
    std::string text;
    for (const auto byte : bytes) {
        text += fmt::format("{:02x}", static_cast<unsigned>(byte));
    }
    return text;
}

/// Gives each of `some`, in order of ids, its rows of a table whose keys begin with the VM.
template <typename Rows, typename Decode>
void attach(const store::ReadTransaction& transaction,
            store::Table table,
            std::span<Listed> some,
            Rows Listed::*rows,
            Decode decode) {
    auto at = some.begin();
    transaction.scan_from(
        table, store::vm_key(at->vm.id), [&](store::Bytes /*key*/, store::Bytes value) {
            auto row = decode(value);
            if (!row) return true;
            while (at != some.end() && at->vm.id < row->vm) {
                ++at;
            }
            if (at == some.end()) return false;
            if (at->vm.id == row->vm) ((*at).*rows).push_back(std::move(*row));
            return true;
        });
}

} // namespace

BrokerStore::BrokerStore(std::string state,
                         store::Environment environment,
                         store::Journal journal,
                         Tables tables)
    : state_(std::move(state)), environment_(std::move(environment)), journal_(journal),
      tables_(tables) {}

Result<std::unique_ptr<BrokerStore>>
BrokerStore::open(const std::string& state, WallTime now, store::EnvironmentOptions options) {
    auto environment = store::Environment::open(state + "/db", options);
    if (!environment) return tl::unexpected(environment.error());
    auto journal = store::Journal::open(*environment);
    if (!journal) return tl::unexpected(journal.error());
    constexpr std::array names = {table::meta,
                                  table::vm,
                                  table::path,
                                  table::instance,
                                  table::lease,
                                  table::worker,
                                  table::action,
                                  table::by_label,
                                  table::by_mac,
                                  table::by_tcp,
                                  table::quarantine,
                                  table::plan};
    auto opened = environment->open_tables(names);
    if (!opened) return tl::unexpected(opened.error());
    const auto& t = *opened;
    const Tables tables{t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9], t[10], t[11]};
    std::unique_ptr<BrokerStore> self{
        new BrokerStore(state, std::move(*environment), *journal, tables)};
    if (options.access == store::Access::Reader) {
        // The owner settles and mends: a reader only takes what is there.
        if (auto read = self->read_epoch(); !read) return tl::unexpected(read.error());
    } else {
        if (auto settled = self->settle_epoch(now); !settled)
            return tl::unexpected(settled.error());
        if (auto checked = self->check_journal(); !checked) return tl::unexpected(checked.error());
        if (auto checked = self->check_rows(); !checked) return tl::unexpected(checked.error());
    }
    self->refresh_range();
    return self;
}

Status BrokerStore::read_epoch() {
    return environment_.read([&](const store::ReadTransaction& transaction) -> Status {
        const auto meta = store::read_meta(transaction, tables_.meta);
        if (!meta) return tl::unexpected(meta.error());
        if (*meta) epoch_ = (*meta)->epoch;
        return {};
    });
}

Status BrokerStore::settle_epoch(WallTime now) {
    const auto known_head = store::read_head(state_ + "/head");
    if (!known_head) {
        report_.notes.push_back(fmt::format("the head file cannot be read ({}); taken as absent",
                                            known_head.error().message));
    }
    return environment_.write([&](store::WriteTransaction& transaction) -> Status {
        const auto before = store::read_meta(transaction, tables_.meta);
        const bool is_new = before && !before->has_value();
        auto meta = store::open_or_create_meta(
            transaction,
            tables_.meta,
            schema_rules(),
            store::SchemaMeta{.version = schema_version, .epoch = seconds_of(now), .created = now});
        if (!meta) return tl::unexpected(meta.error());
        epoch_ = meta->epoch;
        const auto last = journal_.last(transaction);
        const Cursor present{epoch_, last ? last->sequence : 0};
        const auto head = known_head ? known_head->value_or(Cursor{}) : Cursor{};
        if (head > present) {
            const auto begun = put_epoch(transaction, now, head.epoch);
            if (!begun) return tl::unexpected(begun.error());
            epoch_ = *begun;
            report_.notes.push_back(
                fmt::format("the journal ends at {} but had come to {}: it was restored from a "
                            "backup; a new epoch {} begins",
                            present,
                            head,
                            epoch_));
            return {};
        }
        // The journal is gone and its head is not: whatever ran still runs.
        return is_new && head != Cursor{} ? doubt(transaction) : Status{};
    });
}

Status BrokerStore::doubt(store::WriteTransaction& transaction) const {
    return transaction.put(tables_.meta, store::name_key(doubt_row), {});
}

Result<std::uint64_t> BrokerStore::begin_epoch(WallTime now, std::uint64_t older) {
    return environment_.write(
        [&](store::WriteTransaction& transaction) { return put_epoch(transaction, now, older); });
}

Result<std::uint64_t> BrokerStore::put_epoch(store::WriteTransaction& transaction,
                                             WallTime now,
                                             std::uint64_t older) const {
    auto meta = store::read_meta(transaction, tables_.meta);
    if (!meta) return tl::unexpected(meta.error());
    if (!*meta) return fail(ErrorCode::Storage, "the store has no meta row");
    const auto epoch = std::max(seconds_of(now), std::max(older, (*meta)->epoch) + 1);
    (*meta)->epoch = epoch;
    // Tokens given after the backup are not known any more: none may be given again.
    std::uint64_t token = std::uint64_t{1} << 20U;
    if (const auto fence = transaction.get(tables_.meta, store::name_key(fence_row))) {
        token += store::read_big_endian(*fence);
    }
    std::array<std::byte, 8> bytes{};
    store::write_big_endian(bytes.data(), token, bytes.size());
    auto status = transaction.put(tables_.meta, store::name_key(fence_row), bytes);
    if (status) status = doubt(transaction);
    if (status) status = store::write_meta(transaction, tables_.meta, **meta);
    if (!status) return tl::unexpected(status.error());
    return epoch;
}

Status BrokerStore::check_journal() {
    const auto found = environment_.read(
        [&](const store::ReadTransaction& transaction) -> Result<store::TailReport> {
            return journal_.check_tail(transaction, tail_checked);
        });
    if (!found) return tl::unexpected(found.error());
    for (const auto sequence : found->damaged) {
        auto moved = environment_.write([&](store::WriteTransaction& transaction) {
            return journal_.quarantine(transaction, sequence);
        });
        if (!moved) return moved;
        report_.quarantined.push_back(sequence);
    }
    if (!found->damaged.empty()) {
        report_.notes.push_back(
            fmt::format("{} damaged journal records were set aside; watchers see a gap",
                        found->damaged.size()));
    }
    if (!found->missing.empty()) {
        report_.notes.push_back(
            fmt::format("{} journal records are missing", found->missing.size()));
    }
    return {};
}

Status BrokerStore::check_rows() {
    struct Damaged {
        store::Table table;
        std::string name;
        std::vector<std::byte> key;
        std::vector<std::byte> value;
    };
    return environment_.write([&](store::WriteTransaction& transaction) -> Status {
        std::vector<Damaged> damaged;
        const auto check = [&](store::Table table, std::string_view what, auto decode) {
            transaction.scan(table, {}, [&](store::Bytes key, store::Bytes value) {
                if (decode(value)) return true;
                damaged.push_back({table,
                                   fmt::format("{} {}", what, hex(key)),
                                   {key.begin(), key.end()},
                                   {value.begin(), value.end()}});
                return true;
            });
        };
        check(tables_.lease, "lease", schema::decode_lease);
        const bool lost_leases = !damaged.empty();
        check(tables_.worker, "worker", schema::decode_worker);
        check(tables_.action, "action", schema::decode_action);
        for (const auto& row : damaged) {
            auto moved = transaction.put(tables_.quarantine, store::name_key(row.name), row.value);
            if (!moved) return moved;
            auto erased = transaction.erase(row.table, row.key);
            if (!erased) return tl::unexpected(erased.error());
            report_.set_aside.push_back(
                fmt::format("the row of {} was damaged and is set aside", row.name));
            report_.notes.push_back(report_.set_aside.back());
        }
        // Who holds what is not known any more: the workers are asked before anything starts.
        return lost_leases ? doubt(transaction) : Status{};
    });
}

void BrokerStore::refresh_range() {
    const auto range = environment_.read([&](const store::ReadTransaction& transaction)
                                             -> Result<std::pair<std::uint64_t, std::uint64_t>> {
        const auto first = journal_.first(transaction);
        const auto last = journal_.last(transaction);
        if (!first || !last) return std::pair<std::uint64_t, std::uint64_t>{1, 0};
        return std::pair{first->sequence, last->sequence};
    });
    if (range) range_ = *range;
}

template <typename T, typename Decode>
Status BrokerStore::load_rows(const store::ReadTransaction& transaction,
                              store::Table table,
                              Decode decode,
                              std::vector<T>& out) const {
    Status status;
    transaction.scan(table, {}, [&](store::Bytes /*key*/, store::Bytes value) {
        auto row = decode(value);
        if (!row) {
            status = wrap("a row of the broker's store is damaged", row.error());
            return false;
        }
        out.push_back(std::move(*row));
        return true;
    });
    return status;
}

Result<Loaded> BrokerStore::load() const {
    return environment_.read([&](const store::ReadTransaction& transaction) -> Result<Loaded> {
        Loaded loaded;
        loaded.head.epoch = epoch_;
        if (const auto last = journal_.last(transaction)) {
            loaded.head.sequence = last->sequence;
            loaded.last_recorded = last->recorded;
        }
        if (const auto fence = transaction.get(tables_.meta, store::name_key(fence_row))) {
            loaded.last_token = store::read_big_endian(*fence);
        }
        loaded.doubtful = transaction.get(tables_.meta, store::name_key(doubt_row)).has_value();
        auto status = load_rows(transaction, tables_.lease, schema::decode_lease, loaded.leases);
        if (status)
            status = load_rows(transaction, tables_.worker, schema::decode_worker, loaded.workers);
        if (status)
            status = load_rows(transaction, tables_.action, schema::decode_action, loaded.actions);
        if (!status) return tl::unexpected(status.error());
        PlanRows{tables_.plan}.load(transaction, loaded);
        return loaded;
    });
}

Status BrokerStore::commit(std::span<const Commit> batches) {
    return environment_.write([&](store::WriteTransaction& transaction) -> Status {
        for (const auto& batch : batches) {
            for (const auto& write : batch.writes) {
                if (auto applied = apply(transaction, write); !applied) return applied;
            }
        }
        return {};
    });
}

Status BrokerStore::apply(store::WriteTransaction& transaction, const Write& write) const {
    const auto ignore_absent = [](const Result<bool>& erased) -> Status {
        return erased ? Status{} : Status{tl::unexpected(erased.error())};
    };
    if (const auto* append = std::get_if<Append>(&write)) {
        return journal_.append(
            transaction, append->sequence, append->recorded, view(append->bytes));
    }
    if (const auto* row = std::get_if<Put>(&write)) return put(transaction, *row->record);
    if (const auto* path = std::get_if<ErasePath>(&write)) {
        return ignore_absent(transaction.erase(
            tables_.path, store::path_key({path->vm, path->worker, digest(path->config)})));
    }
    if (const auto* instance = std::get_if<EraseInstance>(&write)) {
        return ignore_absent(transaction.erase(
            tables_.instance, store::instance_key(store_key(instance->vm, instance->key))));
    }
    if (const auto* vm = std::get_if<EraseVm>(&write)) {
        if (auto erased = erase_index(transaction, vm->vm); !erased) return erased;
        return ignore_absent(transaction.erase(tables_.vm, store::vm_key(vm->vm)));
    }
    if (const auto* lease = std::get_if<EraseLease>(&write)) {
        return ignore_absent(transaction.erase(tables_.lease, store::vm_key(lease->vm)));
    }
    if (const auto* worker = std::get_if<EraseWorker>(&write)) {
        return ignore_absent(
            transaction.erase(tables_.worker, store::worker_key({.worker = worker->worker})));
    }
    if (const auto* action = std::get_if<EraseAction>(&write)) {
        return ignore_absent(transaction.erase(tables_.action, store::action_key(action->action)));
    }
    if (const auto* plan = std::get_if<ErasePlan>(&write))
        return PlanRows{tables_.plan}.erase(transaction, plan->plan);
    if (std::holds_alternative<PutTrusted>(write)) {
        return ignore_absent(transaction.erase(tables_.meta, store::name_key(doubt_row)));
    }
    std::array<std::byte, 8> token{};
    store::write_big_endian(token.data(), std::get<PutFence>(write).token, token.size());
    return transaction.put(tables_.meta, store::name_key(fence_row), token);
}

Status BrokerStore::put(store::WriteTransaction& transaction, const Record& record) const {
    if (const auto* vm = std::get_if<VmRecord>(&record)) return put_vm(transaction, *vm);
    if (const auto* path = std::get_if<PathRecord>(&record)) {
        return transaction.put(tables_.path,
                               store::path_key({path->vm, path->worker, digest(path->config)}),
                               schema::encode(*path));
    }
    if (const auto* instance = std::get_if<InstanceRecord>(&record)) {
        return transaction.put(tables_.instance,
                               store::instance_key(store_key(instance->vm, instance->key)),
                               schema::encode(*instance));
    }
    if (const auto* worker = std::get_if<WorkerRecord>(&record)) {
        return transaction.put(
            tables_.worker, store::worker_key({.worker = worker->id}), schema::encode(*worker));
    }
    if (const auto* action = std::get_if<ActionRecord>(&record)) {
        return transaction.put(
            tables_.action, store::action_key(action->action.id), schema::encode(*action));
    }
    if (const auto* plan = std::get_if<PlanRecord>(&record))
        return PlanRows{tables_.plan}.put(transaction, *plan);
    if (const auto* step = std::get_if<PlanStepRecord>(&record))
        return PlanRows{tables_.plan}.put(transaction, *step);
    const auto& lease = std::get<Lease>(record);
    return transaction.put(tables_.lease, store::vm_key(lease.vm), schema::encode(lease));
}

Status BrokerStore::erase_index(store::WriteTransaction& transaction, const VmId& id) const {
    const auto bytes = transaction.get(tables_.vm, store::vm_key(id));
    if (!bytes) return {};
    const auto old = schema::decode_vm(*bytes);
    if (!old) return {}; // a damaged row has no index entries that could be found
    const auto erase = [&](store::Table table, const std::string& text) -> Status {
        auto erased = transaction.erase(table, store::text_key(text, id));
        return erased ? Status{} : Status{tl::unexpected(erased.error())};
    };
    auto status = erase(tables_.by_label, old->label);
    for (const auto& mac : old->macs) {
        if (status) status = erase(tables_.by_mac, mac);
    }
    for (const auto& ip : old->ips) {
        if (status) status = erase(tables_.by_tcp, ip);
    }
    return status;
}

Status BrokerStore::put_vm(store::WriteTransaction& transaction, const VmRecord& vm) const {
    auto status = erase_index(transaction, vm.id);
    const auto index = [&](store::Table table, const std::string& text) {
        if (status) status = transaction.put(table, store::text_key(text, vm.id), {});
    };
    index(tables_.by_label, vm.label);
    for (const auto& mac : vm.macs) {
        index(tables_.by_mac, mac);
    }
    for (const auto& ip : vm.ips) {
        index(tables_.by_tcp, ip);
    }
    if (status) status = transaction.put(tables_.vm, store::vm_key(vm.id), schema::encode(vm));
    return status;
}

Result<std::size_t> BrokerStore::trim(std::uint64_t before, std::size_t limit) {
    return environment_.write([&](store::WriteTransaction& transaction) {
        return journal_.trim(transaction, before, limit);
    });
}

std::optional<std::uint64_t> BrokerStore::disk_room() const {
    std::error_code code;
    const auto space = std::filesystem::space(state_, code);
    return code ? std::nullopt : std::optional{std::uint64_t{space.available}};
}

Status BrokerStore::remember_head(Cursor head) const {
    return store::write_head(state_ + "/head", head);
}

template <typename T, typename Decode>
std::vector<T> BrokerStore::rows_below(store::Table table, const VmId& vm, Decode decode) const {
    std::vector<T> rows;
    const auto status = environment_.read([&](const store::ReadTransaction& transaction) -> Status {
        transaction.scan(table, store::vm_key(vm), [&](store::Bytes /*key*/, store::Bytes value) {
            if (auto row = decode(value)) rows.push_back(std::move(*row));
            return true;
        });
        return {};
    });
    if (!status) throw Fault(status.error());
    return rows;
}

template <typename Decode>
VmRef BrokerStore::vm_as(const VmId& id, Decode decode) const {
    VmRef found;
    const auto status = environment_.read([&](const store::ReadTransaction& transaction) -> Status {
        const auto bytes = transaction.get(tables_.vm, store::vm_key(id));
        if (!bytes) return {};
        if (auto row = decode(*bytes)) found = std::make_shared<const VmRecord>(std::move(*row));
        return {};
    });
    if (!status) throw Fault(status.error());
    return found;
}

VmRef BrokerStore::vm(const VmId& id) const {
    return vm_as(id, schema::decode_vm);
}

VmRef BrokerStore::vm_brief(const VmId& id) const {
    return vm_as(id, schema::decode_vm_brief);
}

std::vector<PathRecord> BrokerStore::paths(const VmId& vm) const {
    return rows_below<PathRecord>(tables_.path, vm, schema::decode_path);
}

std::vector<InstanceRecord> BrokerStore::instances(const VmId& vm) const {
    return rows_below<InstanceRecord>(tables_.instance, vm, schema::decode_instance);
}

void BrokerStore::each_vm(const VmId& after,
                          const std::function<bool(const VmRecord&)>& each) const {
    const auto status = environment_.read([&](const store::ReadTransaction& transaction) -> Status {
        transaction.scan_from(
            tables_.vm, store::vm_key(after), [&](store::Bytes /*key*/, store::Bytes value) {
                const auto row = schema::decode_vm(value);
                return !row || row->id == after || each(*row);
            });
        return {};
    });
    if (!status) throw Fault(status.error());
}

void BrokerStore::each_listed(const VmId& after, const EachListed& each) const {
    // Seeking the rows of every single VM costs more than decoding them: some VMs are read ahead,
    // then what belongs to them in one pass over each other table.
    // Their rows are kept from batch to batch: a list is made of memory it has already.
    constexpr std::size_t ahead = 64;
    std::vector<Listed> rows(ahead);
    auto last = after;
    const auto status = environment_.read([&](const store::ReadTransaction& transaction) -> Status {
        bool more = true;
        while (more) {
            std::size_t read = 0;
            transaction.scan_from(
                tables_.vm, store::vm_key(last), [&](store::Bytes /*key*/, store::Bytes value) {
                    auto row = schema::decode_vm_brief(value);
                    if (!row || row->id == last) return true;
                    auto& listed = rows[read++];
                    listed.vm = std::move(*row);
                    listed.paths.clear();
                    listed.instances.clear();
                    return read < ahead;
                });
            if (read == 0) break;
            const auto some = std::span{rows}.first(read);
            attach(transaction, tables_.path, some, &Listed::paths, schema::decode_path_brief);
            attach(
                transaction, tables_.instance, some, &Listed::instances, schema::decode_instance);
            last = some.back().vm.id;
            more = std::all_of(some.begin(), some.end(), each);
        }
        return {};
    });
    if (!status) throw Fault(status.error());
}

std::vector<VmId> BrokerStore::look_up(store::Table table, std::string_view text) const {
    std::vector<VmId> found;
    const auto status = environment_.read([&](const store::ReadTransaction& transaction) -> Status {
        transaction.scan(
            table, store::text_prefix(text), [&](store::Bytes key, store::Bytes /*value*/) {
                if (const auto decoded = store::decode_text_key(key)) found.push_back(decoded->vm);
                return true;
            });
        return {};
    });
    if (!status) throw Fault(status.error());
    return found;
}

std::vector<VmId> BrokerStore::by_label(std::string_view label) const {
    return look_up(tables_.by_label, label);
}

std::vector<VmId> BrokerStore::by_mac(std::string_view mac) const {
    return look_up(tables_.by_mac, mac);
}

std::vector<VmId> BrokerStore::by_ip(std::string_view ip) const {
    return look_up(tables_.by_tcp, ip);
}

void BrokerStore::read(std::uint64_t after,
                       const std::function<bool(const JournalItem&)>& each) const {
    const auto status = environment_.read([&](const store::ReadTransaction& transaction) -> Status {
        journal_.read(transaction, after, [&](const store::JournalRecord& record) {
            JournalItem item{
                .sequence = record.sequence, .recorded = record.recorded, .event = nullptr};
            if (record.health == store::RecordHealth::Good) {
                item.event = std::make_shared<const std::vector<std::byte>>(record.payload.begin(),
                                                                            record.payload.end());
            }
            return each(item);
        });
        return {};
    });
    if (!status) throw Fault(status.error());
}

std::uint64_t BrokerStore::sequence_at(WallTime time) const {
    const auto found =
        environment_.read([&](const store::ReadTransaction& transaction) -> Result<std::uint64_t> {
            return journal_.sequence_at(transaction, time);
        });
    if (!found) throw Fault(found.error());
    return *found;
}

} // namespace ctys::broker
