#include "mesh/store/schema_meta.h"

#include "mesh/store/keys.h"

#include <fmt/format.h>

#include <array>
#include <bit>

namespace ctys::store {

namespace {

// "ctys", byte order [1], version [4], epoch [8], created [8]; integers big-endian.
constexpr std::string_view magic = "ctys";
constexpr std::size_t row_bytes = 4 + 1 + 4 + 8 + 8;
// LMDB's file is in the byte order of the machine that made it.
constexpr auto byte_order =
    std::endian::native == std::endian::little ? std::byte{'l'} : std::byte{'b'};

Key row() {
    return name_key("store");
}

} // namespace

Result<std::optional<SchemaMeta>> read_meta(const ReadTransaction& transaction, Table meta) {
    const auto value = transaction.get(meta, row());
    if (!value) return std::nullopt;
    if (value->size() < row_bytes || text_of(value->first(magic.size())) != magic) {
        return fail(ErrorCode::Storage,
                    "the store is damaged or not one of ctys (meta row): restore a backup");
    }
    if ((*value)[4] != byte_order) {
        return fail(ErrorCode::Storage,
                    "the store comes from a machine with another byte order: start with an empty "
                    "state directory");
    }
    return SchemaMeta{
        .version = static_cast<std::uint32_t>(read_big_endian(value->subspan(5, 4))),
        .epoch = read_big_endian(value->subspan(9, 8)),
        .created = {static_cast<std::int64_t>(read_big_endian(value->subspan(17, 8)))}};
}

Status write_meta(WriteTransaction& transaction, Table meta, const SchemaMeta& value) {
    std::array<std::byte, row_bytes> bytes{};
    std::copy_n(bytes_of(magic).begin(), magic.size(), bytes.begin());
    bytes[4] = byte_order;
    write_big_endian(bytes.data() + 5, value.version, 4);
    write_big_endian(bytes.data() + 9, value.epoch, 8);
    write_big_endian(bytes.data() + 17, static_cast<std::uint64_t>(value.created.us), 8);
    return transaction.put(meta, row(), bytes);
}

Result<SchemaMeta> open_or_create_meta(WriteTransaction& transaction,
                                       Table meta,
                                       const SchemaRules& rules,
                                       const SchemaMeta& fresh) {
    auto found = read_meta(transaction, meta);
    if (!found) return tl::unexpected(found.error());
    auto value = found->value_or(fresh);
    if (!*found) {
        value.version = rules.version;
    } else if (value.version > rules.version) {
        return fail(
            ErrorCode::Storage,
            fmt::format("the store was written by a newer {} (schema {}, this program knows "
                        "up to {}): install that version or restore a backup",
                        rules.program,
                        value.version,
                        rules.version));
    }
    for (; value.version < rules.version; ++value.version) {
        const auto step = value.version - 1; // version 0 was never written
        if (value.version == 0 || step >= rules.migrations.size() || !rules.migrations[step]) {
            return fail(ErrorCode::Storage,
                        fmt::format("the store has schema {}, from which this {} has no way to {}: "
                                    "install a version in between first",
                                    value.version,
                                    rules.program,
                                    rules.version));
        }
        auto migrated = rules.migrations[step](transaction);
        if (!migrated) {
            return wrap(fmt::format("upgrade the store from schema {}", value.version),
                        migrated.error());
        }
    }
    if (*found == value) return value;
    return write_meta(transaction, meta, value).map([&value] { return value; });
}

} // namespace ctys::store
