#include "broker/core/rows.h"
#include "tests/support/samples.h"
#include "tests/unit/broker/bench.h"

using namespace ctys;
using namespace ctys::broker;

namespace {

msg::Ask ask(Table table, std::uint32_t credit) {
    return {.query = {.table = table, .address = {}, .filters = {}, .all = true}, .credit = credit};
}

/// Takes a whole answer, granting what it took; checks that each message can be sent.
std::size_t take_all(Bench& bench, const msg::Ask& question) {
    std::size_t rows = 0;
    bool last = false;
    bench.say("ann", question);
    while (!last) {
        const auto messages = bench.told<msg::Rows>("ann");
        REQUIRE_FALSE(messages.empty());
        std::uint32_t taken = 0;
        for (const auto& message : messages) {
            CHECK(schema::encode(Envelope{.body = message}).size() < (4U << 20U));
            taken += static_cast<std::uint32_t>(message.rows.size());
            last = message.last;
        }
        rows += taken;
        bench.clear();
        if (!last) bench.say("ann", msg::Credit{taken});
    }
    return rows;
}

void put(Bench& bench, const std::vector<Record>& records) {
    std::vector<Write> writes;
    for (const auto& record : records)
        writes.emplace_back(Put{std::make_shared<const Record>(record)});
    REQUIRE(bench.store().commit(writes));
}

} // namespace

