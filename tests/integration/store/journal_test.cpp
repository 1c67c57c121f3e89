#include "mesh/store/journal.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::store;

namespace {

constexpr std::int64_t second = 1'000'000;

struct JournalFixture {
    support::TemporaryDirectory directory;
    Environment environment =
        Environment::open(directory / "db", {.durability = Durability::Lazy}).value();
    Journal journal = Journal::open(environment).value();
    Table raw = environment.open_table(table::journal).value();

    Status append(std::uint64_t sequence, std::int64_t at_s, std::string_view payload = "event") {
        return environment.write([&](WriteTransaction& transaction) {
            return journal.append(
                transaction, sequence, WallTime{at_s * second}, bytes_of(payload));
        });
    }
    void fill(std::uint64_t count, std::int64_t step_s) {
        REQUIRE(environment.write([&](WriteTransaction& transaction) -> Status {
            for (std::uint64_t i = 1; i <= count; ++i) {
                const WallTime at{static_cast<std::int64_t>(i) * step_s * second};
                auto put = journal.append(transaction, i, at, bytes_of("e" + std::to_string(i)));
                if (!put) return put;
            }
            return {};
        }));
    }
    void flip(std::uint64_t sequence, std::size_t at) {
        REQUIRE(environment.write([&](WriteTransaction& transaction) {
            const auto value = *transaction.get(raw, sequence_key(sequence));
            std::vector<std::byte> bytes(value.begin(), value.end());
            bytes.at(at) ^= std::byte{0x10};
            return transaction.put(raw, sequence_key(sequence), bytes);
        }));
    }
    template <typename Use>
    auto read(Use&& use) const {
        using Value = std::invoke_result_t<Use, const ReadTransaction&>;
        return environment
            .read([&](const ReadTransaction& transaction) -> Result<Value> {
                return use(transaction);
            })
            .value();
    }
    std::vector<std::string> texts(std::uint64_t after, std::size_t limit = 1000) const {
        return read([&](const ReadTransaction& transaction) {
            std::vector<std::string> found;
            journal.read(transaction, after, [&](const JournalRecord& record) {
                found.push_back(record.health == RecordHealth::Good
                                    ? std::string(text_of(record.payload))
                                : record.health == RecordHealth::Damaged ? "damaged"
                                                                         : "gap");
                return found.size() < limit;
            });
            return found;
        });
    }
    std::uint64_t sequence_at(std::int64_t at_us) const {
        return read([&](const ReadTransaction& transaction) {
            return journal.sequence_at(transaction, WallTime{at_us});
        });
    }
    TailReport tail(std::uint64_t count) const {
        return read([&](const ReadTransaction& transaction) {
            return journal.check_tail(transaction, count);
        });
    }
    Result<std::size_t> trim(std::uint64_t before, std::size_t limit) {
        return environment.write([&](WriteTransaction& transaction) {
            return journal.trim(transaction, before, limit);
        });
    }
};

} // namespace

TEST_CASE_METHOD(JournalFixture, "records are read strictly behind a sequence", "[journal]") {
    fill(4, 1);

    CHECK(texts(0) == std::vector<std::string>{"e1", "e2", "e3", "e4"});
    CHECK(texts(2) == std::vector<std::string>{"e3", "e4"});
    CHECK(texts(1, 2) == std::vector<std::string>{"e2", "e3"});
    CHECK(texts(4).empty());
    CHECK(texts(UINT64_MAX).empty());
}

