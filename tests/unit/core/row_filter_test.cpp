#include "mesh/core/row_filter.h"

#include <catch2/catch.hpp>

using namespace ctys;

namespace {

Filter filter(std::string_view text) {
    return Filter::parse(text).value();
}

VmRow web() {
    VmRow row{.label = "web", .worker_name = "lab02"};
    row.vm.uuid.bytes[15] = 1;
    row.worker.uuid.bytes[0] = 7;
    row.worker_state = WorkerState::Lost;
    row.state = VmState::Running;
    row.owner = Owner::ByHand;
    row.mac = "00:50:56:16:11:0b";
    row.ip = "10.0.3.2";
    row.config = "/pool/web/web.ctys";
    return row;
}

} // namespace

TEST_CASE("a field with words of its own refuses others", "[core][filter]") {
    const auto* wrong = GENERATE("state=runing",
                                 "state=running,Stopped",
                                 "owner=me",
                                 "managed=yes",
                                 "worker_state=gone",
                                 "colour=red");
    CAPTURE(wrong);

    const auto checked = check_row_filters({filter(wrong)});

    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::Usage);
    CHECK(checked.error().message.find("there are ") != std::string::npos);
}

TEST_CASE("a field without words takes any text", "[core][filter]") {
    CHECK(check_row_filters({filter("label=runing"), filter("worker=yes"), filter("arch=arm")}));
    CHECK(check_row_filters({filter("owner=by hand,-"), filter("managed=false")}));
}

TEST_CASE("rows are filtered by what they show", "[core][filter]") {
    const auto row = web();

    CHECK(accepts({filter("state=running,paused"), filter("owner=by hand")}, row));
    CHECK(accepts({filter("worker_state=lost"), filter("worker=lab02")}, row));
    CHECK_FALSE(accepts({filter("worker_state=alive")}, row));
    CHECK_FALSE(accepts({filter("managed=true")}, row));
}

TEST_CASE("what runs nowhere has no state of a worker", "[core][filter]") {
    CHECK_FALSE(accepts({filter("worker_state=alive")}, VmRow{.label = "rests"}));
}

TEST_CASE("every key of an address is asked of a row", "[core][filter]") {
    const auto [text, fits] =
        GENERATE(table<const char*, bool>({{"web", true},
                                           {"db", false},
                                           {"m:00:50:56:16:11:0b", true},
                                           {"m:00:50:56:16:11:0c", false},
                                           {"t:10.0.3.2", true},
                                           {"t:10.0.3.3", false},
                                           {"id:/pool/web/web.ctys", true},
                                           {"id:/pool/web", false},
                                           {"f:/web.", true},
                                           {"f:/db.", false},
                                           {"l:web,b:/pool", true},
                                           {"l:web,b:/other", false},
                                           {"w:lab02", true},
                                           {"l:web,w:lab03", false},
                                           {"u:00000000-0000-0000-0000-000000000001", true},
                                           {"u:00000000-0000-0000-0000-000000000002", false}}));
    CAPTURE(text);
    const auto address = Address::parse(text);

    REQUIRE(address);
    CHECK(matches(*address, web()) == fits);
}
