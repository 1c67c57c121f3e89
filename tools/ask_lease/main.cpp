// ctys-ask-lease: asks the agent of this machine for the right to start a VM by hand, on behalf of
// the process that runs this one. Prints one line for ctys-qemu-call:
//
//     granted ACTION TOKEN | alone REASON | refused REASON | unknown REASON | none REASON
#include "mesh/bus/context.h"
#include "mesh/core/text.h"
#include "mesh/loop/event_loop.h"
#include "mesh/setup/directories.h"
#include "tools/client/agent_sockets.h"
#include "tools/client/connection.h"

#include <CLI/CLI.hpp>

#include <cstdio>

using namespace ctys;

namespace {

// The agent gives the broker 5 s; beyond this it hangs.
constexpr Duration patience = std::chrono::seconds{8};

std::string line_of(const msg::HandGrant& grant) {
    using Answer = msg::HandGrant::Answer;
    switch (grant.answer) {
    case Answer::Granted:
        return fmt::format("granted {} {}", grant.action, grant.token);
    case Answer::Alone:
        return "alone " + grant.reason;
    case Answer::Refused:
        return "refused " + grant.reason;
    case Answer::Unknown:
        break;
    }
    return "unknown " + grant.reason;
}

std::string ask(const std::string& config, const std::string& label) {
    const auto directories = setup::choose_directories(setup::directory_request({}, {}));
    if (!directories) return "none " + directories.error().message;
    loop::EventLoop loop;
    bus::Context context;
    std::string last = "none no agent answers on this machine";
    for (const auto& endpoint : tools::agent_sockets(directories->runtime)) {
        auto connection = tools::Connection::open(context, loop, endpoint, {});
        if (!connection) continue;
        const auto answer =
            (*connection)
                ->request(
                    msg::HandStart{
                        .action = {}, .vm = {}, .config = config, .label = label, .user = {}},
                    patience);
        if (!answer) {
            last = fmt::format("none the agent at {} does not answer: {}",
                               endpoint.path(),
                               answer.error().message);
            continue;
        }
        const auto* grant = std::get_if<msg::HandGrant>(&*answer);
        if (grant == nullptr) continue;
        last = line_of(*grant);
        if (grant->answer != msg::HandGrant::Answer::Unknown) break;
    }
    return last;
}

} // namespace

int main(int argc, char** argv) {
    std::string config;
    std::string label;
    CLI::App app{"Asks this machine's agent for the right to start a VM by hand."};
    app.add_option("--config-file", config, "The VM's configuration, by absolute path")->required();
    app.add_option("--label", label, "The VM's label")->required();
    CLI11_PARSE(app, argc, argv);
    try {
        std::printf("%s\n", printable(ask(config, label), 2000).c_str());
    } catch (const std::exception& failure) {
        std::printf("none %s\n", printable(failure.what(), 500).c_str());
    }
    return 0;
}
