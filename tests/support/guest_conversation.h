#pragma once

#include "agent/qmp/guest_client.h"

#include <functional>
#include <string>
#include <vector>

namespace ctys::support {

/// Runs a few harmless things inside of a guest, one after the other, each over a connection of its
/// own; the last one comes right behind one that was given up in the middle. `wait` runs the loop
/// until its argument holds, and fails where it does not. Returns in words how each ended. Against
/// a real guest and against the scripted one, so that the script stays true.
[[nodiscard]] std::vector<std::string>
hold_guest_conversation(loop::EventLoop& loop,
                        const std::string& path,
                        const std::function<void(const std::function<bool()>&)>& wait);

/// What it has to return.
[[nodiscard]] std::vector<std::string> expected_guest_conversation();

} // namespace ctys::support
