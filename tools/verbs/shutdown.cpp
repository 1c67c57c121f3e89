#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_shutdown() {
    return make_action_verb(
        {.verb = Verb::Shutdown,
         .summary = "ask the guest to end; power is cut only at a deadline",
         .examples =
             R"(  ctys shutdown web01                    until its GRACE; without one 180 s, cuts nothing
  ctys shutdown web01 --deadline 3m      power is cut after three minutes
  ctys shutdown w:lab02 --self           all on the worker, then its own machine
  ctys shutdown web01 db01 --reason 'new kernel')",
         .takes_deadline = true,
         .takes_place = false});
}

} // namespace ctys::tools
