#include "schema/codec.h"
#include "schema/limits.h"
#include "tests/support/samples.h"
#include "tests/support/specimens.h"

#include <catch2/catch.hpp>

#include <cstring>
#include <random>

using namespace ctys;

namespace {

// Where a single-segment envelope has its fields: table and root pointer, then the data section.
constexpr std::size_t version_at = 16;
constexpr std::size_t kind_at = 18;

std::vector<std::byte> envelope_of(Body body) {
    return schema::encode(Envelope{.correlation = 42, .body = std::move(body)});
}

std::uint16_t number_at(const std::vector<std::byte>& bytes, std::size_t at) {
    std::uint16_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

std::vector<std::byte> with(std::vector<std::byte> bytes, std::size_t at, std::uint16_t value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return bytes;
}

// The only place where the two differ, rounded down to a 16-bit field.
std::size_t difference(const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
    REQUIRE(a.size() == b.size());
    const auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin());
    REQUIRE(at != a.end());
    return static_cast<std::size_t>(at - a.begin()) / 2 * 2;
}

ErrorCode code_of(const Result<Envelope>& result) {
    REQUIRE_FALSE(result);
    return result.error().code;
}

} // namespace

TEST_CASE("a message that was cut off is refused wherever it was cut", "[schema]") {
    for (const auto& specimen : samples::specimens()) {
        for (std::size_t size = 0; size < specimen.bytes.size(); ++size) {
            INFO(specimen.name << " cut to " << size);
            CHECK_FALSE(specimen.can_decode({specimen.bytes.data(), size}));
        }
    }
}

TEST_CASE("bytes after the end of a message are refused", "[schema]") {
    for (auto specimen : samples::specimens()) {
        INFO(specimen.name);
        specimen.bytes.resize(specimen.bytes.size() + 8);
        CHECK_FALSE(specimen.can_decode(specimen.bytes));
    }
}

TEST_CASE("20,000 damaged messages are decoded or refused, and nothing else", "[schema]") {
    const auto specimens = samples::specimens();
    std::mt19937 random{20'260'301};
    std::size_t decoded = 0;
    for (int round = 0; round < 20'000; ++round) {
        const auto& specimen = specimens[random() % specimens.size()];
        auto bytes = specimen.bytes;
        for (auto changes = 1 + random() % 4; changes > 0; --changes) {
            bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        }
        if (specimen.can_decode(bytes)) ++decoded;
    }
    CHECK(decoded > 1'000);
    CHECK(decoded < 19'000);
}

TEST_CASE("a kind of message from the future is unsupported, and can be answered", "[schema]") {
    const auto bytes = with(envelope_of(msg::Ping{}), kind_at, 999);

    const auto result = schema::decode_envelope(bytes);

    CHECK(code_of(result) == ErrorCode::Unsupported);
    CHECK(result.error().message == "message: kind 999 is not known to protocol version 1");
    CHECK(schema::correlation_of(bytes) == 42);
    CHECK(schema::correlation_of({}) == 0);
}

TEST_CASE("a newer protocol version is unsupported, and both versions are named", "[schema]") {
    const auto result = schema::decode_envelope(with(envelope_of(msg::Ping{}), version_at, 7));

    CHECK(code_of(result) == ErrorCode::Unsupported);
    CHECK(result.error().message ==
          "message: protocol version 7 is newer than 1, the newest known here");
}

TEST_CASE("a message without a version or a body is malformed", "[schema]") {
    const auto bytes = envelope_of(msg::Ping{});
    CHECK(code_of(schema::decode_envelope(with(bytes, version_at, 0))) == ErrorCode::Malformed);
    CHECK(code_of(schema::decode_envelope(with(bytes, kind_at, 0))) == ErrorCode::Malformed);
}

TEST_CASE("an unknown payload is dropped with an unknown kind of event only", "[schema]") {
    Event none{.kind = EventKind::Running};
    const auto bytes = *schema::encode_event(none);
    auto other = none;
    other.payload = InstanceRecord{};
    const auto other_kind = [&](std::uint16_t kind) {
        auto event = none;
        event.kind = static_cast<EventKind>(kind);
        return *schema::encode_event(event);
    };
    // Root data: kind at 16, old and new state at 18 and 20, then the payload's number at 22.
    constexpr std::size_t payload_at = 22;
    REQUIRE(number_at(*schema::encode_event(other), payload_at) == 1);

    const auto known = schema::decode_event(with(bytes, payload_at, 999));
    const auto unknown = schema::decode_event(with(other_kind(999), payload_at, 999));

    REQUIRE_FALSE(known);
    CHECK(known.error().code == ErrorCode::Unsupported);
    REQUIRE(unknown);
    CHECK(unknown->kind == static_cast<EventKind>(999));
    CHECK(std::holds_alternative<std::monostate>(unknown->payload));
}

TEST_CASE("a number outside an enum is malformed", "[schema]") {
    const auto failure = [](ErrorCode code) { return envelope_of(msg::Failure{{.code = code}}); };
    const auto bytes = failure(ErrorCode::Failed);
    const auto code_at = difference(bytes, failure(ErrorCode::Usage));
    const auto last = static_cast<std::uint16_t>(error_table().size());
    CHECK(schema::decode_envelope(with(bytes, code_at, last)));
    for (const std::uint16_t value : {std::uint16_t{0}, static_cast<std::uint16_t>(last + 1)}) {
        CHECK(code_of(schema::decode_envelope(with(bytes, code_at, value))) ==
              ErrorCode::Malformed);
    }

    const auto lease = schema::encode(Lease{.phase = Lease::Phase::Reserved});
    const auto phase_at = difference(lease, schema::encode(Lease{.phase = Lease::Phase::Running}));
    CHECK(schema::decode_lease(with(lease, phase_at, 2)));
    CHECK_FALSE(schema::decode_lease(with(lease, phase_at, 3)));
    CHECK_FALSE(schema::decode_lease(with(lease, phase_at, 0)));
}

TEST_CASE("a text beyond its limit is refused", "[schema]") {
    // Done and CancelAction have one text each, of different limits: the one is sent as the other.
    const auto as_cancel = [](std::size_t size) {
        const auto kind = number_at(envelope_of(msg::CancelAction{}), kind_at);
        return with(envelope_of(msg::Done{std::string(size, 'x')}), kind_at, kind);
    };
    CHECK(schema::decode_envelope(as_cancel(schema::limits::short_text)));

    const auto result = schema::decode_envelope(as_cancel(schema::limits::short_text + 1));

    CHECK(code_of(result) == ErrorCode::Malformed);
    CHECK(result.error().message == "message: action has 257 bytes, at most 256 are allowed");
}

TEST_CASE("a text that is not UTF-8 or contains NUL is refused", "[schema]") {
    auto bytes = envelope_of(msg::Done{"abcdefgh"});
    const auto text = std::search(bytes.begin(),
                                  bytes.end(),
                                  std::begin("abcdefgh"),
                                  std::end("abcdefgh"),
                                  [](auto a, char b) { return a == static_cast<std::byte>(b); });
    REQUIRE(text != bytes.end());
    for (const auto wrong : {0x00, 0x80, 0xff}) {
        text[3] = static_cast<std::byte>(wrong);
        CHECK(code_of(schema::decode_envelope(bytes)) == ErrorCode::Malformed);
    }
}

TEST_CASE("a message larger than a frame is refused before it is looked at", "[schema]") {
    const std::vector<std::byte> bytes(schema::limits::message_bytes + 8);
    CHECK(code_of(schema::decode_envelope(bytes)) == ErrorCode::Malformed);
}
