#include "tools/qemu_call/consent.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

using namespace ctys::call;

namespace {

constexpr std::chrono::seconds whole_patience{30};

// A terminal and the person at it.
class FakeTerminal {
public:
    FakeTerminal() : person_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        REQUIRE(::grantpt(person_) == 0);
        REQUIRE(::unlockpt(person_) == 0);
        terminal_ = ::open(::ptsname(person_), O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(terminal_ >= 0);
    }
    ~FakeTerminal() {
        hang_up();
        ::close(terminal_);
    }
    FakeTerminal(const FakeTerminal&) = delete;
    FakeTerminal& operator=(const FakeTerminal&) = delete;

    void type(std::string_view text) {
        REQUIRE(::write(person_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    void hang_up() {
        if (person_ >= 0) ::close(person_);
        person_ = -1;
    }
    int descriptor() const { return terminal_; }

private:
    int person_;
    int terminal_ = -1;
};

bool consent_at(const FakeTerminal& terminal, std::chrono::milliseconds patience = whole_patience) {
    return has_consent("Go on?", terminal.descriptor(), terminal.descriptor(), patience);
}

} // namespace

TEST_CASE("only y and yes are a consent", "[call]") {
    const auto [typed, consent] = GENERATE(table<std::string, bool>({
        {"y\n", true},
        {"YES\n", true},
        {" yes \n", true},
        {"\n", false},
        {"n\n", false},
        {"yesterday\n", false},
    }));
    CAPTURE(typed);
    FakeTerminal terminal;
    terminal.type(typed);

    CHECK(consent_at(terminal) == consent);
}

TEST_CASE("a silence and a terminal that is gone are no consent", "[call]") {
    FakeTerminal terminal;

    CHECK_FALSE(consent_at(terminal, std::chrono::milliseconds{1}));
    terminal.hang_up();
    CHECK_FALSE(consent_at(terminal));
}

TEST_CASE("a pipe is no terminal to ask at", "[call]") {
    const FakeTerminal terminal;
    std::array<int, 2> pipe{};
    REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);

    CHECK(is_terminal(terminal.descriptor(), terminal.descriptor()));
    CHECK_FALSE(is_terminal(pipe[0], terminal.descriptor()));
    CHECK_FALSE(is_terminal(terminal.descriptor(), pipe[1]));
    ::close(pipe[0]);
    ::close(pipe[1]);
}
