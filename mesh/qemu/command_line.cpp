#include "mesh/qemu/command_line.h"

#include "mesh/core/text.h"
#include "mesh/qemu/option_names.h"
#include "mesh/qemu/option_text.h"
#include "mesh/qemu/vnc.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>

namespace ctys::qemu {

namespace {

constexpr std::size_t max_arguments = 4096;
constexpr std::size_t max_argument_bytes = std::size_t{64} * 1024;
constexpr std::size_t max_facts = 256;

// A character device, written as -chardev or in the older form "unix:/path,server".
struct Chardev {
    std::string backend;
    std::string path;
    bool server = false;
    bool monitor = false; // the older form "mon:..."
};

// A -blockdev: a file, or a layer over another node.
struct Node {
    std::string file;
    std::string below;
};

Chardev chardev_of(const Properties& properties) {
    Chardev out;
    out.backend = find(properties, "backend");
    if (out.backend.empty()) out.backend = find(properties, "type");
    if (out.backend == "socket") {
        out.path = find(properties, "path");
        out.backend = !out.path.empty() ? "unix" : !find(properties, "fd").empty() ? "fd" : "tcp";
        out.server = is_on(find(properties, "server"));
    } else {
        out.server = true;
    }
    return out;
}

Chardev old_chardev(std::string_view text) {
    Chardev out;
    if (text.starts_with("mon:")) {
        out.monitor = true;
        text.remove_prefix(4);
    }
    const auto colon = text.find(':');
    out.backend = text.substr(0, std::min(colon, text.find(',')));
    const auto rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    if (out.backend == "unix" || out.backend == "tcp" || out.backend == "telnet") {
        const auto properties = parse_properties(rest, "path");
        if (out.backend == "unix") out.path = find(properties, "path");
        out.server = is_on(find(properties, "server"));
    } else {
        out.server = true;
    }
    return out;
}

std::uint32_t clamp_count(std::uint64_t count) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

// "-machine help", "-device e1000,help", and "?" as older ones have it.
bool asks_for_help(std::string_view option, std::string_view value) {
    static constexpr std::array<std::string_view, 18> listing{"M",
                                                              "accel",
                                                              "audio",
                                                              "audiodev",
                                                              "chardev",
                                                              "cpu",
                                                              "d",
                                                              "device",
                                                              "display",
                                                              "machine",
                                                              "net",
                                                              "netdev",
                                                              "nic",
                                                              "object",
                                                              "soundhw",
                                                              "trace",
                                                              "vga",
                                                              "watchdog"};
    if (std::find(listing.begin(), listing.end(), option) == listing.end()) return false;
    const auto last = value.substr(value.rfind(',') + 1);
    return last == "help" || last == "?";
}

// Reads one command line; the order of -chardev and its users does not matter to QEMU, so what
// refers to one is resolved at the end.
class Reader {
public:
    explicit Reader(std::span<const std::string> argv) : argv_(argv) {}

    QemuCommandLine read() {
        if (argv_.size() > max_arguments) {
            out_.truncated = true;
            argv_ = argv_.first(max_arguments);
        }
        if (!argv_.empty()) out_.program = bounded(argv_[0]);
        for (next_ = 1; next_ < argv_.size();) {
            step();
        }
        resolve_monitors();
        resolve_console();
        if (out_.image.empty()) out_.image = first_disk_;
        if (out_.image.empty()) out_.image = blockdev_image();
        if (!out_.uuid) out_.uuid = smbios_uuid_;
        return std::move(out_);
    }

private:
    using Rule = void (Reader::*)(std::string_view);

    std::string_view bounded(const std::string& text) {
        if (text.size() <= max_argument_bytes) return text;
        out_.truncated = true;
        return std::string_view{text}.substr(0, max_argument_bytes);
    }

    void step() {
        auto word = bounded(argv_[next_++]);
        image_is_last_ = next_ == argv_.size();
        if (!word.starts_with('-')) return disk(std::string{word});
        word.remove_prefix(word.starts_with("--") ? 2 : 1);
        switch (option_takes(word)) {
        case Takes::Nothing:
            return plain_option(word);
        case Takes::Argument:
            if (next_ == argv_.size()) return unknown(word); // QEMU refuses it
            image_is_last_ = next_ + 1 == argv_.size();
            return valued_option(word, bounded(argv_[next_++]));
        case Takes::Unknown:
            unknown(word);
            // The last argument is an image rather than a value (S-137).
            if (next_ + 1 < argv_.size() && !argv_[next_].starts_with('-')) ++next_;
        }
    }

