#pragma once

#include "mesh/core/time.h"
#include "mesh/store/environment.h"

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace ctys::store {

/// The row "store" of table meta: schema version, epoch, creation time and byte order.
struct SchemaMeta {
    std::uint32_t version = 0;
    std::uint64_t epoch = 0; ///< of the journal: part of every cursor; 0 where there is no journal
    WallTime created;

    bool operator==(const SchemaMeta&) const = default;
};

/// Brings the tables from one version to the next.
using Migration = std::function<Status(WriteTransaction&)>;

struct SchemaRules {
    std::string_view program; ///< for messages: "ctys-broker"
    std::uint32_t version = 1;
    /// `migrations[i]` goes from version i + 1 to i + 2; those before the oldest supported one are
    /// empty functions.
    std::vector<Migration> migrations;
};

/// Reads the meta row; writes `fresh` (with the version of `rules`) where there is none, migrates
/// an older one inside this transaction. Run it before anything else is done with the store.
/// Errors: Storage (written by a newer program, or too old, or damaged), those of the migrations.
[[nodiscard]] Result<SchemaMeta> open_or_create_meta(WriteTransaction& transaction,
                                                     Table meta,
                                                     const SchemaRules& rules,
                                                     const SchemaMeta& fresh);

/// None where the row is missing. Errors: Storage.
[[nodiscard]] Result<std::optional<SchemaMeta>> read_meta(const ReadTransaction& transaction,
                                                          Table meta);
/// Replaces the row, for example with a new epoch. Errors: Storage.
[[nodiscard]] Status write_meta(WriteTransaction& transaction, Table meta, const SchemaMeta& value);

} // namespace ctys::store
