#pragma once

#include "agent/core/effects.h"
#include "mesh/bus/socket.h"
#include "mesh/loop/id_source.h"
#include "mesh/loop/pid_watch.h"
#include "mesh/setup/log.h"

#include <functional>
#include <map>
#include <memory>

namespace ctys::agent {

/// The agent's own socket on this machine, `<runtime>/agent-<name>/agent.sock`: answers what runs
/// here without a broker (`ctys list --local`), takes starts by hand from ctys-ask-lease, and the
/// order to stop all VMs from `ctys-agent --stop-guests`. Root and the agent's account may do all
/// of it; others may start what is theirs. Everything that comes in is hostile until decoded.
class Door {
public:
    static constexpr std::size_t most_callers = 256;

    struct Events {
        /// Rows of this machine; nothing while the agent does not know it yet.
        std::function<std::optional<std::vector<VmRow>>()> rows;
        /// The configuration as the agent knows it, or nullptr.
        std::function<const PathFacts*(const std::string& config)> find_path;
        std::function<void(StopAsked)> stop;
        std::function<void(Input)> input;
    };

    Door(bus::Context& context, loop::EventLoop& loop, setup::Logger& log, Events events);

    /// Errors: those of Socket::bind.
    [[nodiscard]] Status open(const std::string& path);
    void answer(const AnswerCaller& answer);
    /// To everybody who has asked for the stop since the last one was done.
    void tell(const msg::GuestsStopping& told);

private:
    static constexpr std::size_t most_stoppers = 16; ///< then the oldest hears no more
    struct Stopper {
        bus::Frame address;
        std::uint64_t correlation = 0;
    };
    struct Caller {
        bus::Frame address;
        std::uint64_t correlation = 0;
        std::unique_ptr<loop::PidWatch> process; ///< the parent of who asked: it will start QEMU
    };

    void on_message(bus::Message& message);
    void on_ask(const bus::Message& message, std::uint64_t correlation, const msg::Ask& ask);
    void on_start(bus::Message& message, std::uint64_t correlation, const msg::HandStart& asked);
    void on_stop(bus::Message& message, std::uint64_t correlation, const msg::StopGuests& asked);
    void send(const bus::Frame& address, std::uint64_t correlation, Body body);

    loop::EventLoop& loop_;
    setup::Logger& log_;
    Events events_;
    loop::SystemIdSource ids_;
    std::map<std::uint64_t, Caller> callers_;
    std::uint64_t last_caller_ = 0;
    std::vector<Stopper> stoppers_;
    bus::Socket socket_;
};

} // namespace ctys::agent
