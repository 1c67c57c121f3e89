#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_reset() {
    return make_action_verb({.verb = Verb::Reset,
                             .summary = "press the reset button",
                             .examples = R"(  ctys reset web01)",
                             .takes_deadline = false,
                             .takes_place = false});
}

} // namespace ctys::tools
