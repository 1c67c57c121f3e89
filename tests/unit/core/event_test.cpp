#include "mesh/core/query.h"

#include <catch2/catch.hpp>

using namespace ctys;

TEST_CASE("a topic is family, subject and kind, and ends with a slash", "[core]") {
    Event event{.kind = EventKind::Running};
    event.vm = VmId::parse("91d24b1a-0b2c-4d3e-8f90-0123456789ab").value();
    CHECK(topic_of(event) == "vm/91d24b1a-0b2c-4d3e-8f90-0123456789ab/running/");

    event.kind = EventKind::ActionEnded;
    event.action = ActionId{0xabc};
    CHECK(topic_of(event) == "action/a-0000000000000abc/ended/");
}

TEST_CASE("every kind of event has a word of its own", "[core]") {
    for (std::uint16_t value = 0; value < 100; ++value) {
        const auto kind = static_cast<EventKind>(value);
        const auto back = event_kind_from_text(to_string(kind));
        if (family(kind) == EventFamily::Unknown) {
            CHECK_FALSE(back);
        } else {
            CHECK(back == kind);
        }
    }
}

TEST_CASE("filters are and over each other and or within", "[core]") {
    Event event{.kind = EventKind::Stopped};
    event.label = "web";
    event.by = "guest";
    const auto filter = [](std::string_view text) { return Filter::parse(text).value(); };

    CHECK(accepts({}, event));
    CHECK(accepts({filter("kind=running,stopped")}, event));
    CHECK(accepts({filter("kind=stopped"), filter("label=web")}, event));
    CHECK_FALSE(accepts({filter("kind=stopped"), filter("label=db")}, event));
    CHECK(accepts({filter("by=guest")}, event));
    CHECK_FALSE(accepts({filter("action=a-")}, event));
}

TEST_CASE("filters that cannot mean anything are refused", "[core]") {
    CHECK_FALSE(Filter::parse("kind"));
    CHECK_FALSE(Filter::parse("=x"));
    CHECK_FALSE(Filter::parse("kind="));
    CHECK_FALSE(Filter::parse("kind=a,,b"));
    CHECK_FALSE(check_event_filters({Filter::parse("colour=red").value()}));
    CHECK(check_event_filters({Filter::parse("vm=web").value()}));
    CHECK_FALSE(check_event_filters({Filter::parse("kind=running,runing").value()}));
    CHECK_FALSE(check_event_filters({Filter::parse("kind=kind-").value()}));
    CHECK(check_event_filters({Filter::parse("kind=stopped,kind-99").value()}));
    CHECK_FALSE(check_event_filters({Filter::parse("family=vms").value()}));
    CHECK_FALSE(check_event_filters({Filter::parse("state=off").value()}));
}
