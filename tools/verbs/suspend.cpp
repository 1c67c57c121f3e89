#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_suspend() {
    return make_action_verb({.verb = Verb::Suspend,
                             .summary = "state of a VM to disk, its QEMU ends (to freeze: pause)",
                             .examples = R"(  ctys suspend web01
  ctys suspend web01 --deadline 2m
  ctys resume web01)",
                             .takes_deadline = true,
                             .takes_place = false});
}

} // namespace ctys::tools
