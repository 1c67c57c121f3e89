#pragma once

#include "mesh/core/action.h"
#include "mesh/core/vm.h"

namespace ctys {

/// What an agent is about to execute. Written to its spool before it does, so that the spool tells
/// after a restart what may have happened, and what was asked twice (DESIGN: Agent, Intents).
struct Intent {
    ActionId action;
    Verb verb = Verb::Start;
    InstanceKey instance; ///< the process it acts on; none for a start
    VmId vm;
    WallTime at;
    std::string device; ///< of media, as in Action: how it ended can be seen at the drive
    std::string image;
    std::string snapshot; ///< of snapshots, likewise

    bool operator==(const Intent&) const = default;
};

} // namespace ctys
