#include "tools/verbs/factories.h"

namespace ctys::tools {

Subcommands all_subcommands() {
    Subcommands verbs;
    for (const auto make :
         {make_status, make_doctor,   make_up,      make_down,    make_list,     make_show,
          make_start,  make_shutdown, make_kill,    make_reboot,  make_reset,    make_init,
          make_pause,  make_resume,   make_suspend, make_media,   make_snapshot, make_console,
          make_logs,   make_events,   make_wait,    make_workers, make_worker,   make_stack,
          make_plan,   make_pool,     make_watches, make_actions, make_scan,     make_keys}) {
        verbs.push_back(make());
    }
    return verbs;
}

} // namespace ctys::tools
