#pragma once

#include "mesh/core/time.h"
#include "mesh/store/environment.h"
#include "mesh/store/keys.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace ctys::store {

enum class RecordHealth {
    Good,
    Damaged,     ///< the checksum does not match: time and payload are empty
    Quarantined, ///< was found damaged and set aside: shown as a gap, payload is empty
};

struct JournalRecord {
    std::uint64_t sequence = 0;
    WallTime recorded;
    RecordHealth health = RecordHealth::Good;
    Bytes payload; ///< the encoded event; a view that ends with the transaction
};

/// What checking the end of a journal has found; sequences ascend.
struct TailReport {
    std::uint64_t examined = 0;
    std::vector<std::uint64_t> damaged;
    std::vector<std::uint64_t> missing; ///< holes between records, listed up to the number examined

    [[nodiscard]] bool is_sound() const { return damaged.empty() && missing.empty(); }
};

/// The ordered log of events: records that are appended, read forward, and trimmed from the front.
/// It has no state of its own: everything is done inside a transaction that the caller lends, so
/// that a record and the change it stands for are committed together.
///
/// A record is checksum [8], recorded time in us [8], format [1], payload; integers big-endian. The
/// checksum (XXH3) covers the sequence too, so that a record at a wrong place is found as damaged.
class Journal {
public:
    /// Opens, and creates where needed, the tables journal, jtime and quarantine.
    [[nodiscard]] static Result<Journal> open(Environment& environment);

    /// `recorded` is not before that of the last record (the caller takes the maximum). Errors:
    /// Conflict (`sequence` is 0 or not behind the last one), Storage.
    [[nodiscard]] Status append(WriteTransaction& transaction,
                                std::uint64_t sequence,
                                WallTime recorded,
                                Bytes payload) const;

    /// Calls `visit(const JournalRecord&) -> bool` for the records behind `after`, in order, until
    /// it returns false.
    template <typename Visit>
    void read(const ReadTransaction& transaction, std::uint64_t after, Visit&& visit) const {
        if (after == UINT64_MAX) return;
        transaction.scan_from(journal_, sequence_key(after + 1), [&](Bytes key, Bytes value) {
            return visit(decode(key, value));
        });
    }

    [[nodiscard]] std::optional<JournalRecord> first(const ReadTransaction& transaction) const;
    [[nodiscard]] std::optional<JournalRecord> last(const ReadTransaction& transaction) const;

    /// The first sequence recorded at or after `time`; one behind the last record where there is
    /// none (1 in an empty journal).
    [[nodiscard]] std::uint64_t sequence_at(const ReadTransaction& transaction,
                                            WallTime time) const;

    /// Examines the last `count` records.
    [[nodiscard]] TailReport check_tail(const ReadTransaction& transaction,
                                        std::uint64_t count) const;

    /// Moves the bytes of a damaged record to the table quarantine; what stays reads as
    /// Quarantined, with the time of the record before it. Errors: NotFound, Storage.
    [[nodiscard]] Status quarantine(WriteTransaction& transaction, std::uint64_t sequence) const;

    /// Removes records less than `before`, lowest first, at most `limit` of them; the last record
    /// always stays, it carries the head. Returns how many. Errors: Storage.
    [[nodiscard]] Result<std::size_t>
    trim(WriteTransaction& transaction, std::uint64_t before, std::size_t limit) const;

    /// A key that is no sequence gives a Damaged record of sequence 0.
    [[nodiscard]] static JournalRecord decode(Bytes key, Bytes value);

private:
    Journal(Table journal, Table minutes, Table quarantine)
        : journal_(journal), minutes_(minutes), quarantine_(quarantine) {}

    [[nodiscard]] std::optional<JournalRecord> good_at_or_after(const ReadTransaction& transaction,
                                                                std::uint64_t sequence) const;
    [[nodiscard]] Status
    trim_minutes(WriteTransaction& transaction, std::uint64_t first, std::size_t limit) const;

    Table journal_;
    Table minutes_;
    Table quarantine_;
};

} // namespace ctys::store
