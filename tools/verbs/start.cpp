#include "tools/verbs/action_verb.h"
#include "tools/verbs/factories.h"

namespace ctys::tools {

std::unique_ptr<Subcommand> make_start() {
    return make_action_verb({.verb = Verb::Start,
                             .summary = "start a VM where it can run best",
                             .examples = R"(  ctys start web01
  ctys start web01 --on lab02
  ctys start u:91d24b1a-7c1f-4c0e-9a35-0d6a1b2c3d07 --no-wait)",
                             .takes_deadline = false,
                             .takes_place = true});
}

} // namespace ctys::tools
