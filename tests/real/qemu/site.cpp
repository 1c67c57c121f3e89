#include "tests/real/qemu/site.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sys/wait.h>

namespace ctys::testing {

std::string text_of(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream{path}.rdbuf();
    return out.str();
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

Site::Site() : work_(home_ / "work_place") {
    std::filesystem::create_directories(work_ + "/other");
    std::filesystem::create_directories(home_ / "bin");
}

Ran Site::run(const std::string& command, const std::string& input) const {
    std::ofstream{home_ / "input"} << input;
    // Nothing of the tester's own shell may be taken for a variable of the VM.
    const auto script = "cd '" + work_ + "' && exec env --default-signal=INT -i HOME='" +
                        home_.path() + "' PATH='" + home_.path() + "/bin:" CTYS_PROGRAMS ":" +
                        std::getenv("PATH") + "' CTYS_QEMU_CALL=" CTYS_QEMU_CALL " bash -c '" +
                        command + "' < '" + home_.path() + "/input' 2>&1";
    Ran out;
    FILE* pipe = ::popen(script.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> bytes{};
    for (std::size_t count = 1; count > 0;) {
        count = std::fread(bytes.data(), 1, bytes.size(), pipe);
        out.said.append(bytes.data(), count);
    }
    const int status = ::pclose(pipe);
    out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return out;
}

void Site::write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path{file}.parent_path());
    std::ofstream{file} << text;
}

void Site::add_program(const std::string& name, const std::string& script) const {
    write(home("bin/" + name), "#!/bin/bash\n" + script);
    std::filesystem::permissions(home("bin/" + name), std::filesystem::perms::owner_all);
}

std::set<std::string> Site::names(const std::string& folder) const {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator{path(folder)}) {
        out.insert(entry.path().filename().string());
    }
    return out;
}

std::string Site::value(const std::string& label, std::string_view key) const {
    const auto file = path(label + "/" + label + ".ctys");
    const auto configuration = qemu::read_configuration(text_of(file), file);
    REQUIRE(configuration);
    return std::string{qemu::setting(*configuration, key)};
}

std::string image_facts(const Site& site, const std::string& image) {
    const auto info = site.run("qemu-img info --output=json " + image);
    REQUIRE(info.status == 0);
    return info.said;
}

// QEMU's command line of a made VM, up to and behind what every VM has.
std::string call_of(const Site& site, const std::string& label, const std::string& rest) {
    const auto said =
        site.run("sh " + label + "/" + label + ".sh --print --check --instance-dir=/i " + rest);
    CAPTURE(said.said);
    REQUIRE(said.status == 0);
    const auto last = said.said.rfind('\n', said.said.size() - 2) + 1;
    return said.said.substr(last == std::string::npos ? 0 : last);
}

} // namespace ctys::testing
