// Any bytes as each kind of record and as an event: decoded or refused, and what was decoded
// survives another round trip.
#include "mesh/core/assert.h"
#include "schema/codec.h"

namespace {

using namespace ctys;
using Bytes = std::span<const std::byte>;

template <typename T>
void check(Bytes bytes, Result<T> (*decode)(Bytes)) {
    const auto value = decode(bytes);
    if (value) CTYS_ASSERT(decode(schema::encode(*value)) == *value);
}

// Takes it for granted that a lease that runs names its process. Reached only by bytes that are a
// well-formed lease, and by no sample.
[[maybe_unused]] bool is_planted(Bytes bytes) {
    const auto lease = schema::decode_lease(bytes);
    return lease && lease->phase == Lease::Phase::Running && lease->instance.pid == 0;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    const Bytes bytes{reinterpret_cast<const std::byte*>(input), size};
    check(bytes, schema::decode_vm);
    check(bytes, schema::decode_path);
    check(bytes, schema::decode_instance);
    check(bytes, schema::decode_worker);
    check(bytes, schema::decode_action);
    check(bytes, schema::decode_lease);
    check(bytes, schema::decode_intent);
    const auto event = schema::decode_event(bytes);
    if (event) CTYS_ASSERT(schema::decode_event(*schema::encode_event(*event)) == *event);
#ifdef CTYS_PLANTED_DEFECT
    CTYS_ASSERT(!is_planted(bytes));
#endif
    return 0;
}
