#include "mesh/store/journal.h"

#include "mesh/core/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys::store {

namespace {

constexpr std::size_t checksum_bytes = 8;
constexpr std::size_t time_bytes = 8;
constexpr std::size_t header_bytes = checksum_bytes + time_bytes + 1;
constexpr std::uint8_t format_event = 1;
constexpr std::uint8_t format_quarantined = 255;
constexpr std::int64_t minute_us = 60'000'000;

std::uint64_t checksum(std::uint64_t sequence, Bytes time_and_format, Bytes payload) {
    std::array<std::byte, 8 + time_bytes + 1> head{};
    write_big_endian(head.data(), sequence, 8);
    std::copy(time_and_format.begin(), time_and_format.end(), head.begin() + 8);
    return digest(payload, digest(std::span<const std::byte>(head)));
}

std::array<std::byte, header_bytes>
encode_header(std::uint64_t sequence, WallTime recorded, std::uint8_t format, Bytes payload) {
    std::array<std::byte, header_bytes> header{};
    auto* time = header.data() + checksum_bytes;
    write_big_endian(time, static_cast<std::uint64_t>(recorded.us), time_bytes);
    header.back() = static_cast<std::byte>(format);
    write_big_endian(header.data(),
                     checksum(sequence, std::span(header).subspan(checksum_bytes), payload),
                     checksum_bytes);
    return header;
}

} // namespace

Result<Journal> Journal::open(Environment& environment) {
    const std::array names = {table::journal, table::jtime, table::quarantine};
    return environment.open_tables(names).map(
        [](const std::vector<Table>& tables) { return Journal(tables[0], tables[1], tables[2]); });
}

JournalRecord Journal::decode(Bytes key, Bytes value) {
    JournalRecord record{.sequence = decode_sequence_key(key).value_or(0),
                         .recorded = {},
                         .health = RecordHealth::Damaged,
                         .payload = {}};
    if (record.sequence == 0 || value.size() < header_bytes) return record;
    const auto payload = value.subspan(header_bytes);
    const auto covered = value.subspan(checksum_bytes, time_bytes + 1);
    if (read_big_endian(value.first(checksum_bytes)) !=
        checksum(record.sequence, covered, payload)) {
        return record;
    }
    const auto format = std::to_integer<std::uint8_t>(covered.back());
    if (format != format_event && format != format_quarantined) return record;
    record.recorded.us = static_cast<std::int64_t>(read_big_endian(covered.first(time_bytes)));
    record.health = format == format_event ? RecordHealth::Good : RecordHealth::Quarantined;
    record.payload = payload;
    return record;
}

Status Journal::append(WriteTransaction& transaction,
                       std::uint64_t sequence,
                       WallTime recorded,
                       Bytes payload) const {
    if (sequence == 0) return fail(ErrorCode::Conflict, "journal sequences start at 1");
    const auto header = encode_header(sequence, recorded, format_event, payload);
    const auto key = sequence_key(sequence);
    if (auto put = transaction.put_append(journal_, key, header, payload); !put) return put;
    const auto minute = minute_key(recorded.us / minute_us);
    if (transaction.get(minutes_, minute)) return {};
    return transaction.put(minutes_, minute, key);
}

std::optional<JournalRecord> Journal::first(const ReadTransaction& transaction) const {
    const auto entry = transaction.at_or_after(journal_, {});
    if (!entry) return std::nullopt;
    return decode(entry->key, entry->value);
}

std::optional<JournalRecord> Journal::last(const ReadTransaction& transaction) const {
    const auto entry = transaction.last(journal_);
    if (!entry) return std::nullopt;
    return decode(entry->key, entry->value);
}

std::optional<JournalRecord> Journal::good_at_or_after(const ReadTransaction& transaction,
                                                       std::uint64_t sequence) const {
    std::optional<JournalRecord> found;
    transaction.scan_from(journal_, sequence_key(sequence), [&](Bytes key, Bytes value) {
        const auto record = decode(key, value);
        if (record.health == RecordHealth::Damaged) return true; // its time cannot be trusted
        found = record;
        return false;
    });
    return found;
}

