#include "mesh/store/transaction.h"

#include "mesh/store/lmdb_error.h"

#include <lmdb.h>

#include <algorithm>
#include <cstring>

namespace ctys::store {

namespace {

MDB_val to_val(Bytes bytes) {
    // LMDB's interface is not const-correct; it does not write through keys and values it is given.
    return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}

MDB_val to_key(Bytes key) {
    CTYS_ASSERT(!key.empty() && key.size() <= max_key_bytes);
    return to_val(key);
}

Bytes to_bytes(const MDB_val& value) {
    return {static_cast<const std::byte*>(value.mv_data), value.mv_size};
}

bool starts_with(Bytes text, Bytes prefix) {
    return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin());
}

bool is_less(Bytes a, Bytes b) {
    const auto common = std::min(a.size(), b.size());
    const int order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
    return order != 0 ? order < 0 : a.size() < b.size();
}

} // namespace

ReadSlot::~ReadSlot() {
    for (auto* cursor : cursors) {
        if (cursor != nullptr) ::mdb_cursor_close(cursor);
    }
    ::mdb_txn_abort(txn);
}

/// An idle cursor of the slot, or a new one; goes back to the slot. Cursors of a write transaction
/// must be closed before it ends, so they are never kept.
class ReadTransaction::LentCursor {
public:
    LentCursor(const ReadTransaction& owner, Table table) : owner_(owner), table_(table.handle()) {
        CTYS_ASSERT(table_ != 0);
        if (auto* slot = owner.slot_; slot != nullptr && table_ < slot->cursors.size()) {
            cursor_ = std::exchange(slot->cursors[table_], nullptr);
        }
        const int code = cursor_ != nullptr ? ::mdb_cursor_renew(owner.txn_, cursor_)
                                            : ::mdb_cursor_open(owner.txn_, table_, &cursor_);
        if (code != 0) owner.remember(code);
        usable_ = code == 0;
    }
    ~LentCursor() {
        if (cursor_ == nullptr) return;
        if (auto* slot = owner_.slot_; slot != nullptr && usable_) {
            if (table_ >= slot->cursors.size()) slot->cursors.resize(table_ + 1, nullptr);
            std::swap(slot->cursors[table_], cursor_);
        }
        // What is left is one too many (a nested scan), broken, or of a write transaction.
        if (cursor_ != nullptr) ::mdb_cursor_close(cursor_);
    }
    LentCursor(const LentCursor&) = delete;
    LentCursor& operator=(const LentCursor&) = delete;

    /// Moves; false at the end and after a failure. `key` is read by MDB_SET_RANGE.
    bool move(MDB_val& key, MDB_val& value, MDB_cursor_op how) {
        if (!usable_) return false;
        const int code = ::mdb_cursor_get(cursor_, &key, &value, how);
        if (code != 0) owner_.remember(code);
        return code == 0;
    }
    /// At the first key not less than `first`; an empty one means the beginning.
    bool seek(Bytes first, MDB_val& key, MDB_val& value) {
        if (first.empty()) return move(key, value, MDB_FIRST);
        key = to_key(first);
        return move(key, value, MDB_SET_RANGE);
    }
    int erase() { return ::mdb_cursor_del(cursor_, 0); }

private:
    const ReadTransaction& owner_;
    unsigned table_;
    MDB_cursor* cursor_ = nullptr;
    bool usable_ = false;
};

void ReadTransaction::remember(int code) const {
    if (code != MDB_NOTFOUND && failure_ == 0) failure_ = code;
}

std::optional<Bytes> ReadTransaction::get(Table table, Bytes key) const {
    CTYS_ASSERT(table.handle() != 0);
    auto wanted = to_key(key);
    MDB_val value{};
    const int code = ::mdb_get(txn_, table.handle(), &wanted, &value);
    if (code == 0) return to_bytes(value);
    remember(code);
    return std::nullopt;
}

