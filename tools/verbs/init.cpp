#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_init() {
    return make_action_verb(
        {.verb = Verb::Init,
         .summary = "another run level, entered by the guest alone; no power is cut",
         .examples = R"(  ctys init 0 lab02      the guest ends, after all it carries
  ctys init 6 lab02      it reboots; what ran inside is started again
  ctys init 3 lab02      by the agent inside; refused where there is none)",
         .takes_deadline = false,
         .takes_place = false});
}

} // namespace ctys::tools
