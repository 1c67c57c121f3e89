// Happy path: the instance folder is made and the wrapper started, which becomes ctys-qemu-call and
// stays as QEMU's parent. ctys-qemu-call looks at the wrapper first, as its account: one that is
// not of this version has to pass its own --check.
//
// Failure modes: no such account, or one this agent may not become -> refused, naming both; a
// wrapper that refuses, hangs in its --check or ends early is told with its last words; one of the
// original that was edited is refused with the lines.

#include "agent/shell/launcher.h"

#include "mesh/core/text.h"

#include <fmt/format.h>

#include <array>
#include <csignal>
#include <pwd.h>
#include <unistd.h>

namespace ctys::agent {

namespace {

/// Its own scope: the VM must not end with the agent's unit, and stops before the guests unit.
/// Before the account changes: a wrapper's account may not ask the manager for a scope.
void put_in_scope(loop::ChildSpec& spec, ActionId action) {
    std::vector<std::string> scope = {"systemd-run", "--scope", "--quiet", "--collect"};
    if (::geteuid() != 0) scope.emplace_back("--user");
    scope.push_back(fmt::format("--unit=ctys-vm-{:016x}", action.value));
    scope.emplace_back("--property=Before=ctys-guests.target");
    scope.emplace_back("--property=After=ctys-agent.service");
    scope.emplace_back("--");
    spec.argv.insert(spec.argv.begin(), scope.begin(), scope.end());
}

} // namespace

Launcher::Launcher(loop::EventLoop& loop,
                   setup::Logger& log,
                   const InstanceDirs& dirs,
                   std::string call,
                   std::vector<std::string> given,
                   OnEnded on_ended)
    : loop_(loop), log_(log), dirs_(dirs), call_(std::move(call)), given_(std::move(given)),
      on_ended_(std::move(on_ended)), has_systemd_(::access("/run/systemd/system", F_OK) == 0) {}

Result<Launcher::Account> Launcher::find_account(const std::string& asked,
                                                 std::uint32_t owner_uid) {
    std::array<char, 8192> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    const auto status =
        asked.empty() ? getpwuid_r(owner_uid, &entry, buffer.data(), buffer.size(), &found)
                      : getpwnam_r(asked.c_str(), &entry, buffer.data(), buffer.size(), &found);
    const auto wanted = asked.empty() ? fmt::format("user {}", owner_uid) : asked;
    if (status != 0 || found == nullptr)
        return fail(ErrorCode::NotFound, fmt::format("no account {} here", printable(wanted)));
    if (::geteuid() != 0 && entry.pw_uid != ::geteuid()) {
        return fail(ErrorCode::Refused,
                    fmt::format("the agent runs as user {} and may not become {}",
                                ::geteuid(),
                                entry.pw_name));
    }
    if (entry.pw_uid == 0 && owner_uid != 0) {
        return fail(
            ErrorCode::Refused,
            fmt::format("only a configuration of root is run as root; this one belongs to user {}",
                        owner_uid));
    }
    return Account{
        .uid = entry.pw_uid, .gid = entry.pw_gid, .name = entry.pw_name, .home = entry.pw_dir};
}

std::string Launcher::account_name(uid_t uid) {
    const auto account = find_account({}, uid);
    return account ? account->name : std::to_string(uid);
}

std::vector<std::string> Launcher::surroundings(const Account& account) {
    const char* path = getenv("PATH");
    return {fmt::format("PATH={}", path != nullptr ? path : "/usr/bin:/bin:/usr/sbin:/sbin"),
            "HOME=" + account.home,
            "USER=" + account.name,
            "LOGNAME=" + account.name,
            "LANG=C.UTF-8"};
}

// The account that uv_spawn changes to has no groups but one.
void Launcher::become(loop::ChildSpec& spec, const Account& account) {
    if (account.uid == ::geteuid()) return;
    const std::array words{std::string{"setpriv"},
                           fmt::format("--reuid={}", account.uid),
                           fmt::format("--regid={}", account.gid),
                           std::string{"--init-groups"},
                           std::string{"--"}};
    spec.argv.insert(spec.argv.begin(), words.begin(), words.end());
}

Status Launcher::run_as(loop::ChildSpec& spec, uid_t uid) {
    const auto account = find_account({}, uid);
    if (!account) return tl::unexpected(account.error());
    spec.env = surroundings(*account);
    const auto runtime = fmt::format("/run/user/{}", uid);
    if (::access(runtime.c_str(), F_OK) == 0) spec.env->push_back("XDG_RUNTIME_DIR=" + runtime);
    become(spec, *account);
    return {};
}

void Launcher::ended(const Launch& launch, int code, std::string output) {
    on_ended_(LaunchEnded{.action = launch.action, .exit_code = code, .output = std::move(output)});
}

void Launcher::end(ActionId action) {
    const auto found = children_.find(action);
    if (found == children_.end()) return;
    if (auto killed = found->second.kill(SIGKILL); !killed) {
        log_.debug("{}", killed.error().message);
    }
}

void Launcher::run(const Launch& launch) {
    if (auto begun = begin(launch); !begun) {
        loop_.defer([this, launch, why = begun.error().message] { ended(launch, 126, why); });
    }
}

Status Launcher::begin(const Launch& launch) {
    const auto account = find_account(launch.user, launch.owner_uid);
    if (!account) return tl::unexpected(account.error());
    const auto directory = dirs_.path_of(launch.action);
    // It looks at the wrapper as that account, and runs it, or this version's in place of a stock
    // one of the original.
    loop::ChildSpec spec{
        .argv = {call_, "--wrapper", launch.wrapper, "--instance-dir=" + directory}};
    spec.argv.insert(spec.argv.end(), launch.options.begin(), launch.options.end());
    spec.env = surroundings(*account);
    spec.env->push_back("CTYS_QEMU_CALL=" + call_);
    spec.env->push_back(fmt::format("CTYS_ACTION={}", launch.action));
    spec.env->push_back(fmt::format("CTYS_TOKEN={}", launch.token));
    spec.env->insert(spec.env->end(), given_.begin(), given_.end());
    if (launch.discard_state) spec.env->emplace_back("CTYS_DISCARD_STATE=1");
    const auto slash = launch.config.rfind('/');
    spec.cwd = slash == 0 ? "/" : launch.config.substr(0, slash);
    spec.new_session = true;
    auto log = dirs_.make(launch.action, account->uid, account->gid);
    if (!log) return tl::unexpected(log.error());
    const auto wrapper_log = std::move(*log);
    spec.argv.emplace_back("--check-first");
    spec.argv.emplace_back("--confirm-start");
    become(spec, *account);
    spec.output = loop::ToDescriptor{wrapper_log.value()};
    spec.errors = loop::ToDescriptor{wrapper_log.value()};
    spec.when_dropped = loop::WhenDropped::Leave;
    if (has_systemd_) put_in_scope(spec, launch.action);
    auto child = loop::ChildProcess::start(
        loop_, std::move(spec), [this, launch, directory](const loop::ChildResult& result) {
            const int code =
                result.term_signal != 0 ? 128 + result.term_signal : result.exit_status;
            children_.erase(launch.action);
            ended(launch, code, InstanceDirs::last_words(directory));
        });
    if (!child) return tl::unexpected(child.error());
    children_.insert_or_assign(launch.action, std::move(*child));
    return {};
}

} // namespace ctys::agent
