#include "agent/qmp/framing.h"

#include <catch2/catch.hpp>

#include <random>

using namespace ctys;
using namespace ctys::qmp;

namespace {

const std::string transcript =
    "{\"QMP\": {}}\r\n{\"a\":1}\n\r\n\n{\"b\": \"\\r\\n\"}\r\n\r{\"c\":2}\r\r\n"
    "tail without end";

std::vector<std::string> in_pieces(std::string_view bytes, const std::vector<std::size_t>& cuts) {
    Framer framer;
    std::vector<std::string> out;
    std::size_t from = 0;
    for (const auto cut : cuts) {
        auto framed = framer.feed(bytes.substr(from, cut - from));
        REQUIRE(framed.status);
        out.insert(out.end(), framed.messages.begin(), framed.messages.end());
        from = cut;
    }
    return out;
}

} // namespace

TEST_CASE("messages end with LF or CRLF and empty ones are skipped", "[qmp]") {
    const auto messages = in_pieces(transcript, {transcript.size()});

    CHECK(messages == std::vector<std::string>{
                          "{\"QMP\": {}}", "{\"a\":1}", "{\"b\": \"\\r\\n\"}", "\r{\"c\":2}\r"});
}

TEST_CASE("any split of a transcript gives the same messages", "[qmp]") {
    const auto whole = in_pieces(transcript, {transcript.size()});
    for (std::size_t a = 0; a <= transcript.size(); ++a) {
        for (std::size_t b = a; b <= transcript.size(); ++b) {
            REQUIRE(in_pieces(transcript, {a, b, transcript.size()}) == whole);
        }
    }
}

TEST_CASE("random chunks of random bytes give the same messages", "[qmp]") {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        std::string bytes;
        for (int i = 0; i < 200; ++i) {
            bytes += "\r\n{}x"[random() % 5];
        }
        std::vector<std::size_t> cuts;
        for (std::size_t at = 0; at < bytes.size();) {
            at = std::min(bytes.size(), at + random() % 7);
            cuts.push_back(at);
        }
        REQUIRE(in_pieces(bytes, cuts) == in_pieces(bytes, {bytes.size()}));
    }
}

TEST_CASE("a message beyond the limit ends the framer for good", "[qmp]") {
    Framer framer(4);

    const auto first = framer.feed("ab\r\nabcd\r\n");
    const auto second = framer.feed("abcde\n");
    const auto third = framer.feed("ab\n");

    CHECK(first.status);
    CHECK(first.messages == std::vector<std::string>{"ab", "abcd"});
    CHECK(second.status.error().code == ErrorCode::Malformed);
    CHECK(second.messages.empty());
    CHECK_FALSE(third.status);
    CHECK(third.messages.empty());
}

TEST_CASE("an endless message is refused before it is complete", "[qmp]") {
    Framer framer(1000);
    std::size_t fed = 0;
    while (framer.feed("xxxxxxxxxx").status) {
        fed += 10;
        REQUIRE(fed <= 1010);
        REQUIRE(framer.pending_bytes() <= 1001);
    }
    CHECK(framer.pending_bytes() == 0);
}

TEST_CASE("messages before one beyond the limit are still given", "[qmp]") {
    Framer framer(3);
    const auto framed = framer.feed("a\nbb\ntoolong\nc\n");
    CHECK(framed.messages == std::vector<std::string>{"a", "bb"});
    CHECK_FALSE(framed.status);
}
