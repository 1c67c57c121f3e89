#pragma once

#include "agent/core/effects.h"
#include "agent/qmp/client.h"
#include "agent/qmp/facts.h"
#include "mesh/loop/timer.h"
#include "mesh/loop/unix_listener.h"
#include "mesh/setup/log.h"

#include <functional>
#include <map>
#include <memory>

namespace ctys::agent {

/// QMP of all instances. Ours dial in at a socket of their own; a monitor of a foreign VM is used
/// only if it is free, for facts and single commands, and released at once.
class Monitors {
public:
    static constexpr Duration patience = std::chrono::seconds{5};
    static constexpr int foreign_attempts =
        5; ///< a second apart; then its monitor is not ours to use

    struct Events {
        /// A QEMU has dialled in at `directory`; its identity is told by attach().
        std::function<void(const std::string& directory, std::uint32_t pid)> dialled;
        std::function<void(Input)> input;
    };

    Monitors(loop::EventLoop& loop, setup::Logger& log, Events events);

    /// Listens for QEMU at the instance directory. Errors: those of UnixListener.
    [[nodiscard]] Status listen(const std::string& directory);
    /// The QEMU that dialled in there is this instance: facts are asked and MonitorUp follows.
    void attach(const std::string& directory, const InstanceKey& key);
    /// A foreign VM with this monitor: facts are asked once; MonitorUp follows if it is free.
    void probe_foreign(const InstanceKey& key, const std::string& path);
    void execute(const MonitorCommand& command);
    void forget(const InstanceKey& key, const std::string& directory);

    /// The last SHUTDOWN event of an instance; nothing if there was none.
    [[nodiscard]] std::optional<qmp::Event> last_shutdown(const InstanceKey& key) const;
    [[nodiscard]] bool connected(const InstanceKey& key) const;

private:
    struct Dial {
        std::unique_ptr<loop::UnixListener> listener;
        std::unique_ptr<qmp::Client> client;
        std::optional<InstanceKey> key;
        bool ready = false;
        std::uint64_t generation = 0;
    };
    struct Foreign {
        std::string path;
        std::unique_ptr<qmp::Client> client;
        int attempts = 0;
        std::unique_ptr<loop::Timer> again; ///< a QEMU that has just begun may not listen yet
    };

    void accept(const std::string& directory, loop::UnixStream stream);
    void ask(const std::string& directory);
    void on_event(const std::string& directory, const qmp::Event& event);
    void on_closed(const std::string& directory);
    void send(qmp::Client& client, const MonitorCommand& command, std::function<void()> after);
    void execute_foreign(const MonitorCommand& command, Foreign& foreign);
    void refuse(const MonitorCommand& command, Error error);

    loop::EventLoop& loop_;
    setup::Logger& log_;
    Events events_;
    std::map<std::string, Dial> dials_;
    std::map<InstanceKey, std::string> directories_;
    std::map<InstanceKey, Foreign> foreign_;
    std::map<InstanceKey, qmp::Event> shutdowns_;
    std::vector<std::unique_ptr<qmp::Client>> retired_;
};

} // namespace ctys::agent
