#include "mesh/loop/inotify.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <fcntl.h>
#include <fstream>
#include <optional>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

using ctys::ErrorCode;
using ctys::loop::Inotify;
using ctys::loop::InotifyEvent;
using ctys::support::LoopFixture;
using ctys::support::TemporaryDirectory;

namespace {

void touch(const std::string& path) {
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ::close(fd);
}

long queue_limit() {
    long limit = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> limit;
    return limit;
}

} // namespace

TEST_CASE("changes of a directory come with names, both halves of a rename with one cookie",
          "[loop][inotify]") {
    LoopFixture f;
    const TemporaryDirectory dir;
    std::vector<std::pair<std::uint32_t, std::string>> seen;
    std::vector<std::uint32_t> cookies;
    auto inotify = Inotify::open(
        f.loop,
        [&](const InotifyEvent& event) {
            seen.emplace_back(event.mask, event.name);
            if (event.cookie != 0) cookies.push_back(event.cookie);
        },
        [] {});
    REQUIRE(inotify);
    REQUIRE(inotify->add(dir.path(), IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO));

    touch(dir / "a");
    std::filesystem::rename((dir / "a"), dir / "b");

    f.run_until([&] { return seen.size() >= 3; });
    CHECK(seen == std::vector<std::pair<std::uint32_t, std::string>>{
                      {IN_CLOSE_WRITE, "a"}, {IN_MOVED_FROM, "a"}, {IN_MOVED_TO, "b"}});
    REQUIRE(cookies.size() == 2);
    CHECK(cookies[0] == cookies[1]);
}

TEST_CASE("a removed watch ends with its ignored event", "[loop][inotify]") {
    LoopFixture f;
    const TemporaryDirectory dir;
    std::vector<std::uint32_t> masks;
    auto inotify = Inotify::open(
        f.loop, [&](const InotifyEvent& event) { masks.push_back(event.mask); }, [] {});
    REQUIRE(inotify);
    const auto watch = inotify->add(dir.path(), IN_CREATE);
    REQUIRE(watch);

    inotify->remove(*watch);
    touch(dir / "unseen");

    f.run_until([&] { return !masks.empty(); });
    f.drain();
    CHECK(masks == std::vector<std::uint32_t>{IN_IGNORED});
}

TEST_CASE("dropped events are reported as an overflow", "[loop][inotify]") {
    LoopFixture f;
    const TemporaryDirectory dir;
    long events = 0;
    int overflows = 0;
    auto inotify = Inotify::open(
        f.loop, [&](const InotifyEvent&) { ++events; }, [&] { ++overflows; });
    REQUIRE(inotify);
    REQUIRE(inotify->add(dir.path(), IN_CREATE | IN_DELETE));
    const long limit = queue_limit();
    REQUIRE(limit > 0);

    // Equal neighbours are merged by the kernel; a create and a delete of one name are not.
    const auto path = dir / "x";
    for (long made = 0; made <= limit; made += 2) {
        touch(path);
        ::unlink(path.c_str());
    }

    f.run_until([&] { return overflows > 0; });
    CHECK(events == limit);
    CHECK(overflows == 1);
}

TEST_CASE("the watcher may be dropped by its own event", "[loop][inotify]") {
    LoopFixture f;
    const TemporaryDirectory dir;
    int events = 0;
    std::optional<Inotify> held;
    auto inotify = Inotify::open(
        f.loop,
        [&](const InotifyEvent&) {
            ++events;
            held.reset();
        },
        [] {});
    REQUIRE(inotify);
    held = std::move(*inotify);
    REQUIRE(held->add(dir.path(), IN_CREATE));
    touch(dir / "a");
    touch(dir / "b");

    f.run_until([&] { return events > 0; });
    f.drain();
    CHECK(events == 1);
}

TEST_CASE("a path that does not exist cannot be watched", "[loop][inotify]") {
    LoopFixture f;
    auto inotify = Inotify::open(
        f.loop, [](const InotifyEvent&) {}, [] {});
    REQUIRE(inotify);
    CHECK(inotify->add("/no/such", IN_CREATE).error().code == ErrorCode::NotFound);
}
