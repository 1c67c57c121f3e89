#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_reset() {
    return make_action_verb({.verb = Verb::Reset,
                             .summary = "press the reset button",
                             .examples = R"(  ctys reset web01
  ctys reset lab02 --deadline 1m   what it carries ends first, and is started again
  ctys reset lab02 --force         at once: what it carries ends with it)",
                             .takes_deadline = true,
                             .takes_place = false});
}

} // namespace ctys::tools
