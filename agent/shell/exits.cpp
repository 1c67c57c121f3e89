#include "agent/shell/exits.h"

#include <algorithm>
#include <fstream>
#include <sys/wait.h>

namespace ctys::agent {

namespace {

constexpr Duration log_period = std::chrono::milliseconds{20};

/// Its end, as far as that may be read.
std::string read_log(const std::string& path) {
    constexpr std::streamoff most = 16L * 1024;
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const auto size = static_cast<std::streamoff>(file.tellg());
    if (!file || size <= 0) return {};
    file.seekg(size > most ? size - most : 0);
    std::string text(static_cast<std::size_t>(std::min(size, most)), '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

} // namespace

Exits::Exits(loop::EventLoop& loop, const Monitors& monitors, OnDecided on_decided)
    : loop_(loop), monitors_(monitors), on_decided_(std::move(on_decided)) {}

void Exits::know(const InstanceKey& key, Known known) {
    auto& watched = watched_[key];
    watched.known = std::move(known);
    if (!watched.memory) watched.memory = OomCounter::of(key.pid);
    watch_process(key, watched);
    if (watched.known.shim_pid == 0 || watched.shim) return;
    auto shim =
        loop::PidWatch::open(loop_, static_cast<pid_t>(watched.known.shim_pid), [this, key] {
            loop_.defer([this, key] { look_again(key); });
        });
    if (shim) watched.shim = std::make_unique<loop::PidWatch>(std::move(*shim));
}

void Exits::watch_process(const InstanceKey& key, Watched& watched) {
    if (watched.known.directory.empty() || watched.process || watched.ended) return;
    const auto end = [this, key] {
        loop_.defer([this, key] { on_process_ended(key, loop_.now().wall, std::nullopt); });
    };
    auto process = loop::PidWatch::open(loop_, static_cast<pid_t>(key.pid), end);
    if (!process) return end();
    watched.process = std::make_unique<loop::PidWatch>(std::move(*process));
}

void Exits::asked(const InstanceKey& key, qemu::Asked asked) {
    // One that has ended in the meantime is not watched anew.
    const auto found = watched_.find(key);
    if (found != watched_.end()) found->second.asked = std::move(asked);
}

bool Exits::is_complete(const InstanceKey& key, const Watched& watched) const {
    if (monitors_.connected(key)) return false; // a SHUTDOWN event may still be under way
    if (!watched.known.owner_log.empty()) {
        if (watched.wait_status && WIFSIGNALED(static_cast<int>(*watched.wait_status))) return true;
        const auto log = read_log(watched.known.owner_log);
        const auto end = qemu::libvirt_end(log);
        return log.empty() || !end.is_libvirts() || !end.reason.empty();
    }
    // The kernel's notice says what the shim would: the shim may take its time on a busy machine.
    if (watched.known.directory.empty() || watched.wait_status) return true;
    return InstanceDirs::read_exit(watched.known.directory).has_value() ||
           (watched.shim && watched.shim->has_exited());
}

void Exits::on_process_ended(const InstanceKey& key,
                             WallTime at,
                             std::optional<std::uint32_t> wait_status) {
    auto& watched = watched_[key];
    if (wait_status) watched.wait_status = wait_status;
    if (watched.ended) return look_again(key);
    watched.ended = true;
    watched.at = at;
    // Now: its shim is still there, and with it the group.
    if (watched.memory) watched.oom_kills = watched.memory->grown();
    if (is_complete(key, watched)) return decide(key);
    watched.timer = std::make_unique<loop::Timer>(loop_);
    const bool shim_will_tell = watched.shim && !watched.shim->has_exited();
    const bool libvirt_will_tell = !watched.known.owner_log.empty();
    watched.timer->start_once(shim_will_tell      ? shim_limit
                              : libvirt_will_tell ? libvirt_limit
                                                  : limit,
                              [this, key] { loop_.defer([this, key] { decide(key); }); });
    if (!libvirt_will_tell) return;
    watched.log_look = std::make_unique<loop::Timer>(loop_);
    watched.log_look->start_repeating(
        log_period, [this, key] { loop_.defer([this, key] { look_again(key); }); });
}

void Exits::look_again(const InstanceKey& key) {
    const auto found = watched_.find(key);
    if (found == watched_.end() || !found->second.ended) return;
    if (is_complete(key, found->second)) decide(key);
}

void Exits::decide(const InstanceKey& key) {
    const auto found = watched_.find(key);
    if (found == watched_.end()) return;
    const auto& watched = found->second;
    qemu::ExitFacts facts{.oom_kills = watched.oom_kills, .asked = watched.asked, .at = watched.at};
    if (!watched.known.directory.empty())
        InstanceDirs::add_evidence(watched.known.directory, facts);
    if (!watched.known.owner_log.empty()) facts.owner_log = read_log(watched.known.owner_log);
    if (watched.wait_status) {
        const auto status = static_cast<int>(*watched.wait_status);
        facts.connector = WIFSIGNALED(status)
                              ? qemu::ExitStatus{.code = -1, .signal = WTERMSIG(status)}
                              : qemu::ExitStatus{.code = WEXITSTATUS(status), .signal = 0};
    }
    if (const auto shutdown = monitors_.last_shutdown(key)) {
        facts.shutdown =
            qemu::ShutdownEvent{.guest = shutdown->data.boolean("guest").value_or(false),
                                .reason = shutdown->data.text("reason").value_or("")};
    }
    const auto ending = qemu::decide_ending(facts);
    watched_.erase(found);
    on_decided_(Exited{key, ending});
}

} // namespace ctys::agent
