#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_reboot() {
    return make_action_verb({.verb = Verb::Reboot,
                             .summary = "ask the guest to end and start it again",
                             .examples = R"(  ctys reboot web01
  ctys reboot web01 --deadline 2m        reset when it has not ended by then)",
                             .takes_deadline = true,
                             .takes_place = false});
}

} // namespace ctys::tools
