#include "tests/support/temporary_directory.h"
#include "tools/qemu_call/switch_check.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <filesystem>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::call;

namespace {

class Listener {
public:
    explicit Listener(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(socket_, 1) == 0);
    }
    ~Listener() { ::close(socket_); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

private:
    int socket_;
};

Request on_switch(const std::string& data, const std::string& management = {}) {
    Request request;
    request.plan.vde_switch = data;
    request.vde_management = management;
    return request;
}

} // namespace

TEST_CASE("a missing switch is reported with the call that makes it", "[qemu]") {
    const support::TemporaryDirectory directory;
    const auto data = directory.path() + "/sw";

    CHECK(check_switch(on_switch(data)) ==
          std::vector<Problem>{{"QEMUSOCK",
                                "there is no switch at " + data + "; as root: ctys-setupVDE -u " +
                                    own_user() + " -s " + data + " create"}});
    CHECK(check_switch(on_switch({})).empty());
}

TEST_CASE("a switch that listens is no problem, one that has died is", "[qemu]") {
    const support::TemporaryDirectory directory;
    const auto data = directory.path() + "/sw";
    std::filesystem::create_directory(data);
    {
        const Listener alive{data + "/ctl"};
        CHECK(check_switch(on_switch(data)).empty());
    }

    const auto problems = check_switch(on_switch(data));
    REQUIRE(problems.size() == 1);
    CHECK(
        problems[0].text.starts_with("the switch that was at " + data + "/ctl is dead; as root: "));
}

TEST_CASE("a management socket that the configuration names has to be there", "[qemu]") {
    const support::TemporaryDirectory directory;
    const auto data = directory.path() + "/sw";
    const auto management = directory.path() + "/mgmt";
    std::filesystem::create_directory(data);
    const Listener alive{data + "/ctl"};

    const auto problems = check_switch(on_switch(data, management));

    CHECK(problems == std::vector<Problem>{{"QEMUMGMT",
                                            "there is no switch at " + management +
                                                "; as root: ctys-setupVDE -u " + own_user() +
                                                " -s " + data + " -S " + management + " create"}});
}

TEST_CASE("a switch by default that belongs to somebody else is not attached to", "[qemu]") {
    if (::geteuid() != 0) {
        WARN("needs root to make a folder of another user");
        return;
    }
    const support::TemporaryDirectory directory;
    const auto data = directory.path() + "/sw";
    std::filesystem::create_directory(data);
    const Listener alive{data + "/ctl"};
    REQUIRE(::chown(data.c_str(), 12345, 12345) == 0);
    auto request = on_switch(data);
    CHECK(check_switch(request).empty());

    request.own_switch = true;
    const auto problems = check_switch(request);

    REQUIRE(problems.size() == 1);
    CHECK(problems[0].text == data + " belongs to another user, 12345; as root: ctys-setupVDE -u " +
                                  own_user() + " create");
}
