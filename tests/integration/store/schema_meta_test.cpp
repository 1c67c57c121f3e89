#include "mesh/store/keys.h"
#include "mesh/store/schema_meta.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::store;

namespace {

struct MetaFixture {
    support::TemporaryDirectory directory;
    Environment environment =
        Environment::open(directory / "db", {.durability = Durability::Lazy}).value();
    Table meta = environment.open_table(table::meta).value();

    Result<SchemaMeta> open(const SchemaRules& rules, SchemaMeta fresh = {0, 1700000000, {5}}) {
        return environment.write([&](WriteTransaction& transaction) {
            return open_or_create_meta(transaction, meta, rules, fresh);
        });
    }
    Result<std::optional<SchemaMeta>> stored() const {
        return environment.read(
            [&](const ReadTransaction& transaction) { return read_meta(transaction, meta); });
    }
};

SchemaRules rules(std::uint32_t version, std::vector<Migration> migrations = {}) {
    return {.program = "ctys-broker", .version = version, .migrations = std::move(migrations)};
}

} // namespace

TEST_CASE_METHOD(MetaFixture, "a new store gets a meta row that later opens find", "[store]") {
    REQUIRE(open(rules(3)));

    const auto again = open(rules(3), {0, 99, {6}});

    CHECK(again.value() == SchemaMeta{3, 1700000000, {5}});
}

TEST_CASE_METHOD(MetaFixture, "a store of a newer program is refused and untouched", "[store]") {
    REQUIRE(open(rules(7)));

    const auto opened = open(rules(3));

    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::Storage);
    CHECK(opened.error().message ==
          "the store was written by a newer ctys-broker (schema 7, this program knows up to 3): "
          "install that version or restore a backup");
    CHECK(stored().value()->version == 7);
}

TEST_CASE_METHOD(MetaFixture, "an older store goes through each migration once", "[store]") {
    std::vector<int> ran;
    const auto step = [&ran](int number) {
        return [&ran, number](WriteTransaction&) -> Status {
            ran.push_back(number);
            return {};
        };
    };
    REQUIRE(open(rules(1)));

    CHECK(open(rules(3, {step(1), step(2)}))->version == 3);
    CHECK(open(rules(3, {step(1), step(2)}))->version == 3);

    CHECK(ran == std::vector{1, 2});
}

TEST_CASE_METHOD(MetaFixture, "a migration that fails leaves the old version", "[store]") {
    REQUIRE(open(rules(1)));
    const auto broken = [this](WriteTransaction& transaction) -> Status {
        if (auto put = transaction.put(meta, name_key("half"), bytes_of("x")); !put) return put;
        return fail(ErrorCode::Failed, "no");
    };

    const auto opened = open(rules(2, {broken}));

    REQUIRE_FALSE(opened);
    CHECK(opened.error().message == "upgrade the store from schema 1: no");
    CHECK(stored().value()->version == 1);
    CHECK_FALSE(environment
                    .read([&](const ReadTransaction& transaction) -> Result<bool> {
                        return transaction.get(meta, name_key("half")).has_value();
                    })
                    .value());
}

TEST_CASE_METHOD(MetaFixture, "an older store without a way up is refused", "[store]") {
    REQUIRE(open(rules(1)));
    const auto opened = open(rules(2));
    REQUIRE_FALSE(opened);
    CHECK_THAT(opened.error().message, Catch::Contains("schema 1"));
}

TEST_CASE_METHOD(MetaFixture, "a meta row that is not ours is reported as damage", "[store]") {
    const auto row = GENERATE("", "ctys", "other than ours, but long enough");
    REQUIRE(environment.write([&](WriteTransaction& transaction) {
        return transaction.put(meta, name_key("store"), bytes_of(row));
    }));

    const auto opened = open(rules(1));

    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::Storage);
}
