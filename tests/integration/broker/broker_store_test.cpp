#include "broker/storage/broker_store.h"
#include "mesh/store/keys.h"
#include "tests/support/samples.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <array>

using namespace ctys;
using namespace ctys::broker;
using namespace ctys::support;

namespace {

constexpr WallTime now{1'772'373'726'000'000};

std::unique_ptr<BrokerStore> open_store(const TemporaryDirectory& dir, store::Access access) {
    auto opened = BrokerStore::open(
        dir.path(), now, {.access = access, .durability = store::Durability::Lazy});
    REQUIRE(opened);
    return std::move(*opened);
}

VmRecord numbered_vm(unsigned number) {
    auto vm = samples::vm();
    vm.id = {samples::uuid(number)};
    vm.label = "vm" + std::to_string(number);
    return vm;
}

/// VMs with none to three paths, and instances of every third one.
void fill(BrokerStore& store, unsigned vms) {
    Commit commit;
    const auto put = [&](Record record) {
        commit.writes.emplace_back(Put{std::make_shared<const Record>(std::move(record))});
    };
    for (unsigned i = 0; i < vms; ++i) {
        const auto vm = numbered_vm(i);
        for (unsigned k = 0; k < i % 4; ++k) {
            auto path = samples::path();
            path.vm = vm.id;
            path.config = "/pool/" + vm.label + "/" + std::to_string(k);
            put(path);
        }
        auto instance = samples::instance();
        instance.vm = vm.id;
        if (i % 3 == 0) put(instance);
        put(vm);
    }
    // Rows whose VM is not there are nobody's.
    auto stray = samples::path();
    stray.vm = {samples::uuid(vms + 1)};
    put(stray);
    REQUIRE(store.commit(std::span{&commit, 1}));
}

struct Seen {
    std::string label;
    std::vector<std::string> configs;
    std::vector<InstanceRecord> instances;

    bool operator==(const Seen&) const = default;
};

Seen seen(const VmRecord& vm,
          const std::vector<PathRecord>& paths,
          const std::vector<InstanceRecord>& instances) {
    Seen out{.label = vm.label, .configs = {}, .instances = instances};
    for (const auto& path : paths) {
        out.configs.push_back(path.config);
    }
    return out;
}

} // namespace

TEST_CASE("a list gives what its rows give one by one", "[broker]") {
    TemporaryDirectory dir;
    const auto store = open_store(dir, store::Access::Owner);
    fill(*store, 200);
    const auto after = GENERATE(VmId{}, VmId{samples::uuid(77)});

    std::vector<Seen> listed;
    store->each_listed(after, [&](const Listed& row) {
        listed.push_back(seen(row.vm, row.paths, row.instances));
        return true;
    });

    std::vector<Seen> expected;
    store->each_vm(after, [&](const VmRecord& vm) {
        expected.push_back(seen(vm, store->paths(vm.id), store->instances(vm.id)));
        return true;
    });
    CHECK(expected.size() > 50);
    CHECK(listed == expected);
}

TEST_CASE("a list ends when its reader has enough", "[broker]") {
    TemporaryDirectory dir;
    const auto store = open_store(dir, store::Access::Owner);
    fill(*store, 200);
    const std::size_t enough = GENERATE(1U, 64U, 65U);

    std::size_t given = 0;
    store->each_listed(VmId{}, [&](const Listed&) { return ++given < enough; });

    CHECK(given == enough);
}

TEST_CASE("a look-up gives everything but home and settings", "[broker]") {
    TemporaryDirectory dir;
    const auto store = open_store(dir, store::Access::Owner);
    fill(*store, 3);

    const auto found = find_vms(*store, Address::parse("l:vm2").value(), std::nullopt, 2);

    auto expected = numbered_vm(2);
    expected.home = {};
    expected.settings = {};
    REQUIRE(found.size() == 1);
    CHECK(*found.front() == expected);
    CHECK(*store->vm(expected.id) == numbered_vm(2));
}

TEST_CASE("a reader opens the store of a broker and changes nothing", "[broker]") {
    TemporaryDirectory dir;
    std::uint64_t epoch = 0;
    {
        const auto owner = open_store(dir, store::Access::Owner);
        fill(*owner, 3);
        // A head beyond the journal makes an owner begin a new epoch.
        REQUIRE(owner->remember_head(Cursor{owner->epoch(), 7}));
        epoch = owner->epoch();
    }

    const auto reader = open_store(dir, store::Access::Reader);

    CHECK(reader->epoch() == epoch);
    CHECK(reader->by_label("vm1").size() == 1);
}

TEST_CASE("a damaged row of a lease does not keep the broker from starting", "[broker]") {
    TemporaryDirectory dir;
    auto lease = samples::lease();
    lease.vm = {samples::uuid(5)};
    {
        const auto store = open_store(dir, store::Access::Owner);
        Commit commit;
        commit.writes.emplace_back(Put{std::make_shared<const Record>(lease)});
        commit.writes.emplace_back(Put{std::make_shared<const Record>(samples::worker())});
        REQUIRE(store->commit(std::span{&commit, 1}));
    }
    {
        auto environment = store::Environment::open(dir.path() + "/db", {});
        REQUIRE(environment);
        auto tables = environment->open_tables(std::array{store::table::lease});
        REQUIRE(tables);
        const std::array<std::byte, 3> rubbish{};
        REQUIRE(environment->write([&](store::WriteTransaction& transaction) {
            return transaction.put((*tables)[0], store::vm_key(lease.vm), rubbish);
        }));
    }

    const auto store = open_store(dir, store::Access::Owner);
    const auto loaded = store->load();

    REQUIRE(loaded);
    CHECK(loaded->leases.empty());
    CHECK(loaded->workers.size() == 1);
    CHECK(loaded->doubtful); // who held it is not known: the workers are asked first
    REQUIRE(store->report().set_aside.size() == 1);
    CHECK(store->report().set_aside[0].find("lease") != std::string::npos);
}

TEST_CASE("a store that was put back without its newest events is doubtful", "[broker]") {
    TemporaryDirectory dir;
    std::uint64_t epoch = 0;
    {
        const auto store = open_store(dir, store::Access::Owner);
        epoch = store->epoch();
        CHECK_FALSE(store->load()->doubtful);
        REQUIRE(store->remember_head(Cursor{epoch, 100}));
    }

    const auto store = open_store(dir, store::Access::Owner);

    CHECK(store->epoch() > epoch);
    CHECK(store->load()->doubtful);
    Commit commit;
    commit.writes.emplace_back(PutTrusted{});
    REQUIRE(store->commit(std::span{&commit, 1}));
    CHECK_FALSE(store->load()->doubtful);
}

TEST_CASE("a new epoch can begin while the store is open", "[broker]") {
    TemporaryDirectory dir;
    const auto store = open_store(dir, store::Access::Owner);
    const auto before = *store->load();

    const auto begun = store->begin_epoch(now, before.head.epoch + 10);

    REQUIRE(begun);
    CHECK(*begun > before.head.epoch + 10);
    store->adopt_epoch(*begun);
    const auto after = *store->load();
    CHECK(after.head.epoch == *begun);
    CHECK(after.doubtful);
    CHECK(after.last_token > before.last_token);
}
