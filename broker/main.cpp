#include "broker/shell/program.h"
#include "mesh/core/error.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    using namespace ctys;
    broker::ProgramOptions options;
    CLI::App app{
        "The broker of a ctys mesh: records every event, answers queries, routes actions."};
    app.name("ctys-broker");
    app.footer(
        "Without options it serves this machine over a unix socket. Example:\n"
        "  ctys-broker --mesh tcp://*:7510 --feed tcp://*:7511   (needs keys: ctys keys generate)");
    app.set_version_flag("--version", std::string{"ctys-broker "} + CTYS_VERSION);
    app.add_option("--state-dir",
                   options.state_dir,
                   "Where the journal and the inventory are kept (CTYS_STATE_DIR)");
    app.add_option(
        "--runtime-dir", options.runtime_dir, "Where the sockets are (CTYS_RUNTIME_DIR)");
    app.add_option("--config",
                   options.config,
                   "Read this file instead of /etc/ctys/broker.toml and its company");
    app.add_option(
        "--mesh", options.mesh, "Further endpoints for agents and tools, e.g. tcp://*:7510");
    app.add_option(
        "--feed", options.feed, "Further endpoints of the event feed, e.g. tcp://*:7511");
    app.add_option("--keys", options.keys, "Folder with broker.secret and the known keys (*.pub)");
    app.add_option("--log-level", options.log_level, "error, warning, notice, info or debug");
    app.add_flag(
        "--print-config", options.print_config, "Show every setting with its origin, and end");
    auto* backup = app.add_subcommand(
        "backup", "Write a consistent copy of the store into an empty folder; works while it runs");
    backup->add_option("folder", options.backup_folder, "Created when it does not exist")
        ->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : traits(ErrorCode::Usage).exit_status;
    }
    options.backup = backup->parsed();
    try {
        return broker::run(options);
    } catch (const Fault& fault) {
        fmt::print(stderr, "ctys-broker: {}\n", fault.error().message);
        if (!fault.error().try_next.empty())
            fmt::print(stderr, "      try: {}\n", fault.error().try_next);
        return traits(fault.error().code).exit_status;
    } catch (const std::exception& failure) {
        fmt::print(stderr, "ctys-broker: {}\n", failure.what());
        return 1;
    }
}
