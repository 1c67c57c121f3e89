#pragma once

#include "mesh/core/error.h"
#include "mesh/store/bytes.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

struct MDB_txn;
struct MDB_cursor;

namespace ctys::store {

/// LMDB's limit for keys; an empty key is not possible.
constexpr std::size_t max_key_bytes = 511;

/// A named table of one environment; opened once at start and copied freely. Uses of a
/// default-constructed one are bugs.
class Table {
public:
    Table() = default;
    explicit Table(unsigned handle) : handle_(handle) {}
    [[nodiscard]] unsigned handle() const { return handle_; }

private:
    unsigned handle_ = 0; // LMDB's own tables are 0 and 1, so 0 is never a table of ours
};

struct Entry {
    Bytes key;
    Bytes value;
};

/// One LMDB read transaction with the cursors that were opened in it; both are used again.
struct ReadSlot {
    explicit ReadSlot(MDB_txn* begun) : txn(begun) {}
    ~ReadSlot();
    ReadSlot(const ReadSlot&) = delete;
    ReadSlot& operator=(const ReadSlot&) = delete;

    MDB_txn* txn;
    std::vector<MDB_cursor*> cursors; ///< by table handle; null where none is idle
};

/// A consistent view, lent by Environment::read for the duration of one call. Views it returns end
/// with it. A read that fails in LMDB (damaged page) returns nothing, and the read() or write()
/// around it then returns the Storage error whatever the callable returned.
class ReadTransaction {
public:
    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;

    [[nodiscard]] std::optional<Bytes> get(Table table, Bytes key) const;

    /// Calls `visit(key, value) -> bool` for all keys that start with `prefix`, in order, until it
    /// returns false. It must not change the table that is being read. An empty prefix means all.
    template <typename Visit>
    void scan(Table table, Bytes prefix, Visit&& visit) const {
        visit_range(table, prefix, prefix, &call<std::remove_reference_t<Visit>>, &visit);
    }
    /// The same for all keys from `first` (inclusive) to the end of the table.
    template <typename Visit>
    void scan_from(Table table, Bytes first, Visit&& visit) const {
        visit_range(table, first, {}, &call<std::remove_reference_t<Visit>>, &visit);
    }

    /// The first entry whose key is not less than `key`.
    [[nodiscard]] std::optional<Entry> at_or_after(Table table, Bytes key) const;
    [[nodiscard]] std::optional<Entry> last(Table table) const;
    [[nodiscard]] std::size_t count(Table table) const;

protected:
    friend class Environment;
    ReadTransaction(MDB_txn* txn, ReadSlot* slot) : txn_(txn), slot_(slot) {}
    ~ReadTransaction() = default;

    class LentCursor;

    MDB_txn* txn_;
    mutable int failure_ = 0; ///< the first return code that is not an outcome

private:
    using Call = bool (*)(void* visit, Bytes key, Bytes value);

    template <typename Visit>
    static bool call(void* visit, Bytes key, Bytes value) {
        return (*static_cast<Visit*>(visit))(key, value);
    }
    void visit_range(Table table, Bytes first, Bytes prefix, Call each, const void* visit) const;
    void remember(int code) const;

    ReadSlot* slot_; ///< null in a write transaction
};

/// Lent by Environment::write; sees its own changes. After an operation has failed with Storage the
/// transaction can only be given up, and write() returns that error whatever the callable says.
class WriteTransaction : public ReadTransaction {
public:
    /// Errors: Storage.
    Status put(Table table, Bytes key, Bytes value);
    /// Puts `head` and `body`, joined, behind the last key. Errors: Conflict (the key is not
    /// greater than the last one; the transaction stays usable), Storage.
    Status put_append(Table table, Bytes key, Bytes head, Bytes body = {});
    /// Whether there was such a key. Errors: Storage.
    Result<bool> erase(Table table, Bytes key);
    /// Erases at most `limit` of the keys that start with `prefix`, which is not empty; returns how
    /// many. Errors: Storage.
    Result<std::size_t> erase_prefix(Table table, Bytes prefix, std::size_t limit);
    /// Erases at most `limit` of the keys less than `end`, lowest first. Errors: Storage.
    Result<std::size_t> erase_before(Table table, Bytes end, std::size_t limit);

private:
    friend class Environment;
    explicit WriteTransaction(MDB_txn* txn) : ReadTransaction(txn, nullptr) {}

    Status failed(std::string_view doing, int code);
    template <typename Accept>
    Result<std::size_t>
    erase_while(Table table, Bytes first, std::size_t limit, const Accept& accept);
};

} // namespace ctys::store
