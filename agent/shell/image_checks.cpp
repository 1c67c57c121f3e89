// Happy path: ctys-qemu-call runs as the account of the VM, opens the image, and ends with 0.
//
// Failure modes: no such account, or one that this agent may not become -> told as the error; a
// storage that hangs -> the process is killed at its deadline.

#include "agent/shell/image_checks.h"

#include "agent/shell/launcher.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <unistd.h>

namespace ctys::agent {

namespace {

ErrorCode code_of_exit(int status) {
    for (const auto code : {ErrorCode::NotFound, ErrorCode::Refused}) {
        if (traits(code).exit_status == status) return code;
    }
    return ErrorCode::Failed;
}

std::optional<Error> error_of(const loop::ChildResult& result) {
    if (result.timed_out) {
        return Error{.code = ErrorCode::TimedOut,
                     .message = fmt::format("no answer of the storage of the image within {}",
                                            to_short_text(ImageChecks::limit))};
    }
    if (result.exit_status == 0 && result.term_signal == 0) return std::nullopt;
    std::string_view words = trim(result.errors);
    constexpr std::string_view name = "ctys-qemu-call: ";
    if (words.starts_with(name)) words.remove_prefix(name.size());
    return Error{.code = code_of_exit(result.exit_status), .message = printable(words, 400)};
}

} // namespace

void ImageChecks::run(CheckImage check) {
    auto started = children_.size() < most
                       ? start(check)
                       : Status{fail(ErrorCode::Overloaded,
                                     fmt::format("{} images are being looked at already", most))};
    if (started) return;
    loop_.defer([this, key = check.key, number = check.number, error = started.error()] {
        done(key, number, error);
    });
}

Status ImageChecks::start(const CheckImage& check) {
    loop::ChildSpec spec{
        .argv = {call_, "--config-file", check.config, "--check-image", check.image}};
    if (check.uid != ::geteuid()) {
        if (auto able = Launcher::run_as(spec, check.uid); !able) return able;
    }
    spec.new_session = true;
    spec.errors = loop::ToMemory{4096};
    spec.deadline = limit;
    auto child = loop::ChildProcess::start(
        loop_,
        std::move(spec),
        [this, key = check.key, number = check.number](const loop::ChildResult& result) {
            // Not under the feet of the child that tells.
            loop_.defer(
                [this, key, number, error = error_of(result)] { done(key, number, error); });
        });
    if (!child) return tl::unexpected(child.error());
    children_.emplace(check.number, std::move(*child));
    return {};
}

void ImageChecks::done(const InstanceKey& key, std::uint64_t number, std::optional<Error> error) {
    children_.erase(number);
    on_checked_({.key = key, .number = number, .error = std::move(error)});
}

} // namespace ctys::agent
