#pragma once

#include "mesh/bus/context.h"
#include "mesh/core/error.h"
#include "mesh/core/time.h"

#include <chrono>

namespace ctys::bus {

struct CurveSelfTest {
    Duration patience = std::chrono::seconds(5);
    /// Off only in the test of this test: shows that a library or a set-up that lets unknown keys
    /// in is found out.
    bool enforce = true;
};

/// Dials a CURVE socket of its own on the loopback address with a key nobody knows and looks how
/// the handshake ends. To be called at start-up with the ZapAuthenticator running and before any
/// tcp bind; blocks for some milliseconds. Errors: Refused (the key was let in: nothing may be
/// bound), Failed (no authenticator answers, or no end within the patience).
[[nodiscard]] Status curve_self_test(Context& context, CurveSelfTest options = {});

} // namespace ctys::bus
