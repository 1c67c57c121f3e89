#pragma once

#include "mesh/loop/child_process.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace ctys::support {

/// A folder with a program that discovery takes for a QEMU: a copy of sleep under its name. It is
/// a copy since the exe link of a process names the file that runs.
class FakeQemuFolder {
public:
    FakeQemuFolder() { std::filesystem::copy_file("/bin/sleep", program()); }
    [[nodiscard]] std::string program() const { return dir_ / "qemu-system-fake"; }
    [[nodiscard]] const TemporaryDirectory& dir() const { return dir_; }

private:
    TemporaryDirectory dir_;
};

/// A child that ends with its object, at the latest after a minute.
class TestChild {
public:
    TestChild(loop::EventLoop& loop, std::vector<std::string> argv) {
        auto child = loop::ChildProcess::start(
            loop,
            {.argv = std::move(argv), .new_session = true, .deadline = std::chrono::minutes(1)},
            [this](const loop::ChildResult& result) { result_ = result; });
        REQUIRE(child);
        child_.emplace(std::move(*child));
    }
    TestChild(const TestChild&) = delete;
    TestChild& operator=(const TestChild&) = delete;

    [[nodiscard]] std::uint32_t pid() const { return static_cast<std::uint32_t>(child_->pid()); }
    [[nodiscard]] const std::optional<loop::ChildResult>& result() const { return result_; }
    void kill(int signal) { REQUIRE(child_->kill(signal)); }

private:
    std::optional<loop::ChildResult> result_;
    std::optional<loop::ChildProcess> child_;
};

} // namespace ctys::support
