// Bytes of a guest against the talk with its agent: however they are cut, it ends alike, once and
// in the end; and nothing is asked for before the guest has shown that it means us.

#include "agent/qmp/guest_talk.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace ctys;
using namespace ctys::qmp;

namespace {

constexpr std::int64_t sync_number = 7;
constexpr GuestTalkLimits limits{.line_bytes = 512, .total_bytes = 4096};

void require(bool holds) {
    if (!holds) std::abort();
}

struct Ledger {
    std::string written;
    std::optional<Result<GuestAnswer>> end;

    void take(const GuestTalkEffects& effects) {
        if (end) return require(effects.write.empty() && !effects.end);
        written += effects.write;
        end = effects.end;
    }
};

/// How the talk ended when all bytes came at once, in pieces of this size.
Ledger drive(GuestRequest::Kind kind, std::string_view bytes, std::size_t chunk) {
    GuestTalk talk({.kind = kind, .argv = {"/sbin/init", "3"}}, sync_number, limits);
    Ledger ledger;
    ledger.take(talk.connected({}));
    const auto sync = ledger.written;
    while (!bytes.empty()) {
        ledger.take(talk.receive(bytes.substr(0, chunk), {}));
        bytes.remove_prefix(std::min(chunk, bytes.size()));
    }
    if (talk.phase() == GuestTalk::Phase::Syncing) require(ledger.written == sync);
    // It goes on looking for no longer than it was given.
    for (int i = 0; i < 100 && !ledger.end; ++i) {
        require(talk.next_deadline().has_value());
        ledger.take(talk.tick(*talk.next_deadline()));
    }
    require(ledger.end.has_value() && !talk.next_deadline());
    ledger.take(talk.receive("{}\n", {}));
    ledger.take(talk.disconnected({.code = ErrorCode::Unreachable, .message = "end"}));
    return ledger;
}

bool is_alike(const Ledger& one, const Ledger& other) {
    if (one.end->has_value() != other.end->has_value()) return false;
    return one.end->has_value() ? one.end->value() == other.end->value()
                                : one.end->error().code == other.end->error().code;
}

void drive_both(GuestRequest::Kind kind, const std::string& bytes, std::size_t chunk) {
    const auto cut = drive(kind, bytes, chunk);
    require(is_alike(cut, drive(kind, bytes, bytes.size() + 1)));
    const auto& end = *cut.end;
    const auto status = end ? end->exit_status : std::nullopt;
    if (status) require(kind == GuestRequest::Kind::Run && *status >= 0 && *status < 256);
#ifdef CTYS_PLANTED_DEFECT
    // Knows no other status than those of the samples.
    require(!status || *status == 3 || *status == 12);
#endif
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t chunk = 1 + data[0];
    const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    // Also behind a proper start, so that short inputs reach what comes then.
    static const std::string start = "\xff{\"return\":7}\n";
    static const std::string begun = start + "{\"return\":{\"pid\":9}}\n";
    drive_both(GuestRequest::Kind::PowerOff, bytes, chunk);
    drive_both(GuestRequest::Kind::PowerOff, start + bytes, chunk);
    drive_both(GuestRequest::Kind::Run, start + bytes, chunk);
    drive_both(GuestRequest::Kind::Run, begun + bytes, chunk);
    return 0;
}
