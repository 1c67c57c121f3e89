#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/unique_fd.h"
#include "tools/setup_vde/switch_text.h"

#include <chrono>
#include <functional>
#include <string>

namespace ctys::vde {

/// A connection to the management socket of a switch. Every wait is bounded.
class Management {
public:
    /// What a switch that works needs at most for an answer, on a busy machine.
    static constexpr std::chrono::milliseconds usual_patience{5000};

    /// Errors: NotFound (no socket), Conflict (nobody listens: its process is dead), Refused (not
    /// permitted), TimedOut (it does not greet), Failed.
    [[nodiscard]] static Result<Management>
    open(const std::string& path, std::chrono::milliseconds patience = usual_patience);

    /// The data of a command that succeeded. Errors: TimedOut, Failed (it says no, or has gone),
    /// Malformed (it says more than anybody would read).
    [[nodiscard]] Result<std::string> ask(std::string_view command);

    /// Asks the switch to end and waits until it has closed this connection. Errors: TimedOut.
    [[nodiscard]] Status shut_down();

private:
    Management(loop::UniqueFd socket, std::chrono::milliseconds patience)
        : socket_(std::move(socket)), patience_(patience) {}
    enum class Read { Complete, Closed, Late, TooMuch };
    [[nodiscard]] Read read_until(const std::function<bool(const std::string&)>& complete);
    [[nodiscard]] Status send(std::string_view command);

    loop::UniqueFd socket_;
    std::chrono::milliseconds patience_;
    std::string bytes_;
};

/// Whether it is certain that nobody listens at a unix socket: it is not there, or refuses.
[[nodiscard]] bool is_silent(const std::string& path);

} // namespace ctys::vde
