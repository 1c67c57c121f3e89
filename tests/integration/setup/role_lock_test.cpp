#include "mesh/setup/role_lock.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace ctys;
using namespace ctys::setup;

namespace {

struct LockFixture {
    support::TemporaryDirectory directory;
    Directories directories{directory / "state", directory / "run"};

    Result<RoleLock> acquire(std::string_view role = "agent", std::string_view name = {}) const {
        return RoleLock::acquire(directories, role, name);
    }
};

} // namespace

TEST_CASE_METHOD(LockFixture, "a second holder is told the pid of the first", "[setup]") {
    const auto first = acquire();
    REQUIRE(first);

    const auto second = acquire();

    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::Conflict);
    CHECK(second.error().message == "another agent already uses " + (directory / "state/agent") +
                                        " (pid " + std::to_string(::getpid()) + ")");
}

TEST_CASE_METHOD(LockFixture, "roles and names have folders of their own", "[setup]") {
    const auto broker = acquire("broker");
    const auto agent = acquire("agent");
    const auto named = acquire("agent", "w2");

    REQUIRE(broker);
    REQUIRE(agent);
    REQUIRE(named);
    CHECK(named->folders() ==
          Directories{directory / "state/agent-w2", directory / "run/agent-w2"});
}

TEST_CASE_METHOD(LockFixture, "either of the two directories is enough to be refused", "[setup]") {
    const auto first = acquire();
    REQUIRE(first);
    auto other_state = directories;
    other_state.state = directory / "state2";
    auto other_runtime = directories;
    other_runtime.runtime = directory / "run2";

    CHECK(RoleLock::acquire(other_state, "agent").error().code == ErrorCode::Conflict);
    CHECK(RoleLock::acquire(other_runtime, "agent").error().code == ErrorCode::Conflict);
    // Refused halfway, the second one must not keep what it had.
    CHECK(RoleLock::acquire({directory / "state2", directory / "run3"}, "agent"));
}

TEST_CASE_METHOD(LockFixture, "the lock ends with its object, also when it was moved", "[setup]") {
    {
        auto first = acquire();
        REQUIRE(first);
        const RoleLock moved(std::move(*first));
        CHECK_FALSE(acquire());
    }
    CHECK(acquire());
}

TEST_CASE_METHOD(LockFixture, "a holder that is killed leaves no lock", "[setup]") {
    int ready[2] = {-1, -1};
    REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
    const auto child = ::fork();
    if (child == 0) {
        const auto held = acquire();
        const char sign = held ? 'y' : 'n';
        if (::write(ready[1], &sign, 1) != 1) ::_exit(1);
        ::pause();
        ::_exit(0);
    }
    char sign = 0;
    REQUIRE(::read(ready[0], &sign, 1) == 1);
    REQUIRE(sign == 'y');
    const auto refused = acquire();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);

    CHECK_THAT(refused.error().message, Catch::Contains("pid " + std::to_string(child)));
    CHECK(acquire());
}

TEST_CASE_METHOD(LockFixture, "a name that is no label is refused", "[setup]") {
    const auto name = GENERATE("../x", "a/b", "-x", ".");
    CHECK(acquire("agent", name).error().code == ErrorCode::Usage);
    CHECK_FALSE(std::filesystem::exists(directory / "state"));
}

TEST_CASE_METHOD(LockFixture, "a link in the place of a lock file is not followed", "[setup]") {
    REQUIRE(acquire());
    std::filesystem::remove(directory / "state/agent/lock");
    std::filesystem::create_symlink(directory / "victim", directory / "state/agent/lock");

    CHECK(acquire().error().code == ErrorCode::Storage);
    CHECK_FALSE(std::filesystem::exists(directory / "victim"));
}

TEST_CASE_METHOD(LockFixture,
                 "an agent does not close a runtime that a group may enter",
                 "[setup]") {
    const auto broker = RoleLock::acquire(directories, "broker", {}, {.group = ::getegid()});
    REQUIRE(broker);
    REQUIRE(acquire("agent"));

    const auto mode = [](const std::string& path) {
        return static_cast<unsigned>(std::filesystem::status(path).permissions());
    };
    CHECK(mode(directories.runtime) == 0750);
    CHECK(mode(directories.runtime + "/broker") == 0750);
    CHECK(mode(directories.runtime + "/agent") == 0700);
    CHECK(mode(directories.state) == 0700);
}