    void unknown(std::string_view word) {
        if (out_.unknown.size() < max_facts) out_.unknown.push_back("-" + std::string{word});
    }

    void plain_option(std::string_view name) {
        if (name == "h" || name == "help" || name == "version") out_.only_asks = true;
        if (name == "S") out_.paused = true;
        if (name == "daemonize") out_.daemonize = true;
        if (name == "snapshot") out_.snapshot = true;
        if (name == "enable-kvm") out_.accel = "kvm";
        if (name == "nographic") out_.display = "none";
    }

    void valued_option(std::string_view name, std::string_view value) {
        static const std::map<std::string_view, Rule> rules{
            {"M", &Reader::on_machine},
            {"accel", &Reader::on_accel},
            {"append", &Reader::on_append},
            {"blockdev", &Reader::on_blockdev},
            {"cdrom", &Reader::on_removable},
            {"chardev", &Reader::on_chardev},
            {"cpu", &Reader::on_cpu},
            {"device", &Reader::on_device},
            {"display", &Reader::on_display},
            {"drive", &Reader::on_drive},
            {"fda", &Reader::on_removable},
            {"fdb", &Reader::on_removable},
            {"hda", &Reader::on_disk},
            {"hdb", &Reader::on_disk},
            {"hdc", &Reader::on_disk},
            {"hdd", &Reader::on_disk},
            {"id", &Reader::on_id},
            {"incoming", &Reader::on_incoming},
            {"initrd", &Reader::on_initrd},
            {"kernel", &Reader::on_kernel},
            {"m", &Reader::on_memory},
            {"machine", &Reader::on_machine},
            {"mon", &Reader::on_mon},
            {"monitor", &Reader::on_monitor},
            {"mtdblock", &Reader::on_disk},
            {"name", &Reader::on_name},
            {"net", &Reader::on_net},
            {"nic", &Reader::on_nic},
            {"pflash", &Reader::on_removable},
            {"pidfile", &Reader::on_pidfile},
            {"qmp", &Reader::on_qmp},
            {"qmp-pretty", &Reader::on_qmp},
            {"readconfig", &Reader::on_hidden},
            {"sd", &Reader::on_disk},
            {"serial", &Reader::on_serial},
            {"smbios", &Reader::on_smbios},
            {"smp", &Reader::on_smp},
            {"uuid", &Reader::on_uuid},
            {"vnc", &Reader::on_vnc},
        };
        if (asks_for_help(name, value)) out_.only_asks = true;
        const auto rule = rules.find(name);
        if (rule != rules.end()) (this->*rule->second)(value);
    }

