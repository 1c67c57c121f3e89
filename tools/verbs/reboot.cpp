#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_reboot() {
    return make_action_verb({.verb = Verb::Reboot,
                             .summary = "ask the guest to end and start it again",
                             .examples = R"(  ctys reboot web01
  ctys reboot web01 --deadline 2m        reset when it has not ended by then
  ctys reboot lab02                      what it carries ends first and is started again
  ctys reboot lab02 --no-restore         and stays down
  ctys reboot w:lab02 --self             the machine of the worker, by its own agent)",
                             .takes_deadline = true,
                             .takes_place = false});
}

} // namespace ctys::tools
