// Happy path: connect, ask, tell the answer, let go.
//
// Failure modes: the user of the VM may put any socket there -> nothing is sent to what is not that
// VM's own QEMU; the guest is silent or talks nonsense -> the talk ends it in time and in bounds.

#include "agent/shell/guest_channels.h"

#include "mesh/qemu/assemble.h"

#include <fmt/format.h>

#include <sys/stat.h>

namespace ctys::agent {

namespace {

qmp::GuestRequest request_of(const AskGuest& question) {
    if (question.what == AskGuest::What::PowerOff) return {};
    return {.kind = qmp::GuestRequest::Kind::Run,
            .argv = {"/sbin/init", std::to_string(unsigned{question.level})}};
}

} // namespace

bool GuestChannels::is_there(const std::string& directory) {
    struct stat status {};
    const auto path = qemu::instance_files(directory).guest_agent;
    return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

void GuestChannels::ask(const AskGuest& question, const std::string& directory) {
    const auto& key = question.key;
    // Dropped at once, so that its answer, which may be there already, is nobody's. Not under its
    // own feet: the end of a talk takes it away before it is told.
    if (const auto open = talks_.extract(key)) {
        give_up({.key = key, .number = open.mapped().number},
                Error{.code = ErrorCode::Conflict, .message = "it was asked for something else"});
    }
    auto client = qmp::GuestClient::connect(
        loop_,
        qemu::instance_files(directory).guest_agent,
        request_of(question),
        {.expected_pid = static_cast<pid_t>(key.pid),
         .limits = {.sync = question.sync, .answer = question.answer}},
        [this, key, number = question.number](const Result<qmp::GuestAnswer>& answer) {
            if (auto ended = talks_.extract(key)) retire(std::move(ended.mapped()));
            GuestAnswered told{.key = key, .number = number};
            if (answer)
                told.exit_status = answer->exit_status.value_or(0);
            else
                told.error = answer.error();
            answered_(std::move(told));
        });
    if (!client) return give_up(question, client.error());
    talks_[key] = Talk{question.number, std::move(*client)};
}

void GuestChannels::forget(const InstanceKey& key) {
    talks_.erase(key);
}

void GuestChannels::give_up(const AskGuest& question, Error why) {
    loop_.defer([this, key = question.key, number = question.number, why = std::move(why)] {
        answered_({.key = key, .number = number, .error = why});
    });
}

// Not under its own feet.
void GuestChannels::retire(Talk talk) {
    retired_.push_back(std::move(talk.client));
    loop_.defer([this] { retired_.clear(); });
}

} // namespace ctys::agent
