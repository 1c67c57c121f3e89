// What a configuration and its caller decide about a VM that a person runs.
#include "mesh/qemu/vnc.h"
#include "tests/real/qemu/vm_directory.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::testing;

namespace {

bool answers_at(std::uint32_t port) {
    const int caller = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool answers =
        ::connect(caller, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(caller);
    return answers;
}

// The number that the wrapper has told behind this text.
std::uint32_t number_behind(const std::string& said, const std::string& text) {
    const auto at = said.find(text);
    REQUIRE(at != std::string::npos);
    return static_cast<std::uint32_t>(std::stoul(said.substr(at + text.size())));
}

} // namespace

TEST_CASE("two VMs that ask for a free display get two, and each is told", "[qemu][real]") {
    VmDirectory one{Guest::Idle};
    VmDirectory other{Guest::Idle};
    other.append_to_configuration("VNCACCESSDISPLAY=free\n");

    one.start({"--vncaccessdisplay=free"});
    other.start({"--console=VNC"});
    REQUIRE(one.says("VNC 127.0.0.1:"));
    REQUIRE(other.says("VNC 127.0.0.1:"));
    REQUIRE(one.facts().qemu_pid != 0);
    auto console_of_one = one.open_console();
    REQUIRE(other.facts().qemu_pid != 0);
    auto console_of_other = other.open_console();
    REQUIRE(console_of_one.read_until("up\r\n") != "");
    REQUIRE(console_of_other.read_until("up\r\n") != "");

    const auto first = number_behind(one.output(), "VNC 127.0.0.1:");
    const auto second = number_behind(other.output(), "VNC 127.0.0.1:");
    CHECK(first != second);
    CHECK(answers_at(qemu::vnc_base_port + first));
    CHECK(answers_at(qemu::vnc_base_port + second));
    CHECK(number_behind(one.output(), "(port ") == qemu::vnc_base_port + first);
    for (auto* vm : {&one, &other}) {
        vm->signal_wrapper(SIGTERM);
        REQUIRE(vm->says("web is asked to end by its power button"));
        vm->signal_wrapper(SIGTERM); // two at once would be one
        CHECK(vm->wait() == 0);
    }
}

TEST_CASE("the console has the name that QEMUMONSOCK says, as long as the VM runs",
          "[qemu][real]") {
    VmDirectory vm{Guest::Obeying};
    vm.append_to_configuration("QEMUMONSOCK=$CTYSWRAPPERPATH/mon.ACTUALLABEL.ACTUALPID\n"
                               "SEEN_BEFORE=$MYQEMUMONSOCK\n"
                               "QEMUMONSOCK=${QEMUMONSOCK/mon/monitor}\n");
    vm.start({});
    const auto facts = vm.facts();
    REQUIRE(vm.open_console().read_until("up\r\n") != "");

    const auto name = fmt::format("{}/monitor.web.{}", vm.path(), facts.shim_pid);
    REQUIRE(std::filesystem::is_symlink(std::filesystem::symlink_status(name)));
    CHECK(std::filesystem::read_symlink(name) == vm.files().console);
    vm.signal_wrapper(SIGTERM);
    CHECK(vm.wait() == 0);
    CHECK_FALSE(std::filesystem::is_symlink(std::filesystem::symlink_status(name)));
}

TEST_CASE("a link that a dead VM has left is replaced, that of a running one is not",
          "[qemu][real]") {
    VmDirectory vm{Guest::Obeying};
    const auto name = vm.path() + "/mon";
    std::filesystem::create_symlink(vm.path() + "/gone/console.sock", name);
    vm.append_to_configuration("QEMUMONSOCK=" + name + "\n");
    vm.start({});
    REQUIRE(vm.facts().qemu_pid != 0);
    REQUIRE(vm.open_console().read_until("up\r\n") != "");
    CHECK(std::filesystem::read_symlink(name) == vm.files().console);

    VmDirectory other{Guest::Idle};
    other.append_to_configuration("QEMUMONSOCK=" + name + "\n");
    other.start({"--check"});

    CHECK(other.wait() == 5);
    CHECK(other.output().find("leads to the console of a VM that runs") != std::string::npos);
    vm.signal_wrapper(SIGTERM);
    CHECK(vm.wait() == 0);
}

TEST_CASE("signals of CTYS_SIGIGNORESPEC do nothing to a VM run by hand", "[qemu][real]") {
    const bool exported = GENERATE(false, true);
    VmDirectory vm{Guest::Obeying};
    if (exported) {
        ::setenv("CTYS_SIGIGNORESPEC", "SIGINT,QUIT", 1);
    } else {
        vm.append_to_configuration("CTYS_SIGIGNORESPEC=\"2 3 19\"\n");
    }
    vm.start({});
    ::unsetenv("CTYS_SIGIGNORESPEC");
    REQUIRE(vm.facts().qemu_pid != 0);
    REQUIRE(vm.open_console().read_until("up\r\n") != "");

    vm.signal_wrapper(SIGINT);
    vm.signal_wrapper(SIGQUIT);
    vm.signal_wrapper(SIGINT);
    vm.signal_wrapper(SIGTERM);

    CHECK(vm.wait() == 0);
    const auto said = vm.output();
    CHECK(said.find("ignored by CTYS_SIGIGNORESPEC: INT, QUIT\n") != std::string::npos);
    CHECK(said.find("web is asked to end by its power button") != std::string::npos);
    CHECK(said.find("the power of web is cut") == std::string::npos);
}

TEST_CASE("an option -nographic of a configuration puts the console on the caller's output",
          "[qemu][real]") {
    VmDirectory vm{Guest::Ending};
    vm.append_to_configuration("ARGSADD=-nographic\n");

    SECTION("as CLI0 does") {
        vm.start({});
        CHECK(vm.wait() == 0);
        CHECK(vm.output().find("up\r\n") != std::string::npos);
    }
    SECTION("unless the call says otherwise") {
        vm.start({"--console=CLI"});
        CHECK(vm.wait() == 0);
        CHECK(vm.output().find("up\r\n") == std::string::npos);
        CHECK(vm.text_of(vm.files().serial_log).find("up\r\n") != std::string::npos);
    }
}
