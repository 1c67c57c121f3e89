#include "tools/qemu_call/problem_place.h"

#include "mesh/core/text.h"
#include "mesh/qemu/configuration.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace ctys::call {

namespace {

// Where it cannot be read as a whole, as with a line of 100 kB, what looks like an assignment.
std::uint32_t line_by_its_beginning(std::string_view key, std::string_view configuration) {
    std::uint32_t line = 0;
    std::uint32_t at = 0;
    for (const auto text : split(configuration, '\n')) {
        ++at;
        const auto words = trim(text);
        if (words.starts_with(key) && words.substr(key.size()).starts_with('=')) line = at;
    }
    return line;
}

} // namespace

std::uint32_t line_of(std::string_view key, std::string_view configuration) {
    const auto read = qemu::read_configuration(configuration, "/vm.ctys");
    if (!read) return line_by_its_beginning(key, configuration);
    std::uint32_t line = 0;
    // Keys of the scan come first, the shell's assignments behind them.
    for (const auto& setting : read->vm.settings) {
        if (setting.key == key && setting.line != 0) line = setting.line;
    }
    for (const auto& setting : read->dynamic) {
        if (setting.key == key) line = std::max(line, setting.line);
    }
    // The wrapper hands it on under this name.
    if (line == 0 && key == "CONSOLE") return line_of("DEFAULTCONSOLE", configuration);
    return line;
}

std::string text_of_configuration(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return {};
    std::string text(qemu::max_configuration_bytes, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto count = ::read(file, text.data() + size, text.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        size += static_cast<std::size_t>(count);
    }
    ::close(file);
    text.resize(size);
    return text;
}

} // namespace ctys::call
