#pragma once

#include "agent/core/effects.h"
#include "agent/shell/instance_dirs.h"
#include "mesh/loop/child_process.h"
#include "mesh/setup/log.h"

#include <functional>
#include <map>

namespace ctys::agent {

/// Runs wrappers in a session of their own that outlives the agent, as the account the VM runs as;
/// below a systemd scope where systemd runs.
class Launcher {
public:
    struct Owner {
        std::uint32_t uid = 0; ///< of the configuration
    };
    using OnEnded = std::function<void(LaunchEnded)>;

    /// `call` is the path of ctys-qemu-call, `given` are variables that
    /// every wrapper gets, as NAME=VALUE.
    Launcher(loop::EventLoop& loop,
             setup::Logger& log,
             const InstanceDirs& dirs,
             std::string call,
             std::vector<std::string> given,
             OnEnded on_ended);

    struct Account {
        uid_t uid = 0;
        gid_t gid = 0;
        std::string name;
        std::string home;
    };
    /// The account `asked`, else that of this number. Errors: NotFound, Refused: this agent may not
    /// become it.
    [[nodiscard]] static Result<Account> find_account(const std::string& asked,
                                                      std::uint32_t owner_uid);
    /// Name of an account, or its number.
    [[nodiscard]] static std::string account_name(uid_t uid);
    /// Makes a program be run as that account with all its groups, which decide what images and
    /// devices it may open. Nothing where this agent runs as it.
    static void become(loop::ChildSpec& spec, const Account& account);
    /// Makes a program be run by that user, with that user's surroundings. Errors: NotFound,
    /// Refused.
    [[nodiscard]] static Status run_as(loop::ChildSpec& spec, uid_t uid);
    /// Answered later by on_ended, also where it cannot even be begun.
    void run(const Launch& launch);
    /// Ends the wrapper of a start that was given up, with everything it began.
    void end(ActionId action);

private:
    [[nodiscard]] static std::vector<std::string> surroundings(const Account& account);
    [[nodiscard]] Status begin(const Launch& launch);
    void ended(const Launch& launch, int code, std::string output);

    loop::EventLoop& loop_;
    setup::Logger& log_;
    const InstanceDirs& dirs_;
    std::string call_;
    std::vector<std::string> given_;
    OnEnded on_ended_;
    bool has_systemd_;
    std::map<ActionId, loop::ChildProcess> children_;
};

} // namespace ctys::agent
