#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_resume() {
    return make_action_verb({.verb = Verb::Resume,
                             .summary = "go on after pause, or from a state on disk",
                             .examples = R"(  ctys resume web01
  ctys resume lab02      also what was paused in it, from the outside)",
                             .takes_deadline = false,
                             .takes_place = false});
}

} // namespace ctys::tools