    void on_name(std::string_view value) {
        const auto properties = parse_argument(value, "guest");
        out_.name = find(properties, "guest");
        out_.process = find(properties, "process");
    }
    void on_uuid(std::string_view value) {
        if (const auto uuid = Uuid::parse(value)) out_.uuid = *uuid;
    }
    void on_smbios(std::string_view value) {
        const auto properties = parse_argument(value, "type");
        if (find(properties, "type") != "1") return;
        if (const auto uuid = Uuid::parse(find(properties, "uuid"))) smbios_uuid_ = *uuid;
    }
    void on_memory(std::string_view value) {
        const auto size = parse_size(find(parse_argument(value, "size"), "size"), mebibyte);
        if (size) out_.memory_mb = *size / mebibyte;
    }
    void on_smp(std::string_view value) {
        const auto properties = parse_argument(value, "cpus");
        if (const auto cpus = parse_number(find(properties, "cpus")); cpus && *cpus > 0) {
            out_.vcpus = clamp_count(*cpus);
            return;
        }
        std::uint64_t product = 1;
        for (const auto* level : {"sockets", "dies", "clusters", "cores", "threads"}) {
            const auto count = parse_number(find(properties, level)).value_or(1);
            product = std::min<std::uint64_t>(product * clamp_count(count), 1U << 31);
        }
        out_.vcpus = clamp_count(product);
    }
    void on_machine(std::string_view value) {
        const auto properties = parse_argument(value, "type");
        if (const auto type = find(properties, "type"); !type.empty()) out_.machine = type;
        if (const auto accel = find(properties, "accel"); !accel.empty()) out_.accel = accel;
    }
    void on_accel(std::string_view value) {
        // Several -accel are tried in turn, as in accel=kvm:tcg.
        const auto properties = parse_argument(value, "accel");
        const auto accel = find(properties, "accel");
        if (accel.empty()) return;
        if (!accels_.empty() && accels_.size() < max_argument_bytes) accels_ += ":";
        if (accels_.size() < max_argument_bytes) accels_ += accel;
        out_.accel = accels_;
    }
    void on_cpu(std::string_view value) { out_.cpu = value.substr(0, value.find(',')); }
    void on_append(std::string_view value) { out_.append = value; }
    void on_kernel(std::string_view value) { out_.kernel = value; }
    void on_initrd(std::string_view value) { out_.initrd = value; }
    void on_pidfile(std::string_view value) { out_.pidfile = value; }
    void on_incoming(std::string_view value) { out_.incoming = value; }
    void on_id(std::string_view value) { out_.id = value; }
    void on_hidden(std::string_view) { out_.hidden = true; }
    void on_vnc(std::string_view value) {
        out_.vnc = value.substr(0, value.find(','));
        if (out_.vnc == "none") out_.vnc.clear();
    }
    void on_display(std::string_view value) {
        const auto properties = parse_argument(value, "type");
        out_.display = find(properties, "type");
        if (value.starts_with("vnc=")) out_.vnc = find(properties, "vnc");
        if (value.starts_with("vnc=")) out_.display = "vnc";
    }

    void add_image(std::string file) {
        if (!file.empty() && out_.images.size() < max_facts) out_.images.push_back(std::move(file));
    }
    void disk(std::string file) {
        if (image_is_last_) out_.image = file;
        if (first_disk_.empty()) first_disk_ = file;
        add_image(std::move(file));
    }
    void on_disk(std::string_view value) { disk(std::string{value}); }
    void on_removable(std::string_view value) { add_image(std::string{value}); }
    void on_drive(std::string_view value) {
        const auto properties = parse_argument(value, "");
        auto file = std::string{find(properties, "file")};
        if (file.empty()) file = find(properties, "file.filename");
        const bool removable = find(properties, "media") == "cdrom" ||
                               find(properties, "if") == "pflash" ||
                               find(properties, "if") == "floppy";
        if (removable) {
            add_image(std::move(file));
        } else if (!file.empty()) {
            disk(std::move(file));
        }
    }
    void on_blockdev(std::string_view value) {
        const auto properties = parse_argument(value, "driver");
        Node node{.below = std::string{find(properties, "file")}};
        for (const auto& [key, text] : properties) {
            // A format layer may hold its file at any depth: file.file.filename.
            if (key == "filename" || key.ends_with(".filename")) node.file = text;
        }
        add_image(node.file);
        auto name = std::string{find(properties, "node-name")};
        if (!name.empty() && nodes_.size() < max_facts) nodes_.insert_or_assign(name, node);
    }
    // The file of the first device whose drive is a -blockdev, through its format layers.
    std::string blockdev_image() const {
        auto name = first_drive_;
        for (int layers = 0; layers < 8; ++layers) {
            const auto found = nodes_.find(name);
            if (found == nodes_.end()) return {};
            if (!found->second.file.empty()) return found->second.file;
            name = found->second.below;
        }
        return {};
    }

    void add_mac(std::string_view text) {
        auto mac = parse_mac(text);
        if (!mac || out_.macs.size() == max_facts) return;
        if (std::find(out_.macs.begin(), out_.macs.end(), *mac) == out_.macs.end()) {
            out_.macs.push_back(std::move(*mac));
        }
    }
    void on_nic(std::string_view value) { add_mac(find(parse_argument(value, "type"), "mac")); }
    void on_net(std::string_view value) {
        const auto properties = parse_argument(value, "type");
        if (find(properties, "type") == "nic") add_mac(find(properties, "macaddr"));
    }
    void on_device(std::string_view value) {
        const auto properties = parse_argument(value, "driver");
        add_mac(find(properties, "mac"));
        const auto driver = find(properties, "driver");
        const bool removable = driver.ends_with("-cd") || driver == "floppy";
        if (first_drive_.empty() && !removable) first_drive_ = find(properties, "drive");
        const bool serial = driver.ends_with("-serial") || driver == "virtconsole" ||
                            driver == "sclpconsole" || driver == "spapr-vty";
        if (serial && serial_device_.empty()) serial_device_ = find(properties, "chardev");
    }

