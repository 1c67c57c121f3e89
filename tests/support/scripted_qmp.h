#pragma once

#include "agent/qmp/framing.h"
#include "agent/qmp/value.h"
#include "mesh/loop/unix_listener.h"
#include "mesh/loop/unix_stream.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace ctys::support {

/// Waits for the next command, which has to have this name.
struct Expect {
    std::string command;
};
/// Sends a line; "$ID" stands for the id of the command expected last.
struct Say {
    std::string line;
};
struct HangUp {};
using QmpStep = std::variant<Expect, Say, HangUp>;

constexpr auto qmp_greeting =
    R"({"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "scripted"}, "capabilities": ["oob"]}})";

/// Greeting and negotiation, then `steps`.
[[nodiscard]] std::vector<QmpStep> after_start(std::vector<QmpStep> steps);

/// Plays QEMU's side of a monitor. As a real monitor it answers to one client; where it listens,
/// further ones are accepted by the kernel and never greeted.
class ScriptedQmp {
public:
    /// A monitor at `path`, as of -qmp unix:...,server=on,wait=off.
    static std::unique_ptr<ScriptedQmp>
    listen(loop::EventLoop& loop, const std::string& path, std::vector<QmpStep> script);
    /// Dials `path`, as of -chardev socket,path=...,reconnect=1.
    static std::unique_ptr<ScriptedQmp>
    dial(loop::EventLoop& loop, const std::string& path, std::vector<QmpStep> script);

    /// All steps are played.
    [[nodiscard]] bool is_done() const { return at_ == script_.size(); }
    /// The client ended the connection.
    [[nodiscard]] bool saw_end() const { return saw_end_; }
    /// Names of all commands received, also of those not expected.
    [[nodiscard]] const std::vector<std::string>& received() const { return received_; }
    /// Empty, or what came instead of the expected command.
    [[nodiscard]] const std::string& surprise() const { return surprise_; }

private:
    explicit ScriptedQmp(std::vector<QmpStep> script) : script_(std::move(script)) {}
    void serve(loop::UnixStream stream);
    void on_command(const qmp::Value& message);
    void play();

    std::vector<QmpStep> script_;
    std::size_t at_ = 0;
    qmp::Framer framer_;
    std::string id_ = "null";
    std::vector<std::string> received_;
    std::string surprise_;
    bool saw_end_ = false;
    std::vector<loop::UnixStream> ungreeted_;
    std::unique_ptr<loop::UnixStream> stream_;
    std::unique_ptr<loop::UnixListener> listener_;
};

} // namespace ctys::support
