#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_pause() {
    return make_action_verb({.verb = Verb::Pause,
                             .summary = "stop the CPUs of a VM; resume goes on",
                             .examples = R"(  ctys pause web01)",
                             .takes_deadline = false,
                             .takes_place = false});
}

} // namespace ctys::tools
