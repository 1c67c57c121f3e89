#include "agent/shell/program.h"
#include "mesh/core/error.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    using namespace ctys;
    agent::ProgramOptions options;
    CLI::App app{
        "The agent of a ctys mesh: finds, starts, watches and stops the VMs of this machine."};
    app.name("ctys-agent");
    app.footer(
        "Ending it ends no VM, unless --on-stop=guests. Examples:\n"
        "  ctys-agent --pool /vmpool                      one machine, broker on its unix socket\n"
        "  ctys-agent --stop-guests                       stop all VMs of this machine, as at its "
        "shutdown\n"
        "  ctys-agent --broker tcp://lab01:7510 --key agent.secret --broker-key KEY --pool "
        "/vmpool");
    app.set_version_flag("--version", std::string{"ctys-agent "} + CTYS_VERSION);
    app.add_option("--state-dir", options.state_dir, "Where the spool is kept (CTYS_STATE_DIR)");
    app.add_option(
        "--runtime-dir", options.runtime_dir, "Where sockets and instances are (CTYS_RUNTIME_DIR)");
    app.add_option("--config",
                   options.config,
                   "Read this file instead of /etc/ctys/agent.toml and its company");
    app.add_option("--name", options.name, "Name of this worker (default: the host name)");
    app.add_option(
        "--pool", options.pools, "Directory tree that holds VM directories; may be repeated");
    app.add_option("--broker",
                   options.broker,
                   "Endpoint of the broker (default: the unix socket of this machine)");
    app.add_option("--key", options.key, "Secret key file, for tcp");
    app.add_option(
        "--broker-key", options.broker_key, "Public key of the broker, or a file with it, for tcp");
    app.add_option("--log-level", options.log_level, "error, warning, notice, info or debug");
    app.add_option("--on-stop",
                   options.on_stop,
                   "What SIGTERM does to the VMs of this machine: leave (default) or guests (stops "
                   "them first)")
        ->check(CLI::IsMember({"leave", "guests"}));
    app.add_option("--stop-deadline",
                   options.stop_deadline,
                   "When VMs are stopped with their machine: power is cut then (default 180s)");
    app.add_flag("--stop-guests",
                 options.stop_guests,
                 "Stop the VMs of this machine, by the agent that runs or without it, and end");
    app.add_flag(
        "--print-config", options.print_config, "Show every setting with its origin, and end");
    app.add_flag(
        "--discover", options.discover, "Print the VMs that run here now, as JSON lines, and end");
    app.add_flag("--probe",
                 options.probe,
                 "Print what this machine has to run VMs with (emulators, accelerators, programs), "
                 "and end");
    app.add_flag("--fresh", options.fresh, "With --probe: believe nothing that was found before");
    app.add_option("-o",
                   options.output,
                   "Format of --discover and --probe: jsonl; of --probe also record, for programs "
                   "of the mesh")
        ->check(CLI::IsMember({"jsonl", "record"}));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : traits(ErrorCode::Usage).exit_status;
    }
    try {
        return agent::run(options);
    } catch (const Fault& fault) {
        fmt::print(stderr, "ctys-agent: {}\n", fault.error().message);
        if (!fault.error().try_next.empty())
            fmt::print(stderr, "      try: {}\n", fault.error().try_next);
        return traits(fault.error().code).exit_status;
    } catch (const std::exception& failure) {
        fmt::print(stderr, "ctys-agent: {}\n", failure.what());
        return 1;
    }
}
