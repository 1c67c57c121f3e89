#include "agent/discovery/probe_record.h"
#include "agent/discovery/process_facts.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::agent;
using namespace std::string_literals;

namespace {

ProbeRecord sample() {
    ProbeRecord out;
    out.add("pid", "12");
    out.add("start_ticks", "250");
    out.add("cmdline", "qemu\0-name\0a:b\n.\n\0"s);
    out.add("file", "/b");
    out.add("file", "/a");
    out.add("file", "/b");
    out.add("cwd", "");
    return out;
}

} // namespace

TEST_CASE("records carry any bytes", "[discovery]") {
    ProbeRecord second;
    second.add("pid", "13");

    const auto records =
        decode_probe_records(encode_probe_record(sample()) + encode_probe_record(second));

    CHECK(records == std::vector<ProbeRecord>{sample(), second});
}

TEST_CASE("a record that is cut off is left out and those before it are kept", "[discovery]") {
    const auto bytes = encode_probe_record(sample());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto records = decode_probe_records(bytes + bytes.substr(0, size));
        REQUIRE(records == std::vector<ProbeRecord>{sample()});
    }
}

TEST_CASE("malformed records end the list", "[discovery]") {
    const auto bytes = GENERATE(as<std::string>{},
                                "pid",
                                "pid 3",
                                "pid x:1\n.\n",
                                "pid -1:1\n.\n",
                                "pid 99999999999999999999:1\n.\n",
                                "pid 18446744073709551615:1\n.\n",
                                "pid 300000:1\n.\n",
                                ":1\n.\n",
                                "pid 1:1x.\n");
    CAPTURE(bytes);
    CHECK(decode_probe_records(bytes).empty());
}

TEST_CASE("a record becomes facts of one boot", "[discovery]") {
    const MachineBoot boot{.id = {Uuid{{1}}}, .booted = {1'000'000'000}, .ticks_per_second = 100};

    const auto facts = facts_of_record(sample(), boot);

    CHECK(facts.key == InstanceKey{boot.id, 12, 250});
    CHECK(facts.started == WallTime{1'002'500'000});
    CHECK(facts.argv == std::vector<std::string>{"qemu", "-name", "a:b\n.\n"});
    CHECK(facts.open_files == std::vector<std::string>{"/a", "/b"});
}

TEST_CASE("absurd start ticks are no time", "[discovery]") {
    CHECK(start_time(UINT64_MAX, {}).is_none());
}
