#pragma once

#include "mesh/bus/context.h"
#include "mesh/bus/known_keys.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ctys::bus {

/// Decides on a thread of its own who may enter over tcp (rfc.zeromq.org/spec/27). Made before the
/// first bind of a CURVE socket and gone after the last: without it nobody enters, since every
/// such socket insists on an answer. A key that is not known is answered with 400; the name of a
/// known one becomes PeerIdentity::name.
class ZapAuthenticator {
public:
    /// May a known holder use the socket of this domain? Called on the authenticator's thread.
    using Policy = std::function<bool(const std::string& domain, const KeyHolder& holder)>;

    struct Refusal {
        std::string address; ///< numeric, of the peer
        std::string key;     ///< public, Z85; empty if it had none
        std::string why;
    };

    /// An empty policy lets every known key in. Throws Fault if another one is running.
    ZapAuthenticator(Context& context, KnownKeys keys, Policy policy = {});
    ~ZapAuthenticator();
    ZapAuthenticator(const ZapAuthenticator&) = delete;
    ZapAuthenticator& operator=(const ZapAuthenticator&) = delete;

    /// For handshakes from now on; connections that exist stay, so check names on each message.
    void replace_keys(KnownKeys keys);

    [[nodiscard]] std::uint64_t accepted() const;
    [[nodiscard]] std::uint64_t refused() const;
    /// The last 32 refusals, oldest first.
    [[nodiscard]] std::vector<Refusal> recent_refusals() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace ctys::bus
