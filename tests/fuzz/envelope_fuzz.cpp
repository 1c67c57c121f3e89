// Any bytes as a message of the mesh socket: decoded or refused, and what was decoded survives
// another round trip.
#include "mesh/core/assert.h"
#include "schema/codec.h"

namespace {

using namespace ctys;

// Takes it for granted that a ping carries a time. Reached only by bytes that are a well-formed
// ping, and by no sample. (A magic number instead is not found within the minute a check has.)
[[maybe_unused]] bool is_planted(const Envelope& envelope) {
    const auto* ping = std::get_if<msg::Ping>(&envelope.body);
    return ping != nullptr && ping->session == Duration{};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    const std::span bytes{reinterpret_cast<const std::byte*>(input), size};
    const auto envelope = schema::decode_envelope(bytes);
    (void)schema::correlation_of(bytes);
    if (!envelope) return 0;
    CTYS_ASSERT(schema::decode_envelope(schema::encode(*envelope)) == *envelope);
#ifdef CTYS_PLANTED_DEFECT
    CTYS_ASSERT(!is_planted(*envelope));
#endif
    return 0;
}
