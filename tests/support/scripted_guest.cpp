#include "tests/support/scripted_guest.h"

#include <fmt/format.h>

#include <map>
#include <stdexcept>

namespace ctys::support {

std::unique_ptr<ScriptedGuest>
ScriptedGuest::listen(loop::EventLoop& loop, const std::string& path, Answer answer) {
    std::unique_ptr<ScriptedGuest> out(new ScriptedGuest(std::move(answer)));
    auto listener =
        loop::UnixListener::open(loop, path, [self = out.get()](loop::UnixStream stream) {
            self->waiting_.push_back(std::make_unique<loop::UnixStream>(std::move(stream)));
            if (!self->serving_) self->serve_next();
        });
    if (!listener) throw std::runtime_error(listener.error().message);
    out->listener_ = std::make_unique<loop::UnixListener>(std::move(*listener));
    return out;
}

void ScriptedGuest::serve_next() {
    if (waiting_.empty()) return;
    serving_ = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    framer_ = qmp::Framer{};
    serving_->start(
        [this](std::span<const std::byte> bytes) {
            const auto framed =
                framer_.feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
            for (const auto& line : framed.messages) {
                if (serving_) on_line(line);
            }
        },
        [this](const Status&) {
            serving_.reset();
            serve_next();
        });
    if (!left_over_.empty()) say(std::exchange(left_over_, {}));
}

void ScriptedGuest::on_line(std::string_view line) {
    const auto begin = line.rfind('\xFF');
    const bool is_fresh = begin != std::string_view::npos;
    const auto message = qmp::Value::parse(is_fresh ? line.substr(begin + 1) : line).value();
    const auto name = message.text("execute").value_or("?");
    const auto* arguments = message.find("arguments");
    received_.push_back(name);
    std::string said;
    if (name != "guest-sync-delimited") {
        said = answer_(name, arguments == nullptr ? qmp::Value{} : *arguments);
    } else if (is_fresh && !is_silent_) {
        said = fmt::format("\xFF{{\"return\": {}}}\n", arguments->integer("id").value());
    }
    if (!said.empty()) say(said);
}

void ScriptedGuest::say(const std::string& text) {
    const auto written = serving_->write(text);
    // A client may let go while it is answered; its end of the connection tells that next.
    if (!written && written.error().code != ErrorCode::Unreachable)
        throw std::runtime_error(written.error().message);
}

ScriptedGuest::Answer well_behaved_guest() {
    const auto answer = [ends = std::map<std::int64_t, std::string>{}](
                            const std::string& name, const qmp::Value& arguments) mutable {
        constexpr auto refusal = R"({{"error": {{"class": "GenericError", "desc": "{}"}}}})";
        if (name == "guest-exec") {
            const auto last = arguments.items("arg");
            const auto told = last.empty() ? std::string{} : last.back().text().value_or("");
            if (arguments.text("path") != "/bin/sh")
                return fmt::format(fmt::runtime(refusal),
                                   "Guest agent command failed, reason: No such file") +
                       "\n";
            const auto pid = static_cast<std::int64_t>(100 + ends.size());
            ends[pid] = told == "exit 3" ? "\"exitcode\": 3" : "\"signal\": 9";
            return fmt::format("{{\"return\": {{\"pid\": {}}}}}\n", pid);
        }
        const auto pid = arguments.integer("pid").value_or(0);
        const auto found = ends.find(pid);
        if (name != "guest-exec-status" || found == ends.end())
            return fmt::format(fmt::runtime(refusal), "PID does not exist") + "\n";
        // At first it still runs.
        if (!found->second.starts_with(' ')) {
            found->second.insert(0, " ");
            return std::string{"{\"return\": {\"exited\": false}}\n"};
        }
        return fmt::format("{{\"return\": {{\"exited\": true,{}}}}}\n", found->second);
    };
    return answer;
}

} // namespace ctys::support
