#include "agent/shell/spool_store.h"

#include "mesh/core/digest.h"
#include "mesh/store/keys.h"
#include "mesh/store/schema_meta.h"
#include "schema/codec.h"

#include <array>
#include <cstring>

namespace ctys::agent {

namespace {

namespace table = store::table;

constexpr auto stream_row = "stream";
constexpr auto end_row = "end";
constexpr auto acknowledged_row = "acknowledged";
constexpr auto host_row = "host";

using Pair = std::array<std::byte, 16>;

Pair pair_of(std::uint64_t first, std::uint64_t second) {
    Pair bytes{};
    store::write_big_endian(bytes.data(), first, 8);
    store::write_big_endian(bytes.data() + 8, second, 8);
    return bytes;
}

std::pair<std::uint64_t, std::uint64_t> read_pair(std::optional<store::Bytes> bytes) {
    if (!bytes || bytes->size() != 16) return {0, 0};
    return {store::read_big_endian(bytes->first(8)), store::read_big_endian(bytes->subspan(8))};
}

/// Boot id, a byte that says whether a stop is under way, and the ids of what ran.
std::vector<std::byte> bytes_of(const HostMemory& memory) {
    std::vector<std::byte> out;
    const auto add = [&](const Uuid& uuid) {
        const auto bytes = std::as_bytes(std::span{uuid.bytes});
        out.insert(out.end(), bytes.begin(), bytes.end());
    };
    add(memory.boot.uuid);
    out.push_back(std::byte{memory.is_stopping ? std::uint8_t{1} : std::uint8_t{0}});
    for (const auto& vm : memory.ran) {
        add(vm.uuid);
    }
    return out;
}

HostMemory memory_from(std::optional<store::Bytes> bytes) {
    HostMemory out;
    const auto size = out.boot.uuid.bytes.size();
    if (!bytes || bytes->size() < size + 1 || (bytes->size() - 1) % size != 0) return out;
    const auto take = [&](std::size_t at) {
        Uuid uuid;
        std::memcpy(uuid.bytes.data(), bytes->data() + at, size);
        return uuid;
    };
    out.boot = {take(0)};
    out.is_stopping = (*bytes)[size] != std::byte{0};
    for (auto at = size + 1; at < bytes->size(); at += size) {
        out.ran.push_back({take(at)});
    }
    return out;
}

/// Paths may be longer than a key: 16 bytes of digest, told apart by what is in the value.
store::Key path_key(const std::string& config) {
    store::Key key;
    key.add_integer(digest(config, 1), 8);
    key.add_integer(digest(config, 2), 8);
    return key;
}

} // namespace

Result<SpoolStore> SpoolStore::open(const std::string& state, StreamId fresh, WallTime now) {
    auto environment =
        store::Environment::open(state + "/spool", {.map_size = std::size_t{4} << 30});
    if (!environment) return tl::unexpected(environment.error());
    constexpr std::array names = {
        table::meta, table::spool, table::intent, table::mark, table::path};
    auto opened = environment->open_tables(names);
    if (!opened) return tl::unexpected(opened.error());
    const Tables tables{(*opened)[0], (*opened)[1], (*opened)[2], (*opened)[3], (*opened)[4]};
    auto ready = environment->write([&](store::WriteTransaction& transaction) -> Status {
        auto meta = store::open_or_create_meta(
            transaction,
            tables.meta,
            {.program = "ctys-agent", .version = schema_version, .migrations = {}},
            store::SchemaMeta{.version = schema_version, .epoch = 0, .created = now});
        if (!meta) return tl::unexpected(meta.error());
        if (transaction.get(tables.mark, store::name_key(stream_row))) return {};
        return transaction.put(
            tables.mark, store::name_key(stream_row), std::as_bytes(std::span{fresh.uuid.bytes}));
    });
    if (!ready) return tl::unexpected(ready.error());
    return SpoolStore{std::move(*environment), tables};
}

Result<Recovered> SpoolStore::recover() const {
    return environment_.read([&](const store::ReadTransaction& transaction) -> Result<Recovered> {
        Recovered out;
        const auto stream = transaction.get(tables_.mark, store::name_key(stream_row));
        if (!stream || stream->size() != out.stream.stream.uuid.bytes.size()) {
            return fail(ErrorCode::Storage,
                        "the spool does not say whose stream it is",
                        "move the spool folder away");
        }
        std::memcpy(out.stream.stream.uuid.bytes.data(), stream->data(), stream->size());
        std::tie(out.stream.last_sequence, out.stream.hash) =
            read_pair(transaction.get(tables_.mark, store::name_key(end_row)));
        std::tie(out.stream.acknowledged.epoch, out.stream.acknowledged.sequence) =
            read_pair(transaction.get(tables_.mark, store::name_key(acknowledged_row)));
        out.memory = memory_from(transaction.get(tables_.mark, store::name_key(host_row)));
        transaction.scan(tables_.spool, {}, [&](store::Bytes key, store::Bytes value) {
            const auto sequence = store::decode_sequence_key(key);
            if (!sequence || value.size() < 8) return false;
            const auto body = value.subspan(8);
            // A hole would shift everything behind it: what lies before is told as a gap.
            auto& kept = out.stream.kept;
            if (!kept.empty() && kept.back().sequence + 1 != *sequence) kept.clear();
            out.stream.kept.push_back(SpoolEvent{
                .sequence = *sequence,
                .hash_before = store::read_big_endian(value.first(8)),
                .bytes = std::make_shared<const std::vector<std::byte>>(body.begin(), body.end())});
            return true;
        });
        transaction.scan(tables_.intent, {}, [&](store::Bytes /*key*/, store::Bytes value) {
            if (auto intent = schema::decode_intent(value))
                out.intents.push_back(std::move(*intent));
            return true;
        });
        return out;
    });
}

Status SpoolStore::commit(std::span<const Spool> units, const std::optional<TrimSpool>& trim) {
    return environment_.write([&](store::WriteTransaction& transaction) -> Status {
        std::vector<std::byte> value;
        for (const auto& unit : units) {
            for (const auto& event : unit.events) {
                value.resize(8);
                store::write_big_endian(value.data(), event.hash_before, 8);
                value.insert(value.end(), event.bytes->begin(), event.bytes->end());
                if (auto put =
                        transaction.put(tables_.spool, store::sequence_key(event.sequence), value);
                    !put)
                    return put;
            }
            for (const auto& intent : unit.begun) {
                auto put = transaction.put(
                    tables_.intent, store::action_key(intent.action), schema::encode(intent));
                if (!put) return put;
            }
            for (const auto& action : unit.ended) {
                if (auto erased = transaction.erase(tables_.intent, store::action_key(action));
                    !erased) {
                    return tl::unexpected(erased.error());
                }
            }
            if (unit.memory) {
                const auto memory = bytes_of(*unit.memory);
                auto put = transaction.put(tables_.mark, store::name_key(host_row), memory);
                if (!put) return put;
            }
            if (unit.events.empty()) continue;
            const auto& last = unit.events.back();
            const auto end = pair_of(last.sequence, digest(view(last.bytes), last.hash_before));
            if (auto put = transaction.put(tables_.mark, store::name_key(end_row), end); !put)
                return put;
        }
        if (!trim) return {};
        auto erased =
            transaction.erase_before(tables_.spool, store::sequence_key(trim->through + 1), 65536);
        if (!erased) return tl::unexpected(erased.error());
        const auto cursor = pair_of(trim->cursor.epoch, trim->cursor.sequence);
        return transaction.put(tables_.mark, store::name_key(acknowledged_row), cursor);
    });
}

Result<std::vector<PathFacts>> SpoolStore::paths() const {
    return environment_.read(
        [&](const store::ReadTransaction& transaction) -> Result<std::vector<PathFacts>> {
            std::vector<PathFacts> out;
            transaction.scan(tables_.path, {}, [&](store::Bytes /*key*/, store::Bytes value) {
                auto event = schema::decode_event(value);
                if (!event) return true; // found again by the next scan
                if (auto* facts = std::get_if<PathFacts>(&event->payload))
                    out.push_back(std::move(*facts));
                return true;
            });
            return out;
        });
}

Status SpoolStore::keep_paths(std::span<const PathFacts> paths, std::span<const std::string> lost) {
    return environment_.write([&](store::WriteTransaction& transaction) -> Status {
        for (const auto& facts : paths) {
            Event event{.kind = EventKind::PathSeen};
            event.payload = facts;
            const auto bytes = schema::encode_event(event);
            if (auto put = transaction.put(tables_.path, path_key(facts.path.config), view(bytes));
                !put)
                return put;
        }
        for (const auto& config : lost) {
            if (auto erased = transaction.erase(tables_.path, path_key(config)); !erased) {
                return tl::unexpected(erased.error());
            }
        }
        return {};
    });
}

} // namespace ctys::agent
