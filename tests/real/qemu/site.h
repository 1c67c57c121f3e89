#pragma once

#include "mesh/qemu/configuration.h"
#include "tests/support/temporary_directory.h"

#include <filesystem>
#include <set>
#include <string>

namespace ctys::testing {

struct Ran {
    int status = -1;
    std::string said; ///< standard output and error
};

[[nodiscard]] std::string text_of(const std::string& path);
[[nodiscard]] bool has(const std::string& text, const std::string& part);

/// A user's home and working directory, with the programs of this build in PATH.
class Site {
public:
    /// Another VM is there already: an empty directory would become that of the new one.
    Site();

    /// Nothing of the tester's own shell is taken for a variable of the VM.
    [[nodiscard]] Ran run(const std::string& command, const std::string& input = "") const;
    [[nodiscard]] std::string path(const std::string& name) const { return work_ + "/" + name; }
    [[nodiscard]] std::string home(const std::string& name) const { return home_ / name; }
    void write(const std::string& file, const std::string& text) const;
    /// A program of the user's own, before those of the system.
    void add_program(const std::string& name, const std::string& script) const;
    [[nodiscard]] std::set<std::string> names(const std::string& folder) const;
    [[nodiscard]] std::string value(const std::string& label, std::string_view key) const;

private:
    support::TemporaryDirectory home_;
    std::string work_;
};

/// As qemu-img tells them, in JSON.
[[nodiscard]] std::string image_facts(const Site& site, const std::string& image);

/// QEMU's command line of a made VM.
[[nodiscard]] std::string
call_of(const Site& site, const std::string& label, const std::string& rest);

} // namespace ctys::testing