TEST_CASE("ten thousand actions are given in messages that can be sent", "[broker]") {
    Bench bench;
    std::vector<Record> records;
    for (std::uint64_t id = 1; id <= 10'000; ++id) {
        auto record = samples::action_record();
        record.action.id = ActionId{id};
        record.state = ActionState::Ended;
        records.emplace_back(std::move(record));
    }
    put(bench, records);
    bench.restart();

    CHECK(take_all(bench, ask(Table::Actions, 8192)) == 10'000);
}

TEST_CASE("five thousand workers are given in messages that can be sent", "[broker]") {
    Bench bench;
    std::vector<Record> records;
    for (unsigned number = 1; number <= 5000; ++number) {
        auto worker = samples::worker();
        worker.id = {samples::uuid(number)};
        records.emplace_back(std::move(worker));
    }
    put(bench, records);
    bench.restart();

    CHECK(take_all(bench, ask(Table::Workers, 100)) == bench.core().roster().members().size());
}

TEST_CASE("a thousand watches are given in messages that can be sent", "[broker]") {
    Bench bench;
    for (std::uint64_t number = 0; number < 1000; ++number)
        bench.say("p" + std::to_string(number % 100), msg::Watch{.credit = 1}, Role::Admin, number);
    bench.clear();

    CHECK(take_all(bench, ask(Table::Watches, 8192)) == 1000);
}

TEST_CASE("a query gives no more rows than it has credit for", "[broker]") {
    Bench bench;
    std::vector<std::string> labels;
    for (int i = 0; i < 50; ++i)
        labels.push_back("vm" + std::to_string(i));
    bench.join("w1", labels);
    bench.clear();

    bench.say("ann", ask(Table::Vms, 20));

    REQUIRE(bench.told<msg::Rows>("ann").size() == 1);
    CHECK(bench.told<msg::Rows>("ann")[0].rows.size() == 20);
    CHECK_FALSE(bench.told<msg::Rows>("ann")[0].last);
}

TEST_CASE("the queries of a peer that has gone are closed", "[broker]") {
    Bench bench;
    bench.join("w1", {"web", "db"});
    bench.say("ann", ask(Table::Vms, 1));
    bench.clear();

    bench.step(PeerGone{"ann"});
    bench.say("ann", msg::Credit{10});

    CHECK(bench.told<msg::Rows>("ann").empty());
    CHECK(bench.told<msg::Failure>("ann").size() == 1);
}

TEST_CASE("the worker in an address keeps to the VMs that have a path there", "[broker]") {
    Bench bench;
    bench.join("w1", {"web", "db"});
    bench.join("w2", {"mail"});
    bench.clear();
    auto everything = ask(Table::Vms, 20);

    everything.query.address = "w:w1";
    bench.say("ann", everything);
    everything.query.address = "l:mail,w:w1";
    bench.say("bob", everything);
    everything.query.address = "l:mail,w:w9";
    bench.say("eve", everything);

    CHECK(bench.told<msg::Rows>("ann").at(0).rows.size() == 2);
    CHECK(bench.told<msg::Rows>("bob").at(0).rows.empty());
    CHECK(bench.told<msg::Failure>("eve").at(0).error.code == ErrorCode::NotFound);
}

TEST_CASE("a list of names tells which labels are unique among all VMs, shown or not", "[broker]") {
    Bench bench;
    bench.join("w1", {"web", "db"});
    VmRecord twin;
    twin.id = Bench::vm("twin");
    twin.label = "web";
    put(bench, {twin});
    bench.clear();
    auto names = ask(Table::Vms, 20);
    names.query.all = false;
    names.query.names = true;

    bench.say("ann", names);
    names.query.names = false;
    bench.say("bob", names);

    const auto unique = [&](const PeerId& peer) {
        std::map<std::string, bool> found;
        const auto told = bench.told<msg::Rows>(peer);
        for (const auto& row : told.at(0).rows)
            found[std::get<VmRow>(row).label] = std::get<VmRow>(row).label_unique;
        return found;
    };
    CHECK(unique("ann") == std::map<std::string, bool>{{"db", true}, {"web", false}});
    CHECK(unique("bob") == std::map<std::string, bool>{{"db", false}, {"web", false}});
}

TEST_CASE("a list is not filtered by words that do not exist", "[broker]") {
    Bench bench;
    bench.join("w1", {"web"});
    bench.clear();
    auto wrong = ask(Table::Vms, 20);
    wrong.query.filters = {{.field = "state", .values = {"runing"}}};

    bench.say("ann", wrong);

    CHECK(bench.told<msg::Failure>("ann").at(0).error.code == ErrorCode::Usage);
}

TEST_CASE("the counts of status follow what is put and erased", "[broker]") {
    Bench bench;
    bench.join("w1", {"web", "db"});
    bench.clear();

    bench.say("ann", ask(Table::Broker, 1));

    REQUIRE(bench.told<msg::Rows>("ann").size() == 1);
    const auto row = std::get<StatusRow>(bench.told<msg::Rows>("ann")[0].rows.at(0));
    CHECK(row.vms == 2);
    CHECK(row.running == 0);
    CHECK(row.workers == 1);
}

TEST_CASE("what ran by hand and is gone for a day is erased with its VM", "[broker]") {
    Bench bench;
    VmRecord vm;
    vm.id = Bench::vm("byhand");
    vm.label = "byhand";
    vm.foreign = true;
    InstanceRecord instance;
    instance.vm = vm.id;
    instance.label = vm.label;
    instance.state = VmState::Gone;
    instance.ended = Ending{};
    instance.ended->at = bench.now().wall;
    put(bench, {vm, instance});
    bench.restart();

    bench.tick(std::chrono::hours{23});
    CHECK(bench.store().vm(vm.id) != nullptr);
    bench.tick(std::chrono::hours{2});

    CHECK(bench.store().vm(vm.id) == nullptr);
    CHECK(bench.store().all_instances().empty());
}

TEST_CASE("a VM that can be started nowhere says why in its row", "[broker]") {
    Bench bench;
    Listed of{.vm = samples::vm(), .paths = {}, .instances = {}};
    of.vm.remarks = {"of its own"};
    of.paths.assign(2, samples::path());
    for (auto& path : of.paths) {
        path.health = PathHealth::Good;
        path.runnable = false;
        path.why_not = "web.sh cannot be read by user 7";
    }
    of.paths[1].config = "/other/web.ctys";
    const auto row_of = [&](Listed listed) {
        return take_row(listed, bench.core().roster(), bench.now());
    };

    CHECK(row_of(of).remarks ==
          std::vector<std::string>{"web.sh cannot be read by user 7", "of its own"});

    of.paths[1].runnable = true; // with its old reason

    CHECK(row_of(of).config == "/other/web.ctys");
    CHECK(row_of(of).remarks == std::vector<std::string>{"of its own"});
}

TEST_CASE("two active masters of one VM in one folder are told in its row", "[broker]") {
    Bench bench;
    const auto remarks_of = [&](const std::string& second, const char* vmstate, PathHealth health) {
        Listed of{.vm = samples::vm(), .paths = {}, .instances = {}};
        of.vm.remarks = {"of its own"};
        of.paths.assign(2, samples::path());
        of.paths[0].config = "/vms/web/web.ctys";
        of.paths[0].vmstate = "ACTIVE";
        of.paths[0].health = PathHealth::Good;
        of.paths[0].runnable = true;
        of.paths[1] = of.paths[0];
        of.paths[1].config = second;
        of.paths[1].vmstate = vmstate;
        of.paths[1].health = health;
        return take_row(of, bench.core().roster(), bench.now()).remarks;
    };
    const std::vector<std::string> none{"of its own"};

    CHECK(remarks_of("/vms/web/copy.ctys", "", PathHealth::Good) ==
          std::vector<std::string>{"copy.ctys and web.ctys are both its active master; all but one "
                                   "need #@#MAGICID-IGNORE",
                                   "of its own"});
    CHECK(remarks_of("/vms/web/copy.ctys", "BACKUP", PathHealth::Good) == none);
    CHECK(remarks_of("/vms/web/copy.ctys", "ACTIVE", PathHealth::Ignored) == none);
    // Another way to the same file, or storage that many reach.
    CHECK(remarks_of("/mnt/web/web.ctys", "ACTIVE", PathHealth::Good) == none);
    CHECK(remarks_of("/vms/web/web.ctys", "ACTIVE", PathHealth::Good) == none);
}
