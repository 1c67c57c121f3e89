#include "broker/shell/feed.h"
#include "mesh/bus/context.h"
#include "tests/support/loop_fixture.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ctys;
using namespace ctys::broker;
using namespace ctys::support;

namespace {

Append append(std::uint64_t sequence, std::string topic) {
    return {.sequence = sequence,
            .bytes = std::make_shared<const std::vector<std::byte>>(3),
            .topic = std::move(topic)};
}

struct FeedFixture : LoopFixture {
    FeedFixture() {
        const auto at = bus::Endpoint::ipc(dir / "feed").value();
        REQUIRE(feed.bind(at));
        REQUIRE(reader.connect(at));
    }

    /// Until something arrives: how soon a subscription is known is not for us to say.
    void await(const std::function<void()>& publish) {
        run_until([&] {
            if (topics.empty()) publish();
            return !topics.empty();
        });
    }

    TemporaryDirectory dir;
    bus::Context context;
    std::vector<std::string> topics;
    std::vector<std::string> heads;
    Feed feed{context, loop, {}};
    bus::Socket reader{context, loop, bus::SocketKind::Sub, {}, [this](bus::Message& message) {
                           topics.emplace_back(message.frames.at(0).text());
                           heads.emplace_back(message.frames.at(1).text());
                       }};
};

} // namespace

TEST_CASE("the feed names the cursor before, also of what nobody has heard", "[broker]") {
    FeedFixture f;
    f.feed.publish(5, append(1, "vm/a/running/"));
    f.drain();
    f.reader.subscribe("vm/a/");

    std::uint64_t sequence = 1;
    f.await([&] { f.feed.publish(5, append(++sequence, "vm/a/paused/")); });

    CHECK(f.topics.front() == "vm/a/paused/");
    const auto at = static_cast<unsigned char>(f.heads.front().at(15));
    CHECK(at >= 2);
    CHECK(static_cast<unsigned char>(f.heads.front().at(31)) == at - 1);
}

TEST_CASE("a mark tells the last cursor of a prefix once", "[broker]") {
    FeedFixture f;
    f.reader.subscribe("vm/a/");
    f.await([&] { f.feed.publish(5, append(1, "vm/a/running/")); });

    f.feed.publish(5, append(9, "vm/a/paused/"));
    f.feed.on_second();
    f.feed.on_second();
    f.feed.publish(5, append(10, "vm/a/stopped/"));
    f.run_until([&] { return f.topics.back() == "vm/a/stopped/"; });

    CHECK(std::count(f.topics.begin(), f.topics.end(), "vm/a/mark/") == 1);
    const auto mark = f.heads.at(f.heads.size() - 2);
    CHECK(mark.at(15) == 9);
    CHECK(mark.at(31) == 9);
}
