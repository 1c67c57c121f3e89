// Random operations against the slow, obvious answer: a std::map.
#include "mesh/store/environment.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace ctys;
using namespace ctys::store;

namespace {

using Model = std::map<std::string, std::string>;

class RandomWorkload {
public:
    explicit RandomWorkload(std::uint32_t seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return random_() % bound; }
    std::string key() {
        // A small alphabet and short keys, so that prefixes and hits are frequent.
        std::string text(1 + below(4), 'a');
        for (auto& letter : text) {
            letter = static_cast<char>('a' + below(4));
        }
        return below(50) == 0 ? text + std::string(500, 'z') : text;
    }
    std::string value() {
        // Some values need overflow pages.
        return std::string(below(20) == 0 ? 9000 : below(300), static_cast<char>('0' + below(10)));
    }

    void change(WriteTransaction& transaction, Table table, Model& model) {
        const auto k = key();
        switch (below(10)) {
        case 0:
            erase_prefix(transaction, table, model, k);
            return;
        case 1:
            erase_before(transaction, table, model, k);
            return;
        case 2:
        case 3:
        case 4:
            CHECK(transaction.erase(table, bytes_of(k)).value() == (model.erase(k) == 1));
            return;
        default:
            const auto v = value();
            REQUIRE(transaction.put(table, bytes_of(k), bytes_of(v)));
            model[k] = v;
        }
    }

private:
    void erase_prefix(WriteTransaction& transaction, Table table, Model& model, std::string k) {
        const auto limit = below(5);
        std::size_t expected = 0;
        auto at = model.lower_bound(k);
        while (expected < limit && at != model.end() && at->first.starts_with(k)) {
            at = model.erase(at);
            ++expected;
        }
        CHECK(transaction.erase_prefix(table, bytes_of(k), limit).value() == expected);
    }
    void erase_before(WriteTransaction& transaction, Table table, Model& model, std::string k) {
        const auto limit = below(3);
        std::size_t expected = 0;
        while (expected < limit && !model.empty() && model.begin()->first < k) {
            model.erase(model.begin());
            ++expected;
        }
        CHECK(transaction.erase_before(table, bytes_of(k), limit).value() == expected);
    }

    std::mt19937 random_;
};

Model range(const ReadTransaction& transaction, Table table, const std::string& prefix) {
    Model found;
    transaction.scan(table, bytes_of(prefix), [&](Bytes key, Bytes value) {
        found.emplace(text_of(key), text_of(value));
        return true;
    });
    return found;
}

void compare(const ReadTransaction& transaction, Table table, const Model& model, std::string k) {
    CHECK(transaction.count(table) == model.size());
    CHECK(range(transaction, table, "") == model);

    Model with_prefix;
    for (auto at = model.lower_bound(k); at != model.end() && at->first.starts_with(k); ++at) {
        with_prefix.insert(*at);
    }
    CHECK(range(transaction, table, k) == with_prefix);

    const auto found = transaction.get(table, bytes_of(k));
    const auto expected = model.find(k);
    REQUIRE(found.has_value() == (expected != model.end()));
    if (found) CHECK(text_of(*found) == expected->second);

    const auto after = transaction.at_or_after(table, bytes_of(k));
    const auto bound = model.lower_bound(k);
    REQUIRE(after.has_value() == (bound != model.end()));
    if (after) CHECK(text_of(after->key) == bound->first);

    const auto last = transaction.last(table);
    REQUIRE(last.has_value() == !model.empty());
    if (last) CHECK(text_of(last->key) == model.rbegin()->first);
}

} // namespace

TEST_CASE("a table behaves like a sorted map under random operations", "[store]") {
    const auto seed = GENERATE(1U, 2U, 3U, 4U);
    CAPTURE(seed);
    const support::TemporaryDirectory directory;
    auto environment =
        Environment::open(directory / "db", {.durability = Durability::Lazy}).value();
    const auto table = environment.open_table("model").value();
    RandomWorkload workload(seed);
    Model model;

    for (int round = 0; round < 150; ++round) {
        auto next = model;
        const bool keep = workload.below(5) != 0;
        const auto written = environment.write([&](WriteTransaction& transaction) -> Status {
            for (auto left = workload.below(20); left > 0; --left) {
                workload.change(transaction, table, next);
            }
            compare(transaction, table, next, workload.key());
            if (!keep) return fail(ErrorCode::Cancelled, "given up on purpose");
            return {};
        });
        REQUIRE(written.has_value() == keep);
        if (keep) model = next;
        REQUIRE(environment.read([&](const ReadTransaction& transaction) -> Status {
            compare(transaction, table, model, workload.key());
            return {};
        }));
    }
    CHECK(model.size() > 3);
}
