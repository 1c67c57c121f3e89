#include "mesh/setup/notify.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::setup;

namespace {

/// The service manager's end of the socket.
class RecordingManager {
public:
    explicit RecordingManager(const std::string& address)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, address.data(), address.size());
        if (address[0] == '@') at.sun_path[0] = '\0';
        const auto length =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&at), length) == 0);
    }
    ~RecordingManager() { ::close(socket_); }
    RecordingManager(const RecordingManager&) = delete;
    RecordingManager& operator=(const RecordingManager&) = delete;

    [[nodiscard]] std::string next() const {
        std::string text(1024, '\0');
        const auto size = ::recv(socket_, text.data(), text.size(), 0);
        text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
        return text;
    }

private:
    int socket_;
};

} // namespace

TEST_CASE("the service manager hears each state in its own words", "[setup]") {
    const support::TemporaryDirectory directory;
    const bool abstract = GENERATE(false, true);
    const auto address = abstract ? "@" + directory.path() : directory / "notify";
    const RecordingManager manager(address);
    const ServiceNotifier notifier(address);

    REQUIRE(notifier.ready());
    CHECK(manager.next() == "READY=1");
    REQUIRE(notifier.alive());
    CHECK(manager.next() == "WATCHDOG=1");
    REQUIRE(notifier.status("two\nlines"));
    CHECK(manager.next() == "STATUS=two?lines");
    REQUIRE(notifier.extend_timeout(std::chrono::seconds(90)));
    CHECK(manager.next() == "EXTEND_TIMEOUT_USEC=90000000");
    REQUIRE(notifier.stopping());
    CHECK(manager.next() == "STOPPING=1");
}

TEST_CASE("a manager that reads nothing is never waited for", "[setup]") {
    const support::TemporaryDirectory directory;
    const RecordingManager manager(directory / "notify");
    const ServiceNotifier notifier(directory / "notify");

    Status last;
    for (int i = 0; i < 100'000 && last; ++i) {
        last = notifier.alive();
    }

    REQUIRE_FALSE(last);
    CHECK(last.error().code == ErrorCode::Overloaded);
}

TEST_CASE("without a manager every notice succeeds, and a missing one is an error", "[setup]") {
    const support::TemporaryDirectory directory;
    CHECK(ServiceNotifier("").ready());
    CHECK(ServiceNotifier(directory / "gone").ready().error().code == ErrorCode::Unreachable);
    CHECK(ServiceNotifier(std::string(200, 'x')).ready().error().code == ErrorCode::Usage);
}

TEST_CASE("children do not inherit the manager's variables", "[setup]") {
    const auto [pid, expected] = GENERATE(table<std::string, std::optional<Duration>>({
        {"", Duration{10'000'000}},
        {std::to_string(::getpid()), Duration{10'000'000}},
        {"1", std::nullopt},
        {"x", std::nullopt},
    }));
    ::setenv("NOTIFY_SOCKET", "@ctys-test", 1);
    ::setenv("WATCHDOG_USEC", "10000000", 1);
    ::setenv("WATCHDOG_PID", pid.c_str(), 1);

    const auto notifier = ServiceNotifier::take_from_environment();

    CHECK(notifier.has_manager());
    CHECK(notifier.watchdog() == expected);
    CHECK(::getenv("NOTIFY_SOCKET") == nullptr);
    CHECK(::getenv("WATCHDOG_USEC") == nullptr);
    CHECK(::getenv("WATCHDOG_PID") == nullptr);
}
