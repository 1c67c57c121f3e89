#include "mesh/setup/lock_holder.h"
#include "tools/client/terminal.h"
#include "tools/verbs/factories.h"
#include "tools/verbs/single_machine.h"

#include <cerrno>
#include <csignal>
#include <cstring>

namespace ctys::tools {

namespace {

constexpr Duration end_deadline = std::chrono::seconds{10};
constexpr Duration step = std::chrono::milliseconds{20};

class Down final : public Subcommand {
public:
    [[nodiscard]] std::string_view name() const override { return "down"; }
    [[nodiscard]] std::string_view summary() const override {
        return "end agent and broker of this machine; VMs go on";
    }
    [[nodiscard]] std::string_view examples() const override {
        return "  ctys down\n  ctys down --runtime-dir /tmp/r --state-dir /tmp/s\n";
    }
    void declare(Arguments& /*arguments*/) override {}

    [[nodiscard]] Status run(Session& session) override {
        auto directories = session.directories();
        if (!directories) return tl::unexpected(directories.error());
        const auto roles = running_roles(*directories);
        if (roles.empty()) {
            session.remark("nothing runs below " + directories->runtime);
            return {};
        }
        for (const auto& role : roles) {
            if (auto ended = end(session, *directories, role); !ended)
                return wrap(role.role, ended.error());
        }
        return {};
    }

private:
    static Status
    end(Session& session, const setup::Directories& directories, const RoleProcess& role) {
        if (role.pid <= 1) return fail(ErrorCode::Failed, "its lock names no process");
        if (::kill(role.pid, SIGTERM) != 0 && errno != ESRCH) {
            return fail(errno == EPERM ? ErrorCode::Refused : ErrorCode::Failed,
                        fmt::format("pid {}: {}", role.pid, std::strerror(errno)));
        }
        const auto lock = directories.runtime + "/" + role.role + "/lock";
        const auto begun = wall_now();
        // The kernel frees the lock when the process is gone: that, and nothing else, is the end.
        while (setup::lock_holder(lock) == role.pid) {
            if (wall_now() - begun > end_deadline) {
                return fail(ErrorCode::TimedOut,
                            fmt::format("pid {} has not ended after {}",
                                        role.pid,
                                        to_short_text(end_deadline)),
                            fmt::format("kill -9 {}", role.pid));
            }
            static_cast<void>(session.loop().run_until([] { return false; }, step));
        }
        session.remark(fmt::format("{} ended (pid {})", role.role, role.pid));
        return {};
    }
};

} // namespace

std::unique_ptr<Subcommand> make_down() {
    return std::make_unique<Down>();
}

} // namespace ctys::tools
