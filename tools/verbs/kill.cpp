#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_kill() {
    return make_action_verb({.verb = Verb::Kill,
                             .summary = "cut the power at once",
                             .examples = R"(  ctys kill web01 --reason hangs)",
                             .takes_deadline = false,
                             .takes_place = false});
}

} // namespace ctys::tools
