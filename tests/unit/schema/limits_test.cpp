#include "schema/codec.h"
#include "schema/limits.h"
#include "tests/support/samples.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("text that cannot travel is mended when it is encoded", "[schema]") {
    auto path = samples::path();
    path.config = "/vms/caf\xe9/x.ctys";
    path.health_reason = std::string{"a\0b", 3};
    path.vmstate.assign(schema::limits::short_text - 1, 'x');
    path.vmstate += "\u00fc";

    const auto decoded = schema::decode_path(schema::encode(path));

    REQUIRE(decoded);
    CHECK(decoded->config == "/vms/caf?/x.ctys");
    CHECK(decoded->health_reason == "a?b");
    CHECK(decoded->vmstate == std::string(schema::limits::short_text - 1, 'x'));
}

TEST_CASE("times out of range are brought into range when they are encoded", "[schema]") {
    auto row = samples::vm_row();
    row.age = Duration{-5};
    row.since = WallTime{-1};
    row.started = WallTime{std::numeric_limits<std::int64_t>::max()};

    const Envelope envelope{.body = msg::Rows{.rows = {row}}};
    const auto decoded = schema::decode_envelope(schema::encode(envelope));

    REQUIRE(decoded);
    const auto& got = std::get<VmRow>(std::get<msg::Rows>(decoded->body).rows.at(0));
    CHECK(got.age == Duration{});
    CHECK(got.since == WallTime{});
    CHECK(got.started == schema::limits::wall);
}

namespace {

// Beyond the limit of every text but the long ones, and of every list of a record.
const std::string huge(schema::limits::path + 1, 'x');
const std::string longest(schema::limits::long_text + 1, 'x');
constexpr std::size_t many = schema::limits::settings + 1;

} // namespace

TEST_CASE("the largest possible event is within the limit of events", "[schema]") {
    auto facts = PathFacts{.vm = samples::vm(), .path = samples::path()};
    facts.vm.settings.assign(many, {.key = huge, .value = huge, .line = 1});
    facts.vm.macs.assign(many, huge);
    facts.vm.ips.assign(many, huge);
    facts.vm.start_after.assign(many, huge);
    for (auto* text : {&facts.vm.label,
                       &facts.vm.type,
                       &facts.vm.arch,
                       &facts.vm.home.below,
                       &facts.vm.home.source,
                       &facts.path.config,
                       &facts.path.wrapper,
                       &facts.path.pool_root,
                       &facts.path.storage.below,
                       &facts.path.storage.source,
                       &facts.path.health_reason,
                       &facts.path.vmstate,
                       &facts.path.why_not}) {
        *text = huge;
    }
    auto event = samples::state_change();
    event.kind = EventKind::PathSeen;
    event.text = longest;
    event.data.assign(many, {huge, huge});
    event.payload = facts;

    const auto bytes = schema::encode_event(event);
    const auto decoded = schema::decode_event(*bytes);

    CHECK(bytes->size() <= schema::limits::event_bytes);
    REQUIRE(decoded);
    CHECK(std::get<PathFacts>(decoded->payload).vm.settings.size() == schema::limits::settings);
}

TEST_CASE("the largest possible worker is within the limit of events", "[schema]") {
    auto worker = samples::worker();
    worker.binaries.assign(many, huge);
    worker.blind_spots.assign(many, huge);
    worker.accelerators.assign(many, {.name = huge, .usable = true, .why = huge});
    worker.pools.assign(many, {.root = huge, .reason = huge, .filesystem = huge});
    worker.equipment = {.cpu_model = huge, .cpu_flags = huge, .emulators = {}, .requisites = {}};
    worker.equipment.emulators.assign(many,
                                      {.path = huge,
                                       .arch = huge,
                                       .version = huge,
                                       .package = huge,
                                       .accelerators = huge,
                                       .machines = huge,
                                       .cpus = huge,
                                       .problem = huge});
    worker.equipment.requisites.assign(many, {.name = huge, .met = true, .fact = huge});
    auto event = samples::state_change();
    event.text = longest;
    event.data.assign(many, {huge, huge});
    event.payload = worker;

    const auto bytes = schema::encode_event(event);

    CHECK(bytes->size() <= schema::limits::event_bytes);
    CHECK(schema::decode_event(*bytes));
}
