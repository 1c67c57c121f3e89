#include "agent/discovery/proc_connector.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

using namespace ctys::agent;

namespace {

std::vector<std::byte> datagram(const proc_event& event, std::uint32_t idx = CN_IDX_PROC) {
    std::vector<std::byte> out(NLMSG_HDRLEN + sizeof(cn_msg) + sizeof event);
    cn_msg message{};
    message.id = {.idx = idx, .val = CN_VAL_PROC};
    std::memcpy(out.data() + NLMSG_HDRLEN, &message, sizeof message);
    std::memcpy(out.data() + NLMSG_HDRLEN + sizeof message, &event, sizeof event);
    return out;
}

proc_event exit_event(int pid, int process, std::uint32_t status) {
    proc_event out{};
    out.what = proc_event::PROC_EVENT_EXIT;
    out.event_data.exit.process_pid = pid;
    out.event_data.exit.process_tgid = process;
    out.event_data.exit.exit_code = status;
    return out;
}

} // namespace

TEST_CASE("an exit of a process carries its status, that of a thread is left out", "[discovery]") {
    const auto notice = parse_connector_message(datagram(exit_event(7, 7, 9)));

    REQUIRE(notice);
    CHECK(std::get<ExitNotice>(*notice).pid == 7);
    CHECK(std::get<ExitNotice>(*notice).wait_status == 9);
    CHECK_FALSE(parse_connector_message(datagram(exit_event(8, 7, 9))));
}

TEST_CASE("an exec is noticed and other kinds are left out", "[discovery]") {
    proc_event event{};
    event.what = proc_event::PROC_EVENT_EXEC;
    event.event_data.exec.process_pid = 5;
    event.event_data.exec.process_tgid = 5;
    CHECK(std::get<ExecNotice>(parse_connector_message(datagram(event)).value()).pid == 5);
    event.what = proc_event::PROC_EVENT_FORK;
    CHECK_FALSE(parse_connector_message(datagram(event)));
}

TEST_CASE("datagrams that are cut off or of others are left out", "[discovery]") {
    const auto whole = datagram(exit_event(7, 7, 9));
    const auto needed = NLMSG_HDRLEN + sizeof(cn_msg) + offsetof(proc_event, event_data) + 12;
    for (std::size_t size = 0; size < needed; ++size) {
        REQUIRE_FALSE(parse_connector_message(std::span(whole).first(size)));
    }
    CHECK(parse_connector_message(std::span(whole).first(needed)));
    CHECK_FALSE(parse_connector_message(datagram(exit_event(7, 7, 9), CN_IDX_PROC + 1)));
}
