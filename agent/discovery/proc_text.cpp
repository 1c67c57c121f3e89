#include "agent/discovery/proc_text.h"

#include "mesh/core/text.h"

#include <array>
#include <charconv>
#include <optional>

namespace ctys::agent {
namespace {

template <typename Number>
std::optional<Number> to_number(std::string_view text, int base = 10) {
    Number out = 0;
    const auto* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, out, base);
    if (error != std::errc{} || at != end || text.empty()) return std::nullopt;
    return out;
}

std::vector<std::string_view> words(std::string_view line, std::size_t limit) {
    std::vector<std::string_view> out;
    while (out.size() < limit) {
        const auto from = line.find_first_not_of(" \t");
        if (from == std::string_view::npos) break;
        line.remove_prefix(from);
        const auto size = std::min(line.find_first_of(" \t"), line.size());
        out.push_back(line.substr(0, size));
        line.remove_prefix(size);
    }
    return out;
}

std::string_view base_name(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::optional<UnixSocket> parse_unix_line(std::string_view line) {
    // Num RefCount Protocol Flags Type St Inode Path; the path is the rest, blanks included.
    const auto columns = words(line, 7);
    constexpr std::uint32_t accepts_connections = 0x10000; // __SO_ACCEPTCON of linux/net.h
    if (columns.size() < 7) return std::nullopt;
    const auto flags = to_number<std::uint32_t>(columns[3], 16);
    const auto inode = to_number<std::uint64_t>(columns[6]);
    if (!flags || !inode || (*flags & accepts_connections) == 0) return std::nullopt;
    const auto behind =
        static_cast<std::size_t>(columns[6].data() - line.data()) + columns[6].size();
    if (behind + 1 >= line.size()) return std::nullopt;
    return UnixSocket{*inode, std::string(line.substr(behind + 1))};
}

} // namespace

Result<ProcStat> parse_proc_stat(std::string_view text) {
    const auto malformed = [] { return fail(ErrorCode::Malformed, "unreadable /proc/PID/stat"); };
    // The name is the program's to choose, so it ends at the last parenthesis, not at the first.
    const auto open = text.find(" (");
    const auto close = text.rfind(") ");
    if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2) {
        return malformed();
    }
    // Field 3, the state, is the first behind the name; field 22 the start time.
    const auto fields = words(trim(text.substr(close + 2)), 20);
    if (fields.size() < 20 || fields[0].size() != 1) return malformed();
    const auto pid = to_number<std::uint32_t>(text.substr(0, open));
    const auto parent = to_number<std::uint32_t>(fields[1]);
    const auto group = to_number<std::uint32_t>(fields[2]);
    const auto session = to_number<std::uint32_t>(fields[3]);
    const auto start = to_number<std::uint64_t>(fields[19]);
    if (!pid || !parent || !group || !session || !start) return malformed();
    return ProcStat{.pid = *pid,
                    .comm = std::string(text.substr(open + 2, close - open - 2)),
                    .state = fields[0][0],
                    .parent = *parent,
                    .process_group = *group,
                    .session = *session,
                    .start_ticks = *start};
}

bool is_dead(const ProcStat& stat) {
    return stat.state == 'Z' || stat.state == 'X' || stat.state == 'x';
}

std::string parse_cgroup(std::string_view text) {
    std::string systemd;
    for (const auto line : split(text, '\n')) {
        if (line.substr(0, 3) == "0::") return std::string(line.substr(3));
        const auto name = line.find(":name=systemd:");
        if (name != std::string_view::npos) systemd = line.substr(name + 14);
    }
    return systemd;
}

std::vector<UnixSocket> parse_listening_unix(std::string_view text) {
    std::vector<UnixSocket> out;
    for (const auto line : split(text, '\n')) {
        if (auto socket = parse_unix_line(line)) out.push_back(std::move(*socket));
    }
    return out;
}

std::vector<std::string> parse_cmdline(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (bytes.back() == '\0') bytes.remove_suffix(1);
    std::vector<std::string> out;
    for (const auto argument : split(bytes, '\0')) {
        out.emplace_back(argument);
    }
    return out;
}

Result<std::uint32_t>
parse_status_number(std::string_view status, std::string_view name, std::size_t column) {
    for (const auto line : split(status, '\n')) {
        if (line.substr(0, name.size()) != name || line.size() <= name.size() ||
            line[name.size()] != ':') {
            continue;
        }
        const auto columns = words(line.substr(name.size() + 1), column + 1);
        if (columns.size() <= column) break;
        if (const auto number = to_number<std::uint32_t>(columns[column])) return *number;
        break;
    }
    return fail(ErrorCode::Malformed, "unreadable /proc/PID/status");
}

std::string_view without_deleted(std::string_view exe) {
    constexpr std::string_view mark = " (deleted)";
    if (exe.size() > mark.size() && exe.substr(exe.size() - mark.size()) == mark) {
        exe.remove_suffix(mark.size());
    }
    return exe;
}

bool is_qemu_executable(std::string_view exe) {
    constexpr std::string_view system = "qemu-system-";
    const auto name = base_name(without_deleted(exe));
    return (name.size() > system.size() && name.substr(0, system.size()) == system) ||
           name == "qemu-kvm" || name == "kvm";
}

std::uint64_t socket_inode(std::string_view link) {
    constexpr std::string_view prefix = "socket:[";
    if (link.substr(0, prefix.size()) != prefix || link.back() != ']') return 0;
    link.remove_prefix(prefix.size());
    link.remove_suffix(1);
    return to_number<std::uint64_t>(link).value_or(0);
}

bool may_be_image(std::string_view link) {
    static constexpr std::array<std::string_view, 17> devices{"/dev/null",
                                                              "/dev/zero",
                                                              "/dev/full",
                                                              "/dev/random",
                                                              "/dev/urandom",
                                                              "/dev/kvm",
                                                              "/dev/tty",
                                                              "/dev/ptmx",
                                                              "/dev/pts/",
                                                              "/dev/net/",
                                                              "/dev/vhost-",
                                                              "/dev/vfio/",
                                                              "/dev/shm/",
                                                              "/dev/hugepages",
                                                              "/dev/userfaultfd",
                                                              "/dev/sgx_",
                                                              "/dev/console"};
    if (link.empty() || link.front() != '/') return false;
    if (link.substr(0, 7) == "/memfd:" || link.substr(0, 6) == "/proc/" ||
        link.substr(0, 5) == "/sys/") {
        return false;
    }
    const auto name = base_name(without_deleted(link));
    if (name.size() > 4 && name.substr(name.size() - 4) == ".log") return false;
    return std::none_of(devices.begin(), devices.end(), [&](std::string_view device) {
        return link.substr(0, device.size()) == device;
    });
}

} // namespace ctys::agent
