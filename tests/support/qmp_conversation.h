#pragma once

#include "agent/qmp/client.h"
#include "tests/support/loop_fixture.h"

#include <string>
#include <vector>

namespace ctys::support {

/// What a client did and heard, as words in order.
struct RecordingClient {
    std::vector<std::string> heard;
    bool closed = false;
    std::unique_ptr<qmp::Client> client; ///< last: its callbacks use the others

    [[nodiscard]] qmp::Client::Callbacks callbacks();
    /// Asks and records the outcome as "NAME: done {json}" or "NAME: CLASS".
    void ask(const std::string& command, Duration patience = LoopFixture::patience);
    [[nodiscard]] bool has(const std::string& word) const;
};

/// A conversation with a monitor of a QEMU started with -S and -machine none, from the greeting to
/// its end by quit. Run against real QEMU and against the scripted one, so that the script stays
/// true. `self.client` is connected or about to be.
void hold_conversation(LoopFixture& fixture, RecordingClient& self);

} // namespace ctys::support