void ReadTransaction::visit_range(
    Table table, Bytes first, Bytes prefix, Call each, const void* visit) const {
    LentCursor cursor(*this, table);
    MDB_val key{};
    MDB_val value{};
    bool more = cursor.seek(first, key, value);
    while (more && starts_with(to_bytes(key), prefix)) {
        if (!each(const_cast<void*>(visit), to_bytes(key), to_bytes(value))) return;
        more = cursor.move(key, value, MDB_NEXT);
    }
}

std::optional<Entry> ReadTransaction::at_or_after(Table table, Bytes key) const {
    LentCursor cursor(*this, table);
    MDB_val found{};
    MDB_val value{};
    if (!cursor.seek(key, found, value)) return std::nullopt;
    return Entry{to_bytes(found), to_bytes(value)};
}

std::optional<Entry> ReadTransaction::last(Table table) const {
    LentCursor cursor(*this, table);
    MDB_val key{};
    MDB_val value{};
    if (!cursor.move(key, value, MDB_LAST)) return std::nullopt;
    return Entry{to_bytes(key), to_bytes(value)};
}

std::size_t ReadTransaction::count(Table table) const {
    CTYS_ASSERT(table.handle() != 0);
    MDB_stat stat{};
    const int code = ::mdb_stat(txn_, table.handle(), &stat);
    if (code != 0) remember(code);
    return code == 0 ? stat.ms_entries : 0;
}

Status WriteTransaction::failed(std::string_view doing, int code) {
    if (failure_ == 0) failure_ = code;
    return tl::unexpected(lmdb_error(doing, code));
}

Status WriteTransaction::put(Table table, Bytes key, Bytes value) {
    CTYS_ASSERT(table.handle() != 0);
    auto where = to_key(key);
    auto what = to_val(value);
    const int code = ::mdb_put(txn_, table.handle(), &where, &what, 0);
    if (code != 0) return failed("write a record", code);
    return {};
}

Status WriteTransaction::put_append(Table table, Bytes key, Bytes head, Bytes body) {
    CTYS_ASSERT(table.handle() != 0);
    auto where = to_key(key);
    MDB_val space{head.size() + body.size(), nullptr};
    const int code = ::mdb_put(txn_, table.handle(), &where, &space, MDB_APPEND | MDB_RESERVE);
    if (code == MDB_KEYEXIST) {
        return fail(ErrorCode::Conflict, "append a record: its key is not behind the last one");
    }
    if (code != 0) return failed("append a record", code);
    auto* at = static_cast<std::byte*>(space.mv_data);
    std::copy(body.begin(), body.end(), std::copy(head.begin(), head.end(), at));
    return {};
}

Result<bool> WriteTransaction::erase(Table table, Bytes key) {
    CTYS_ASSERT(table.handle() != 0);
    auto where = to_key(key);
    const int code = ::mdb_del(txn_, table.handle(), &where, nullptr);
    if (code == MDB_NOTFOUND) return false;
    if (code != 0) return tl::unexpected(failed("erase a record", code).error());
    return true;
}

template <typename Accept>
Result<std::size_t>
WriteTransaction::erase_while(Table table, Bytes first, std::size_t limit, const Accept& accept) {
    LentCursor cursor(*this, table);
    std::size_t erased = 0;
    MDB_val key{};
    MDB_val value{};
    // Deleting invalidates positions: every round seeks afresh.
    while (erased < limit && cursor.seek(first, key, value) && accept(to_bytes(key))) {
        const int code = cursor.erase();
        if (code != 0) return tl::unexpected(failed("erase records", code).error());
        ++erased;
    }
    if (failure_ != 0) return tl::unexpected(lmdb_error("erase records", failure_));
    return erased;
}

Result<std::size_t> WriteTransaction::erase_prefix(Table table, Bytes prefix, std::size_t limit) {
    CTYS_ASSERT(!prefix.empty());
    return erase_while(
        table, prefix, limit, [prefix](Bytes key) { return starts_with(key, prefix); });
}

Result<std::size_t> WriteTransaction::erase_before(Table table, Bytes end, std::size_t limit) {
    return erase_while(table, {}, limit, [end](Bytes key) { return is_less(key, end); });
}

} // namespace ctys::store
