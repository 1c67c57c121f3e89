#pragma once

#include "agent/qmp/framing.h"
#include "agent/qmp/value.h"
#include "mesh/loop/unix_listener.h"
#include "mesh/loop/unix_stream.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ctys::support {

/// Plays a guest agent and the QEMU that listens for it: it answers a sync as qemu-ga does, and
/// every other command by a function. To one client at a time: others are accepted and wait.
class ScriptedGuest {
public:
    /// What it says to a command, with line ends; empty: nothing.
    using Answer = std::function<std::string(const std::string& name, const qmp::Value& arguments)>;

    static std::unique_ptr<ScriptedGuest>
    listen(loop::EventLoop& loop, const std::string& path, Answer answer);

    /// It says this before anything else to whoever comes next.
    void leave_over(std::string bytes) { left_over_ = std::move(bytes); }
    /// From now on it does not answer a sync.
    void fall_silent() { is_silent_ = true; }
    void hang_up() { serving_.reset(); }
    /// Unasked, to whom it serves.
    void say(const std::string& text);
    /// Names of all commands received.
    [[nodiscard]] const std::vector<std::string>& received() const { return received_; }

private:
    explicit ScriptedGuest(Answer answer) : answer_(std::move(answer)) {}
    void serve_next();
    void on_line(std::string_view line);

    Answer answer_;
    std::string left_over_;
    bool is_silent_ = false;
    qmp::Framer framer_;
    std::vector<std::string> received_;
    std::vector<std::unique_ptr<loop::UnixStream>> waiting_;
    std::unique_ptr<loop::UnixStream> serving_;
    std::unique_ptr<loop::UnixListener> listener_;
};

/// Answers guest-exec as qemu-ga does, for the commands of hold_guest_conversation().
[[nodiscard]] ScriptedGuest::Answer well_behaved_guest();

} // namespace ctys::support
