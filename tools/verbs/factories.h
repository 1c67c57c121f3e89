#pragma once

#include "tools/verbs/verb.h"

namespace ctys::tools {

// One factory per verb, each in the file of its name.
[[nodiscard]] std::unique_ptr<Subcommand> make_actions();
[[nodiscard]] std::unique_ptr<Subcommand> make_console();
[[nodiscard]] std::unique_ptr<Subcommand> make_doctor();
[[nodiscard]] std::unique_ptr<Subcommand> make_down();
[[nodiscard]] std::unique_ptr<Subcommand> make_events();
[[nodiscard]] std::unique_ptr<Subcommand> make_init();
[[nodiscard]] std::unique_ptr<Subcommand> make_keys();
[[nodiscard]] std::unique_ptr<Subcommand> make_kill();
[[nodiscard]] std::unique_ptr<Subcommand> make_list();
[[nodiscard]] std::unique_ptr<Subcommand> make_logs();
[[nodiscard]] std::unique_ptr<Subcommand> make_media();
[[nodiscard]] std::unique_ptr<Subcommand> make_pause();
[[nodiscard]] std::unique_ptr<Subcommand> make_plan();
[[nodiscard]] std::unique_ptr<Subcommand> make_pool();
[[nodiscard]] std::unique_ptr<Subcommand> make_reboot();
[[nodiscard]] std::unique_ptr<Subcommand> make_reset();
[[nodiscard]] std::unique_ptr<Subcommand> make_resume();
[[nodiscard]] std::unique_ptr<Subcommand> make_scan();
[[nodiscard]] std::unique_ptr<Subcommand> make_show();
[[nodiscard]] std::unique_ptr<Subcommand> make_shutdown();
[[nodiscard]] std::unique_ptr<Subcommand> make_start();
[[nodiscard]] std::unique_ptr<Subcommand> make_snapshot();
[[nodiscard]] std::unique_ptr<Subcommand> make_stack();
[[nodiscard]] std::unique_ptr<Subcommand> make_status();
[[nodiscard]] std::unique_ptr<Subcommand> make_suspend();
[[nodiscard]] std::unique_ptr<Subcommand> make_up();
[[nodiscard]] std::unique_ptr<Subcommand> make_wait();
[[nodiscard]] std::unique_ptr<Subcommand> make_watches();
[[nodiscard]] std::unique_ptr<Subcommand> make_worker();
[[nodiscard]] std::unique_ptr<Subcommand> make_workers();

} // namespace ctys::tools
