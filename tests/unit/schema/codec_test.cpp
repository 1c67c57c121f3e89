#include "schema/brief.h"
#include "schema/codec.h"
#include "tests/support/samples.h"
#include "tests/support/specimens.h"

#include <catch2/catch.hpp>

#include <cstring>

using namespace ctys;

TEST_CASE("what is encoded decodes to the same value", "[schema]") {
    for (const auto& specimen : samples::specimens()) {
        INFO(specimen.name);
        CHECK(specimen.is_decoded_from(specimen.bytes));
    }
}

TEST_CASE("a value without anything set decodes to the same value", "[schema]") {
    CHECK(schema::decode_vm(schema::encode(VmRecord{})) == VmRecord{});
    CHECK(schema::decode_path(schema::encode(PathRecord{})) == PathRecord{});
    CHECK(schema::decode_instance(schema::encode(InstanceRecord{})) == InstanceRecord{});
    const InstanceRecord frozen{
        .state = VmState::Frozen, .frozen_from = VmState::Paused, .unverified = true};
    CHECK(schema::decode_instance(schema::encode(frozen)) == frozen);
    CHECK(schema::decode_worker(schema::encode(WorkerRecord{})) == WorkerRecord{});
    CHECK(schema::decode_action(schema::encode(ActionRecord{})) == ActionRecord{});
    CHECK(schema::decode_lease(schema::encode(Lease{})) == Lease{});
    CHECK(schema::decode_intent(schema::encode(Intent{})) == Intent{});
    CHECK(schema::decode_event(*schema::encode_event(Event{})) == Event{});
    CHECK(schema::decode_envelope(schema::encode(Envelope{})) == Envelope{});
}

TEST_CASE("what KVM has shown with an emulator travels", "[schema]") {
    WorkerRecord worker;
    for (const auto trial : {KvmTrial::None, KvmTrial::Up, KvmTrial::Failed}) {
        worker.equipment.emulators.push_back({.path = "/q", .kvm_trial = trial});
    }

    CHECK(schema::decode_worker(schema::encode(worker)) == worker);
}

TEST_CASE("a brief record is the whole one without what lists never show", "[schema]") {
    auto vm = samples::vm();
    vm.start_after = {"db", "cache"}; // plans look no further
    const auto brief_vm = schema::decode_vm_brief(schema::encode(vm));
    vm.home = {};
    vm.settings = {};
    CHECK(brief_vm == vm);

    const auto path = samples::path();
    const PathRecord brief_path{.vm = path.vm,
                                .worker = path.worker,
                                .config = path.config,
                                .health = path.health,
                                .runnable = path.runnable,
                                .why_not = path.why_not};
    CHECK(schema::decode_path_brief(schema::encode(path)) == brief_path);
}

TEST_CASE("a setting keeps its place", "[schema]") {
    VmRecord vm;
    vm.settings = {{.key = "LABEL", .value = "web", .line = 2},
                   {.key = "DIST", .value = "debian", .line = 3, .file = "lab.conf"},
                   {.key = "OS", .value = "Linux"}};
    CHECK(schema::decode_vm(schema::encode(vm)) == vm);
}

TEST_CASE("there is a sample for every kind of message and payload", "[schema]") {
    const auto bodies = samples::bodies();
    REQUIRE(bodies.size() == std::variant_size_v<Body>);
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        INFO(bodies[i].first);
        CHECK(bodies[i].second.index() == i);
    }
    const auto events = samples::events_by_payload();
    REQUIRE(events.size() == std::variant_size_v<EventPayload>);
    for (std::size_t i = 0; i < events.size(); ++i) {
        INFO(events[i].first);
        CHECK(events[i].second.payload.index() == i);
    }
}

TEST_CASE("an event keeps its kind, also one that is not known here", "[schema]") {
    const auto kind = GENERATE(range(0, 80), Catch::Generators::values({255, 65535}));
    auto event = samples::state_change();
    event.kind = static_cast<EventKind>(kind);

    const auto decoded = schema::decode_event(*schema::encode_event(event));

    REQUIRE(decoded);
    CHECK(*decoded == event);
}

TEST_CASE("bytes are decoded wherever they lie", "[schema]") {
    for (const auto& specimen : samples::specimens()) {
        std::vector<std::byte> room(specimen.bytes.size() + 8);
        for (std::size_t offset = 0; offset < 8; ++offset) {
            INFO(specimen.name << " at " << offset);
            std::memcpy(room.data() + offset, specimen.bytes.data(), specimen.bytes.size());
            CHECK(specimen.is_decoded_from({room.data() + offset, specimen.bytes.size()}));
        }
    }
}

TEST_CASE("every code of the error table travels", "[schema]") {
    for (const auto& row : error_table()) {
        const Envelope envelope{.body = msg::Failure{{.code = row.code, .message = "x"}}};
        CHECK(schema::decode_envelope(schema::encode(envelope)) == envelope);
    }
}

TEST_CASE("an answer of many rows arrives whole", "[schema]") {
    msg::Rows rows{.last = true};
    for (unsigned i = 0; i < 500; ++i) {
        rows.rows.emplace_back(samples::vm_row(i));
    }
    const Envelope envelope{.correlation = 3, .body = rows};

    CHECK(schema::decode_envelope(schema::encode(envelope)) == envelope);
}

TEST_CASE("whether a label is unique is asked for and told", "[schema]") {
    const Envelope asked{.body = msg::Ask{.query = {.names = true}}};
    auto row = samples::vm_row();
    row.label_unique = true;
    const Envelope told{.body = msg::Rows{.rows = {row}}};

    CHECK(schema::decode_envelope(schema::encode(asked)) == asked);
    CHECK(schema::decode_envelope(schema::encode(told)) == told);
}

TEST_CASE("a batch of events just below the frame limit arrives whole", "[schema]") {
    const auto big = std::make_shared<const std::vector<std::byte>>(1U << 20, std::byte{7});
    const Envelope envelope{.body = msg::Publish{.events = {big, big, big}}};

    CHECK(schema::decode_envelope(schema::encode(envelope)) == envelope);
}

TEST_CASE("an encoded event inside a message is carried unchanged", "[schema]") {
    const auto bytes = schema::encode_event(samples::state_change());
    const Envelope envelope{.body = msg::Publish{.events = {bytes}}};

    const auto decoded = schema::decode_envelope(schema::encode(envelope));

    REQUIRE(decoded);
    const auto& publish = std::get<msg::Publish>(decoded->body);
    REQUIRE(publish.events.size() == 1);
    CHECK(*publish.events[0] == *bytes);
    CHECK(schema::decode_event(view(publish.events[0])) == samples::state_change());
}
