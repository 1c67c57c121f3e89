#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_resume() {
    return make_action_verb({.verb = Verb::Resume,
                             .summary = "go on after pause",
                             .examples = R"(  ctys resume web01)",
                             .takes_deadline = false,
                             .takes_place = false});
}

} // namespace ctys::tools
