#include "agent/scanner/frame.h"
#include "agent/scanner/helper_protocol.h"

#include <catch2/catch.hpp>

#include <random>

using namespace ctys;
using namespace ctys::agent;

namespace {

std::string_view body_of(std::string_view frame) {
    return frame.substr(4);
}

std::vector<HelperReport> every_report() {
    const MarkerFacts marker{
        PoolId::parse("11111111-2222-4333-8444-555555555555").value(), 1, 2, -3, 4, 5};
    const MountFacts mount{"nfs4", "nas:/x", "/", "vers=4.2", true, false};
    FoundFile file;
    file.below = "a/a.ctys";
    file.storage = {marker.id, "a", 7, "nfs4", "nas:/x"};
    file.digest = 99;
    file.wrappers = {{"a.sh", 0755, 1000, true}};
    file.text = std::string("#@#MAGICID-QEMU\n\0\xff", 18);
    file.ignored = true;
    file.further = {{{"lab.conf", true}, std::string("X=1\n\xff", 5)}, {{"a.vmx", false}, "x"}};
    return {HelperHello{},
            ScanBegun{{"a/b", false}},
            PoolFacts{mount, marker, "", 12},
            NestedMarker{"c", marker, mount},
            file,
            ScanRemark{RemarkKind::LinkLoop, "l", "leads to ."},
            Progress{7},
            ScanEnded{{"", true}, "", 1, 2, true, "no watches"},
            CommandDone{3, true, "x"}};
}

std::vector<HelperCommand> every_command() {
    const NonceId nonce = NonceId::parse("11111111-2222-4333-8444-555555555555").value();
    return {{1, ScanPool{true, false}},
            {2, ScanDirectory{"a/b"}},
            {3, Prove{ProofStep::Remove, nonce}},
            {4, Ping{}}};
}

} // namespace

TEST_CASE("every report and command survives its encoding", "[scanner]") {
    for (const auto& report : every_report()) {
        CHECK(decode_report(body_of(encode(report))) == report);
    }
    for (const auto& command : every_command()) {
        CHECK(decode_command(body_of(encode(command))) == command);
    }
}

TEST_CASE("a body that is cut or has more bytes is malformed", "[scanner]") {
    for (const auto& report : every_report()) {
        const auto frame = encode(report);
        const auto body = body_of(frame);
        for (std::size_t size = 0; size < body.size(); ++size) {
            CHECK(decode_report(body.substr(0, size)).error().code == ErrorCode::Malformed);
        }
        CHECK_FALSE(decode_report(std::string(body) + "x"));
    }
}

TEST_CASE("damaged bodies are read without harm", "[scanner]") {
    std::mt19937 random(20260301);
    std::size_t read = 0;
    for (const auto& report : every_report()) {
        const auto frame = encode(report);
        for (int round = 0; round < 300; ++round) {
            std::string body(body_of(frame));
            for (int i = 0; i < 3; ++i) {
                body[random() % body.size()] = static_cast<char>(random());
            }
            if (const auto decoded = decode_report(body)) {
                ++read;
                CHECK(decode_report(body_of(encode(*decoded))) == *decoded);
            }
        }
    }
    CHECK(read > 0);
}

TEST_CASE("a path that leads out of its pool is malformed", "[scanner]") {
    const auto below = GENERATE("/etc", "../x", "a/../b", "a//b", "a/", ".", "a/./b", "..");

    CHECK_FALSE(decode_command(body_of(encode(HelperCommand{1, ScanDirectory{below}}))));
}

TEST_CASE("frames are cut alike whatever pieces they arrive in", "[scanner]") {
    std::string stream;
    for (const auto& report : every_report()) {
        stream += encode(report);
    }
    const auto piece = GENERATE(1u, 3u, 7u, 64u, 100000u);

    FrameSplitter splitter;
    std::vector<HelperReport> reports;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        splitter.feed(std::string_view(stream).substr(at, piece));
        for (auto body = splitter.next(); *body; body = splitter.next()) {
            reports.push_back(decode_report(**body).value());
        }
    }

    CHECK(reports == every_report());
}

TEST_CASE("a length beyond the bound ends the stream at once", "[scanner]") {
    FrameSplitter splitter;
    splitter.feed("\xff\xff\xff\x7f");

    const auto body = splitter.next();

    REQUIRE_FALSE(body);
    CHECK(body.error().code == ErrorCode::Malformed);
}