std::uint64_t Journal::sequence_at(const ReadTransaction& transaction, WallTime time) const {
    const auto oldest = first(transaction);
    const auto newest = last(transaction);
    if (!oldest || !newest) return 1;
    // All records of earlier minutes are before this row, all of later minutes behind the next.
    auto low = oldest->sequence;
    auto high = newest->sequence + 1;
    const auto minute = time.us / minute_us;
    const auto bound = [&](std::int64_t at, std::uint64_t otherwise) {
        const auto row = transaction.at_or_after(minutes_, minute_key(at));
        return row && row->value.size() == 8 ? read_big_endian(row->value) : otherwise;
    };
    low = std::clamp(bound(minute, high), low, high);
    high = std::clamp(bound(minute + 1, high), low, high);
    while (low < high) {
        const auto middle = low + (high - low) / 2;
        const auto record = good_at_or_after(transaction, middle);
        if (!record || record->recorded >= time || record->sequence >= high) {
            high = middle;
        } else {
            low = record->sequence + 1;
        }
    }
    return low;
}

TailReport Journal::check_tail(const ReadTransaction& transaction, std::uint64_t count) const {
    TailReport report;
    const auto newest = last(transaction);
    if (!newest || count == 0) return report;
    const auto oldest = first(transaction);
    const auto start = newest->sequence >= count ? newest->sequence - count + 1 : 1;
    auto expected = std::max(start, oldest ? oldest->sequence : start);
    read(transaction, expected - 1, [&](const JournalRecord& record) {
        ++report.examined;
        if (record.health == RecordHealth::Damaged) report.damaged.push_back(record.sequence);
        for (; expected < record.sequence && report.missing.size() < count; ++expected) {
            report.missing.push_back(expected);
        }
        expected = record.sequence + 1;
        return true;
    });
    return report;
}

Status Journal::quarantine(WriteTransaction& transaction, std::uint64_t sequence) const {
    const auto key = sequence_key(sequence);
    const auto found = transaction.get(journal_, key);
    if (!found) {
        return fail(ErrorCode::NotFound, fmt::format("the journal has no record {}", sequence));
    }
    // Writing may move the page that the view points into.
    const std::vector<std::byte> bytes(found->begin(), found->end());
    WallTime recorded;
    if (sequence > 1) {
        const auto before = transaction.get(journal_, sequence_key(sequence - 1));
        if (before) recorded = decode(sequence_key(sequence - 1), *before).recorded;
    }
    if (auto put = transaction.put(quarantine_, key, bytes); !put) return put;
    return transaction.put(
        journal_, key, encode_header(sequence, recorded, format_quarantined, {}));
}

Result<std::size_t>
Journal::trim(WriteTransaction& transaction, std::uint64_t before, std::size_t limit) const {
    const auto newest = last(transaction);
    if (!newest) return std::size_t{0};
    const auto end = std::min(before, newest->sequence);
    auto erased = transaction.erase_before(journal_, sequence_key(end), limit);
    if (!erased) return erased;
    const auto oldest = first(transaction);
    if (*erased == 0 || !oldest) return erased;
    const auto key = sequence_key(oldest->sequence);
    if (auto set_aside = transaction.erase_before(quarantine_, key, limit); !set_aside) {
        return set_aside;
    }
    if (auto minutes = trim_minutes(transaction, oldest->sequence, limit); !minutes) {
        return tl::unexpected(minutes.error());
    }
    return erased;
}

Status
Journal::trim_minutes(WriteTransaction& transaction, std::uint64_t first, std::size_t limit) const {
    // The last row that begins before `first` stays: records of its minute are still there.
    std::optional<Key> end;
    std::size_t seen = 0;
    transaction.scan(minutes_, {}, [&](Bytes key, Bytes value) {
        if (read_big_endian(value.first(std::min<std::size_t>(value.size(), 8))) > first) {
            return false;
        }
        end = Key{}.add(key);
        return ++seen <= limit;
    });
    if (!end) return {};
    const auto erased = transaction.erase_before(minutes_, *end, limit);
    if (!erased) return tl::unexpected(erased.error());
    return {};
}

} // namespace ctys::store