    void on_chardev(std::string_view value) {
        const auto properties = parse_argument(value, "backend");
        auto id = std::string{find(properties, "id")};
        if (!id.empty() && chardevs_.size() < max_facts) {
            chardevs_.insert_or_assign(std::move(id), chardev_of(properties));
        }
    }
    void add_monitor(Monitor monitor) {
        if (out_.monitors.size() < max_facts) out_.monitors.push_back(std::move(monitor));
    }
    void on_mon(std::string_view value) {
        const auto properties = parse_argument(value, "chardev");
        const auto control = find(properties, "mode") == "control";
        add_monitor({.kind = control ? Monitor::Kind::Qmp : Monitor::Kind::Hmp,
                     .chardev = std::string{find(properties, "chardev")}});
    }
    void old_monitor(Monitor::Kind kind, std::string_view value) {
        if (value == "none" || value == "null") return;
        if (value.starts_with("chardev:")) {
            return add_monitor({.kind = kind, .chardev = std::string{value.substr(8)}});
        }
        auto chardev = old_chardev(value);
        add_monitor({.kind = kind,
                     .path = std::move(chardev.path),
                     .backend = std::move(chardev.backend),
                     .server = chardev.server});
    }
    void on_qmp(std::string_view value) { old_monitor(Monitor::Kind::Qmp, value); }
    void on_monitor(std::string_view value) { old_monitor(Monitor::Kind::Hmp, value); }
    void on_serial(std::string_view value) {
        const bool first = !serial_seen_;
        serial_seen_ = true;
        if (value.starts_with("chardev:")) {
            if (first) serial_chardev_ = value.substr(8);
            return;
        }
        auto chardev = old_chardev(value);
        if (chardev.monitor) old_monitor(Monitor::Kind::Hmp, value);
        if (!first || chardev.path.empty()) return;
        out_.console = std::move(chardev.path);
        out_.console_monitor = chardev.monitor;
    }

    void resolve_monitors() {
        for (auto& monitor : out_.monitors) {
            const auto found = chardevs_.find(monitor.chardev);
            if (found == chardevs_.end()) continue;
            monitor.path = found->second.path;
            monitor.backend = found->second.backend;
            monitor.server = found->second.server;
        }
    }
    void resolve_console() {
        const auto& id =
            serial_chardev_.empty() && !serial_seen_ ? serial_device_ : serial_chardev_;
        const auto found = chardevs_.find(id);
        if (found == chardevs_.end()) return;
        out_.console = found->second.path;
        out_.console_monitor =
            std::any_of(out_.monitors.begin(), out_.monitors.end(), [&](const Monitor& monitor) {
                return monitor.chardev == id;
            });
    }

    std::span<const std::string> argv_;
    std::size_t next_ = 1;
    bool image_is_last_ = false;
    bool serial_seen_ = false;
    std::string serial_chardev_;
    std::string serial_device_;
    std::string first_disk_;
    std::string first_drive_;
    std::map<std::string, Node> nodes_;
    std::string accels_;
    std::optional<Uuid> smbios_uuid_;
    std::map<std::string, Chardev> chardevs_;
    QemuCommandLine out_;
};

} // namespace

QemuCommandLine parse(std::span<const std::string> argv) {
    return Reader{argv}.read();
}

std::string_view arch_of_program(std::string_view program) {
    constexpr std::string_view prefix = "qemu-system-";
    const auto at = program.rfind(prefix);
    if (at == std::string_view::npos) return {};
    program.remove_prefix(at + prefix.size());
    return program.substr(0, program.find_first_of(" /"));
}

std::uint32_t vnc_port(std::string_view display) {
    const auto colon = display.rfind(':');
    if (colon == std::string_view::npos || display.starts_with("unix:")) return 0;
    std::uint32_t number = 0;
    const auto* end = display.data() + display.size();
    const auto [at, code] = std::from_chars(display.data() + colon + 1, end, number);
    const bool is_port = code == std::errc{} && at == end && number <= 65535 - vnc_base_port;
    return is_port ? vnc_base_port + number : 0;
}

} // namespace ctys::qemu
