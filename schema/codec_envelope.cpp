#include "schema/codec.h"
#include "schema/frame.h"
#include "schema/message.capnp.h"
#include "schema/parts.h"

namespace ctys::schema {

namespace {

Envelope take_envelope(Reading& in, wire::Envelope::Reader from) {
    Envelope envelope;
    envelope.version = from.getVersion();
    envelope.correlation = from.getCorrelation();
    if (envelope.version > protocol_version) {
        in.reject(ErrorCode::Unsupported,
                  fmt::format("protocol version {} is newer than {}, the newest known here",
                              envelope.version,
                              protocol_version));
        return envelope;
    }
    if (envelope.version == 0) {
        in.reject(ErrorCode::Malformed, "it has no protocol version");
        return envelope;
    }
    envelope.body = take_body(in, from.getBody());
    return envelope;
}

} // namespace

std::vector<std::byte> encode(const Envelope& envelope) {
    return encode_frame<wire::Envelope>([&](wire::Envelope::Builder to) {
        to.setVersion(envelope.version);
        to.setCorrelation(envelope.correlation);
        put_body(to.getBody(), envelope.body);
    });
}

Result<Envelope> decode_envelope(std::span<const std::byte> bytes) {
    return decode_frame<wire::Envelope>("message", bytes, take_envelope);
}

std::uint64_t correlation_of(std::span<const std::byte> bytes) {
    return decode_frame<wire::Envelope>(
               "message",
               bytes,
               [](Reading&, wire::Envelope::Reader from) { return from.getCorrelation(); })
        .value_or(0);
}

} // namespace ctys::schema
