#pragma once

#include "agent/shell/agent.h"
#include "agent/shell/agent_settings.h"
#include "mesh/setup/notify.h"
#include "mesh/setup/role_lock.h"

namespace ctys::agent {

/// One life of the agent on this machine, from its lock to its end. Ends at SIGTERM or SIGINT: at
/// once, or, as the settings say, when the VMs of the machine are stopped.
class Life {
public:
    struct Parts {
        setup::Settings settings;
        setup::Directories directories;
        setup::RoleLock lock;
        std::string name;
        std::optional<BrokerLine> broker; ///< none: it reports to its spool
        StopSettings stop;
        std::vector<std::string> survey; ///< the command that surveys this machine; none: empty
        bool only_stops = false;         ///< stop_guests() is to be called, not run()
    };

    /// Throws Fault for what keeps an agent from working.
    Life(Parts parts, setup::Logger& log, const setup::ServiceNotifier& notifier);

    /// Rereads pools and the commands of owners at SIGHUP. Returns when a signal has ended it.
    void run(const ProgramOptions& options);
    /// Stops the VMs of this machine and ends, where no other agent can. Progress is given to
    /// `on_told`, the end too.
    void stop_guests(StopAsked asked, std::function<void(const msg::GuestsStopping&)> on_told);

private:
    [[nodiscard]] AgentOptions agent_options();
    [[nodiscard]] SpoolStore open_spool();
    void start();
    void on_end_signal();
    void on_told(const msg::GuestsStopping& told);
    void reload(const ProgramOptions& options);

    Parts parts_;
    setup::Logger& log_;
    const setup::ServiceNotifier& notifier_;
    loop::EventLoop loop_;
    loop::SystemIdSource ids_;
    SpoolStore spool_;
    bus::Context context_;
    std::function<void(const msg::GuestsStopping&)> tell_;
    bool ends_with_guests_ = false; ///< it ends when the VMs are stopped
    Agent agent_;
};

} // namespace ctys::agent