TEST_CASE_METHOD(JournalFixture, "a record keeps its time and its bytes", "[journal]") {
    const std::string payload("\0\xff"
                              "binary",
                              8);
    REQUIRE(append(9, 1'700'000'000, payload));

    read([&](const ReadTransaction& transaction) {
        const auto last = journal.last(transaction);
        REQUIRE(last);
        CHECK(last->sequence == 9);
        CHECK(last->recorded == WallTime{1'700'000'000 * second});
        CHECK(text_of(last->payload) == payload);
        CHECK(journal.first(transaction)->sequence == 9);
        return 0;
    });
}

TEST_CASE_METHOD(JournalFixture, "a sequence that does not ascend is a conflict", "[journal]") {
    REQUIRE(append(5, 1));
    const std::uint64_t sequence = GENERATE(0U, 4U, 5U);
    CHECK(append(sequence, 2).error().code == ErrorCode::Conflict);
    CHECK(append(6, 2));
}

TEST_CASE_METHOD(JournalFixture, "an empty journal has no ends and begins at 1", "[journal]") {
    read([&](const ReadTransaction& transaction) {
        CHECK_FALSE(journal.first(transaction));
        CHECK_FALSE(journal.last(transaction));
        return 0;
    });
    CHECK(sequence_at(0) == 1);
    CHECK(tail(10).is_sound());
    CHECK(trim(100, 100).value() == 0);
}

TEST_CASE_METHOD(JournalFixture, "a time is the first record at or after it", "[journal]") {
    fill(200, 7); // 200 records over 23 minutes, with empty and full minutes

    for (std::uint64_t i = 1; i <= 200; ++i) {
        const auto at = static_cast<std::int64_t>(i) * 7 * second;
        REQUIRE(sequence_at(at) == i);
        REQUIRE(sequence_at(at + 1) == i + 1);
    }
    CHECK(sequence_at(-5) == 1);
    CHECK(sequence_at(INT64_MAX) == 201);
}

TEST_CASE_METHOD(JournalFixture, "times are found across long pauses", "[journal]") {
    REQUIRE(append(1, 10));
    REQUIRE(append(2, 10));
    REQUIRE(append(3, 86'400));
    CHECK(sequence_at(10 * second) == 1);
    CHECK(sequence_at(11 * second) == 3);
    CHECK(sequence_at(43'200 * second) == 3);
}

TEST_CASE_METHOD(JournalFixture, "any flipped byte of a record is found as damage", "[journal]") {
    fill(5, 1);
    const auto at = GENERATE(range(std::size_t{0}, std::size_t{19}));

    flip(4, at);

    const auto report = tail(3);
    CHECK(report.examined == 3);
    CHECK(report.damaged == std::vector<std::uint64_t>{4});
    CHECK(texts(2) == std::vector<std::string>{"e3", "damaged", "e5"});
}

TEST_CASE_METHOD(JournalFixture, "a record at another's place is damage", "[journal]") {
    fill(3, 1);
    REQUIRE(environment.write([&](WriteTransaction& transaction) {
        const auto value = *transaction.get(raw, sequence_key(1));
        const std::vector<std::byte> bytes(value.begin(), value.end());
        return transaction.put(raw, sequence_key(3), bytes);
    }));
    CHECK(tail(10).damaged == std::vector<std::uint64_t>{3});
}

TEST_CASE_METHOD(JournalFixture, "records too short to have a header are damage", "[journal]") {
    fill(2, 1);
    REQUIRE(environment.write([&](WriteTransaction& transaction) {
        return transaction.put(raw, sequence_key(2), bytes_of("short"));
    }));
    CHECK(tail(10).damaged == std::vector<std::uint64_t>{2});
}

TEST_CASE_METHOD(JournalFixture, "holes between records are reported", "[journal]") {
    fill(3, 1);
    REQUIRE(append(6, 10));
    const auto report = tail(6);
    CHECK(report.examined == 4);
    CHECK(report.missing == std::vector<std::uint64_t>{4, 5});
}

TEST_CASE_METHOD(JournalFixture, "a quarantined record reads as a gap, and is kept", "[journal]") {
    fill(3, 1);
    flip(2, 17);
    const auto set_aside = [&](std::uint64_t sequence) {
        return environment.write([&](WriteTransaction& transaction) {
            return journal.quarantine(transaction, sequence);
        });
    };

    REQUIRE(set_aside(2));

    CHECK(texts(0) == std::vector<std::string>{"e1", "gap", "e3"});
    CHECK(tail(3).is_sound());
    CHECK(sequence_at(3 * second) == 3);
    const auto quarantine = environment.open_table(table::quarantine).value();
    read([&](const ReadTransaction& transaction) {
        const auto kept = transaction.get(quarantine, sequence_key(2));
        REQUIRE(kept);
        CHECK(kept->size() == 19);
        return 0;
    });
    CHECK(set_aside(77).error().code == ErrorCode::NotFound);
}

TEST_CASE_METHOD(JournalFixture, "trimming is bounded and leaves times findable", "[journal]") {
    fill(100, 7);

    CHECK(trim(51, 30).value() == 30);
    CHECK(trim(51, 30).value() == 20);
    CHECK(trim(51, 30).value() == 0);

    CHECK(texts(0, 1) == std::vector<std::string>{"e51"});
    CHECK(sequence_at(0) == 51);
    CHECK(sequence_at(20 * 7 * second) == 51);
    for (std::int64_t i = 51; i <= 100; ++i) {
        REQUIRE(sequence_at(i * 7 * second) == static_cast<std::uint64_t>(i));
    }
    const auto minutes = environment.open_table(table::jtime).value();
    read([&](const ReadTransaction& transaction) {
        const auto first = transaction.at_or_after(minutes, {});
        CHECK(decode_minute_key(first->key).value() == 51 * 7 / 60);
        return 0;
    });
}

TEST_CASE_METHOD(JournalFixture, "trimming everything keeps the last record", "[journal]") {
    fill(10, 1);
    CHECK(trim(UINT64_MAX, 1000).value() == 9);
    CHECK(texts(0) == std::vector<std::string>{"e10"});
    CHECK(append(11, 20));
}
