// Bytes of a monitor against the QMP client: the framer gives the same messages however the bytes
// are cut, and a session survives anything and answers every command exactly once.

#include "agent/qmp/session.h"

#include <cstdint>
#include <cstdlib>
#include <set>

using namespace ctys;
using namespace ctys::qmp;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::size_t limit = 4096;

std::vector<std::string> framed(std::string_view bytes, std::size_t chunk) {
    Framer framer(limit);
    std::vector<std::string> out;
    while (!bytes.empty()) {
        auto piece = framer.feed(bytes.substr(0, chunk));
        for (auto& message : piece.messages) {
            out.push_back(std::move(message));
        }
        bytes.remove_prefix(std::min(chunk, bytes.size()));
    }
    return out;
}

struct Ledger {
    std::set<CommandId> open;
    int closed = 0;

    void take(const SessionEffects& effects) {
        for (const auto& notice : effects.notices) {
            require(closed == 0);
            if (const auto* reply = std::get_if<Reply>(&notice)) {
#ifdef CTYS_PLANTED_DEFECT
                // Forgets a refusal that gives no reason.
                const bool is_declined = reply->outcome == Reply::Outcome::Declined;
                if (is_declined && reply->description == "no reason given") continue;
#endif
                require(open.erase(reply->command) == 1);
            }
            if (std::holds_alternative<Closed>(notice)) ++closed;
        }
    }
};

void drive(std::string_view bytes, std::size_t chunk) {
    Session session({.message_bytes = limit});
    Ledger ledger;
    Instant now;
    session.connected(now);
    while (!bytes.empty()) {
        now = now + Duration{static_cast<std::int64_t>(bytes.size()) * 1000};
        if (auto sent = session.submit("query-status", {}, now + std::chrono::milliseconds{5})) {
            ledger.open.insert(sent->id);
            ledger.take(sent->effects);
        }
        ledger.take(session.receive(bytes.substr(0, chunk), now));
        ledger.take(session.tick(now));
        bytes.remove_prefix(std::min(chunk, bytes.size()));
    }
    ledger.take(session.disconnected({.code = ErrorCode::Unreachable, .message = "end"}));
    require(ledger.open.empty() && ledger.closed == 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t chunk = 1 + data[0];
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    require(framed(bytes, chunk) == framed(bytes, size));
    drive(bytes, chunk);
    // The same behind a proper start, so that short inputs reach the running session.
    static const std::string start =
        "{\"QMP\":{\"version\":{\"qemu\":{\"major\":7}}}}\n{\"return\":{},\"id\":0}\n";
    drive(start + std::string(bytes), chunk);
    return 0;
}
