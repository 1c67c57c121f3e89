#pragma once

#include "mesh/loop/child_process.h"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <vector>

namespace ctys::support {

/// A QEMU without a machine, stopped, which answers QMP after some 40 ms and needs no image. It
/// is killed when this is dropped, at the latest after a minute.
class RealQemu {
public:
    RealQemu(loop::EventLoop& loop, const std::vector<std::string>& more) {
        loop::ChildSpec spec{.argv = {"qemu-system-x86_64",
                                      "-machine",
                                      "none",
                                      "-accel",
                                      "tcg",
                                      "-nodefaults",
                                      "-no-user-config",
                                      "-display",
                                      "none",
                                      "-S"},
                             .errors = loop::ToMemory{},
                             .deadline = std::chrono::minutes(1)};
        spec.argv.insert(spec.argv.end(), more.begin(), more.end());
        auto child = loop::ChildProcess::start(
            loop, std::move(spec), [this](const loop::ChildResult& result) { result_ = result; });
        REQUIRE(child);
        child_.emplace(std::move(*child));
    }
    RealQemu(const RealQemu&) = delete;
    RealQemu& operator=(const RealQemu&) = delete;

    [[nodiscard]] pid_t pid() const { return child_->pid(); }
    [[nodiscard]] const std::optional<loop::ChildResult>& result() const { return result_; }
    void kill(int signal) { REQUIRE(child_->kill(signal)); }

private:
    std::optional<loop::ChildResult> result_;
    std::optional<loop::ChildProcess> child_;
};

} // namespace ctys::support
