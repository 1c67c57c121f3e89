#pragma once

#include "mesh/core/error.h"
#include "mesh/core/time.h"

#include <optional>
#include <string>
#include <string_view>

namespace ctys::setup {

/// Tells the service manager how this process is, as of sd_notify(3). Without a manager every call
/// succeeds and does nothing. Calls never wait: a datagram that does not fit now is Overloaded.
class ServiceNotifier {
public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID and removes them from the environment,
    /// so that children do not speak for us. Called in main before there are threads.
    [[nodiscard]] static ServiceNotifier take_from_environment();
    /// `address` is a path, or "@name" for an abstract socket, or empty for no manager.
    explicit ServiceNotifier(std::string address, std::optional<Duration> watchdog = std::nullopt)
        : address_(std::move(address)), watchdog_(watchdog) {}

    Status ready() const { return send("READY=1"); }
    Status stopping() const { return send("STOPPING=1"); }
    Status alive() const { return send("WATCHDOG=1"); }
    /// One line for `systemctl status`.
    Status status(std::string_view text) const;
    /// Asks for that much time, from now, to come up or to go down.
    Status extend_timeout(Duration span) const;

    /// The manager kills a process that has not said alive() for so long; say it in half the time.
    [[nodiscard]] std::optional<Duration> watchdog() const { return watchdog_; }
    [[nodiscard]] bool has_manager() const { return !address_.empty(); }

private:
    Status send(std::string_view message) const;

    std::string address_;
    std::optional<Duration> watchdog_;
};

} // namespace ctys::setup
