#include "tests/support/scripted_qmp.h"

#include <stdexcept>

namespace ctys::support {

std::vector<QmpStep> after_start(std::vector<QmpStep> steps) {
    std::vector<QmpStep> out{
        Say{qmp_greeting}, Expect{"qmp_capabilities"}, Say{R"({"return": {}, "id": $ID})"}};
    out.insert(out.end(), steps.begin(), steps.end());
    return out;
}

std::unique_ptr<ScriptedQmp>
ScriptedQmp::listen(loop::EventLoop& loop, const std::string& path, std::vector<QmpStep> script) {
    std::unique_ptr<ScriptedQmp> out(new ScriptedQmp(std::move(script)));
    auto listener =
        loop::UnixListener::open(loop, path, [self = out.get()](loop::UnixStream stream) {
            if (self->stream_) {
                self->ungreeted_.push_back(std::move(stream));
            } else {
                self->serve(std::move(stream));
            }
        });
    if (!listener) throw std::runtime_error(listener.error().message);
    out->listener_ = std::make_unique<loop::UnixListener>(std::move(*listener));
    return out;
}

std::unique_ptr<ScriptedQmp>
ScriptedQmp::dial(loop::EventLoop& loop, const std::string& path, std::vector<QmpStep> script) {
    std::unique_ptr<ScriptedQmp> out(new ScriptedQmp(std::move(script)));
    auto stream = loop::UnixStream::connect(loop, path);
    if (!stream) throw std::runtime_error(stream.error().message);
    out->serve(std::move(*stream));
    return out;
}

void ScriptedQmp::serve(loop::UnixStream stream) {
    stream_ = std::make_unique<loop::UnixStream>(std::move(stream));
    stream_->start(
        [this](std::span<const std::byte> bytes) {
            const auto framed =
                framer_.feed({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
            for (const auto& line : framed.messages) {
                on_command(qmp::Value::parse(line).value_or(qmp::Value{}));
            }
        },
        [this](const Status&) { saw_end_ = true; });
    play();
}

void ScriptedQmp::on_command(const qmp::Value& message) {
    const auto name = message.text("execute").value_or("?");
    received_.push_back(name);
    if (at_ == script_.size()) return;
    const auto* expected = std::get_if<Expect>(&script_[at_]);
    if (expected == nullptr || expected->command != name) {
        surprise_ = name;
        return;
    }
    const auto* id = message.find("id");
    id_ = id == nullptr ? "null" : id->to_json();
    ++at_;
    play();
}

void ScriptedQmp::play() {
    for (; at_ < script_.size(); ++at_) {
        const auto& step = script_[at_];
        if (std::holds_alternative<Expect>(step)) return;
        if (std::holds_alternative<HangUp>(step)) {
            stream_->close();
            continue;
        }
        auto line = std::get<Say>(step).line;
        if (const auto mark = line.find("$ID"); mark != std::string::npos) {
            line.replace(mark, 3, id_);
        }
        if (stream_->is_open() && !stream_->write(line + "\r\n")) surprise_ = "cannot write";
    }
}

} // namespace ctys::support
