#include "tools/setup_vde/last_client.h"

#include "mesh/loop/child_process.h"
#include "mesh/setup/process.h"
#include "tools/setup_vde/switch_files.h"

namespace ctys::vde {

namespace {

// A switch tells nobody that a client has gone; asking takes it some microseconds.
constexpr Duration asked_each = std::chrono::milliseconds{500};

} // namespace

Result<pid_t>
stay_behind(loop::EventLoop& loop, const Request& request, const Observed& machine, Stay stay) {
    loop::ChildSpec spec{.argv = {setup::program_beside("ctys-setupVDE"),
                                  stay == Stay::FirstAndLast ? "--stay-for-first" : "--stay",
                                  "-u",
                                  machine.account.name,
                                  "-s",
                                  machine.paths.data,
                                  "-S",
                                  machine.paths.management},
                         .cwd = "/",
                         .new_session = true,
                         .when_dropped = loop::WhenDropped::Leave};
    // Who may cut the connection now may do so then.
    if (request.force) spec.argv.emplace_back("-f");
    if (!request.bridge.empty()) spec.argv.insert(spec.argv.end(), {"-b", request.bridge});
    spec.argv.emplace_back(to_string(Action::Cancel));
    auto child = loop::ChildProcess::start(loop, spec, [](const loop::ChildResult&) {});
    if (!child) return tl::unexpected(child.error());
    return child->pid();
}

bool await_last_client(loop::EventLoop& loop,
                       const Machine& performer,
                       const Observed& machine,
                       Stay stay) {
    bool seen = stay == Stay::Last;
    std::optional<std::vector<Port>> before;
    while (!performer.is_interrupted()) {
        const auto now = look_at_switch(machine.paths, machine.account);
        if (now.state == SwitchState::Absent || now.state == SwitchState::Dead) return true;
        if (now.state == SwitchState::Answers) {
            // One that came and went between two looks has left its port, or has used an old one.
            if (!before) before = now.client_ports();
            const bool attached = !now.clients().empty();
            seen = seen || attached || now.client_ports() != *before;
            if (seen && !attached) return true;
        }
        std::ignore = loop.run_until([&] { return performer.is_interrupted(); }, asked_each);
    }
    return false;
}

} // namespace ctys::vde
