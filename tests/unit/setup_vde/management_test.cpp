#include "tests/support/temporary_directory.h"
#include "tools/setup_vde/management.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

using namespace ctys;
using namespace ctys::vde;

namespace {

using std::chrono::milliseconds;

/// Greets the first caller, reads one command, says what the script has for it and hangs up when it
/// is gone, or at once.
class ScriptedSwitch {
public:
    ScriptedSwitch(const std::string& path, std::string greeting, std::string answer, bool hangs_up)
        : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(socket_, 4) == 0);
        thread_ = std::thread{[=, this] { serve(greeting, answer, hangs_up); }};
    }
    ~ScriptedSwitch() {
        ::shutdown(socket_, SHUT_RDWR); // wakes an accept() that nobody will call
        thread_.join();
        ::close(socket_);
    }
    ScriptedSwitch(const ScriptedSwitch&) = delete;
    ScriptedSwitch& operator=(const ScriptedSwitch&) = delete;

private:
    void serve(const std::string& greeting, const std::string& answer, bool hangs_up) const {
        const int caller = ::accept(socket_, nullptr, nullptr);
        if (caller < 0) return;
        say(caller, greeting);
        std::array<char, 256> command{};
        const auto count = ::read(caller, command.data(), command.size());
        if (count > 0) say(caller, answer);
        // Until the caller has gone.
        while (!hangs_up && ::read(caller, command.data(), command.size()) > 0) {
        }
        ::close(caller);
    }
    static void say(int caller, std::string_view text) {
        while (!text.empty()) {
            const auto count = ::send(caller, text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(count));
        }
    }

    int socket_;
    std::thread thread_;
};

constexpr auto greeting = "VDE switch V.2.3.2\n\nvde$ ";

Error why_not(const std::string& answer,
              bool hangs_up,
              milliseconds patience = milliseconds{5000}) {
    const support::TemporaryDirectory directory;
    const ScriptedSwitch one{directory / "m", greeting, answer, hangs_up};
    auto management = Management::open(directory / "m", patience);
    REQUIRE(management);
    const auto data = management->ask("showinfo");
    REQUIRE_FALSE(data);
    return data.error();
}

} // namespace

TEST_CASE("a switch that greets is asked and answers", "[vde]") {
    const support::TemporaryDirectory directory;
    const ScriptedSwitch one{
        directory / "m", greeting, "0000 DATA END WITH '.'\npid 7\n.\n1000 Success\n", false};

    auto management = Management::open(directory / "m");

    REQUIRE(management);
    CHECK(management->ask("showinfo") == std::string{"pid 7\n"});
}

TEST_CASE("a switch that says no is told with its number", "[vde]") {
    CHECK(why_not("1038 Function not implemented\n", false).message ==
          "it answers showinfo with 1038");
}

TEST_CASE("a switch that says nothing is not awaited for ever", "[vde]") {
    CHECK(why_not("0000 DATA END WITH '.'\npid 7\n", false, milliseconds{50}).code ==
          ErrorCode::TimedOut);

    const support::TemporaryDirectory directory;
    const ScriptedSwitch one{directory / "m", "", "", false};
    CHECK(Management::open(directory / "m", milliseconds{50}).error().code == ErrorCode::TimedOut);
}

TEST_CASE("a switch that goes while it is asked is told", "[vde]") {
    CHECK(why_not("0000 DATA END WITH '.'\n", true).message ==
          "the switch has closed the connection");
}

TEST_CASE("an answer without end is read up to a bound", "[vde]") {
    CHECK(
        why_not("0000 DATA END WITH '.'\n" + std::string(2 * max_answer_bytes, 'x'), false).code ==
        ErrorCode::Malformed);
}

TEST_CASE("where nobody listens the reason is told apart", "[vde]") {
    const support::TemporaryDirectory directory;
    CHECK(Management::open(directory / "m").error().code == ErrorCode::NotFound);
    CHECK(is_silent(directory / "m"));
    { const ScriptedSwitch dead{directory / "m", "", "", true}; }
    CHECK(Management::open(directory / "m").error().code == ErrorCode::Conflict);
    CHECK(is_silent(directory / "m"));
}

TEST_CASE("a switch has ended when it hangs up", "[vde]") {
    const support::TemporaryDirectory directory;
    {
        const ScriptedSwitch one{directory / "a", greeting, "9999 END OF SESSION\n", true};
        CHECK(Management::open(directory / "a")->shut_down());
    }
    const ScriptedSwitch stubborn{directory / "b", greeting, "", false};
    const auto told = Management::open(directory / "b", milliseconds{50})->shut_down();
    REQUIRE_FALSE(told);
    CHECK(told.error().code == ErrorCode::TimedOut);
}
