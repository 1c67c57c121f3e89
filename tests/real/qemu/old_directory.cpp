#include "tests/real/qemu/old_directory.h"

#include "mesh/core/shell_quoted.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>

namespace ctys::testing {

std::string text_in(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream{path}.rdbuf();
    return out.str();
}

bool has(const Ended& ended, std::string_view text) {
    return ended.said.find(text) != std::string::npos;
}

OldDirectory::OldDirectory() {
    for (const auto* name : {"vm", "home/.ctys/qemu", "etc"}) {
        std::filesystem::create_directories(at(name));
    }
    std::ofstream{at("vm/hda.img")} << std::string(4096, '\0');
}

void OldDirectory::write(const std::string& name, const std::string& text) const {
    std::ofstream{at(name)} << text;
}

void OldDirectory::write_original(const std::string& more) const {
    write("vm/tst253.ctys", text_in(CTYS_ORIGINAL "/configuration.txt") + more);
    write("vm/tst253.sh", text_in(CTYS_ORIGINAL "/wrapper.txt"));
}

void OldDirectory::write_own(const std::string& settings) const {
    write("vm/tst253.ctys", "LABEL=tst253\nHDDBOOTIMAGE=hda.img\n" + settings);
    std::filesystem::copy_file(CTYS_TEMPLATES "/vm.sh",
                               at("vm/tst253.sh"),
                               std::filesystem::copy_options::overwrite_existing);
}

Ended OldDirectory::run(const std::string& file,
                        std::vector<std::string> options,
                        const std::string& variables) const {
    std::vector<std::string> argv{CTYS_QEMU_CALL, "--wrapper", at("vm/" + file)};
    argv.insert(argv.end(), options.begin(), options.end());
    const auto command = fmt::format("cd / && env HOME={} CTYS_CONFIG_DIR={} USER=acue {} {} 2>&1",
                                     at("home"),
                                     at("etc"),
                                     variables,
                                     shell_quoted(argv));
    Ended out;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("no shell for: " + command);
    std::array<char, 4096> bytes{};
    for (std::size_t count = 1; count > 0;) {
        count = std::fread(bytes.data(), 1, bytes.size(), pipe);
        out.said.append(bytes.data(), count);
    }
    const int status = ::pclose(pipe);
    out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return out;
}

} // namespace ctys::testing
