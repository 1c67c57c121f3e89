#pragma once

#include "mesh/core/action.h"
#include "tools/verbs/verb.h"

#include <memory>
#include <string_view>

namespace ctys::tools {

/// What is particular to a word that asks something of VMs.
struct ActionWord {
    Verb verb = Verb::Start;
    std::string_view summary;
    std::string_view examples;
    bool takes_deadline = false; ///< --deadline
    bool takes_place = false;    ///< --on, --user, --reuse
};

/// A verb that submits one action per VM and waits for their outcomes.
[[nodiscard]] std::unique_ptr<Subcommand> make_action_verb(const ActionWord& word);

} // namespace ctys::tools
