#include "tools/create_conf/configuration_text.h"

#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ctys::conf {

namespace {

// Paths beside the configuration move with it.
std::string path_word(std::string_view path) {
    if (path.empty()) return {};
    const auto quoted = shell_quoted({std::string{path}});
    return path.starts_with('/') ? quoted : "$CTYSWRAPPERPATH/" + quoted;
}

class ConfigurationText {
public:
    ConfigurationText(const Settings& settings,
                      const HostFacts& host,
                      const Stamp& stamp,
                      const Remainder& remainder)
        : settings_(settings), host_(host), stamp_(stamp), remainder_(remainder) {}

    std::string run() {
        head();
        identity();
        policy();
        machine();
        media();
        installer();
        kept();
        return std::move(text_);
    }

private:
    void line(std::string_view text) { text_.append(text).push_back('\n'); }
    void comment(std::string_view text) { line(fmt::format("# {}", text)); }

    // For the scan, which knows no escapes.
    void key(std::string_view name, std::string_view value) {
        const char quote = value.find('"') == std::string_view::npos ? '"' : '\'';
        line(fmt::format("#@#{} = {}{}{}", name, quote, value, quote));
    }
    void key_if_any(std::string_view name, std::string_view value) {
        if (!value.empty()) key(name, value);
    }
    void assign(std::string_view name, std::string_view value) {
        line(fmt::format("{}={}", name, value.empty() ? "" : shell_quoted({std::string{value}})));
    }
    void assign(std::string_view name) { assign(name, settings_.text(name)); }
    void assign_path(std::string_view name) {
        line(fmt::format("{}={}", name, path_word(settings_.text(name))));
    }
    void assign_if_any(std::string_view name) {
        if (!settings_.text(name).empty()) assign(name);
    }
    // The caller of the wrapper may give another value.
    void assign_default(std::string_view name) {
        line(fmt::format("{0}=${{{0}:-{1}}}", name, settings_.text(name)));
    }

    void head() {
        line(settings_.is("VMSTATE", "ACTIVE") ? "#@#MAGICID-do-not-IGNORE =>ACTIVATED"
                                               : "#@#MAGICID-IGNORE");
        comment("Configuration of one VM. Lines that start with #@# are read by the scan; the");
        comment(
            "assignments are bash and are sourced by the wrapper beside this file, which has set");
        comment("CTYSWRAPPERPATH to this directory.");
        key("INST_EDITOR", settings_.text("EDITOR"));
        key("INST_DATE", stamp_.date);
        key("INST_CTYSREL", stamp_.version);
        key("INST_UID", fmt::to_string(host_.uid));
        key("INST_GID", fmt::to_string(host_.gid));
        key("INST_HOST", host_.host);
        key_if_any("INST_HOST_DIST", host_.dist);
        key_if_any("INST_HOST_DISTREL", host_.dist_release);
        key_if_any("INST_HOST_OS", host_.os);
        key_if_any("INST_HOST_OSREL", host_.os_release);
        line("");
    }

    void identity() {
        line("#@#MAGICID-QEMU");
        key("LABEL", settings_.text("LABEL"));
        assign("LABEL");
        key("SESSIONTYPE", "QEMU");
        key("VMSTATE", settings_.text("VMSTATE"));
        key("UUID", settings_.text("UUID"));
        assign("UUID");
        key("MAC0", settings_.text("MAC"));
        assign("MAC0", settings_.text("MAC"));
        key_if_any("IP0", address());
        const auto& tcp = settings_.text("TCP");
        if (tcp != settings_.text("IP")) key_if_any("TCP", tcp);
        for (const auto* name : {"DIST", "DISTREL", "OS", "OSREL", "CATEGORY"}) {
            key_if_any(name, settings_.text(name));
        }
        key("DEFAULTHOSTS", settings_.text("DEFAULTHOSTS"));
        key("DEFAULTCONSOLE", settings_.text("DEFAULTCONSOLE"));
    }

    // ip%netmask%relay%ifname%sshport%gateway, as far as something is known.
    std::string address() const {
        const std::array<std::string_view, 6> parts{settings_.text("IP"),
                                                    settings_.text("NETMASK"),
                                                    settings_.text("BRIDGE"),
                                                    "",
                                                    "",
                                                    settings_.text("GATEWAY")};
        std::string out;
        for (const auto part : parts) {
            out.append(part).push_back('%');
        }
        return out.substr(0, out.find_last_not_of('%') + 1);
    }

    void policy() {
        comment("Time a shutdown gives the guest when it names none.");
        key("GRACE", settings_.text("GRACE"));
        comment("When the host goes down: shutdown, suspend, leave or kill. When it has come up: "
                "start,");
        comment("like-before or no; after the VMs of these labels, if any.");
        key("ONSTOP", settings_.text("ONSTOP"));
        key("ONBOOT", settings_.text("ONBOOT"));
        key("STARTAFTER", settings_.text("STARTAFTER"));
        for (const auto& each : remainder_.keys) {
            key(each.key, each.value);
        }
        line("");
    }

    void machine() {
        const auto board = settings_.board();
        assign("ARCH", board.arch);
        assign_if_any("CPU");
        assign_if_any("MACHINE");
        assign("SMP");
        assign_default("MEMSIZE");
        assign_default("ACCELERATOR");
        assign_if_any("ACCELFALLBACK");
        assign("STARTERCALL");
        assign_if_any("WRAPPERCALL");
        assign("KBD_LAYOUT");
        assign("NETWORK");
        assign_if_any("NIC");
        assign_if_any("GUESTAGENT");
        assign_if_any("VGADRIVER");
        assign_if_any("TIMEOPT");
        assign_if_any("ARGSADD");
        if (!settings_.text("KERNELIMAGE").empty()) assign_path("KERNELIMAGE");
        if (!settings_.text("INITRDIMAGE").empty()) assign_path("INITRDIMAGE");
        if (settings_.text("KERNELIMAGE").empty()) return;
        assign_if_any("APPEND");
    }

    void media() {
        line("");
        assign_path("HDDBOOTIMAGE");
        assign("IMAGEFORMAT");
        assign_if_any("IMAGEINTERFACE");
        for (const auto* name : {"HDDBOOTIMAGE_INST_SIZE",
                                 "HDDBOOTIMAGE_INST_BLOCKSIZE",
                                 "HDDBOOTIMAGE_INST_BLOCKCOUNT",
                                 "HDDBOOTIMAGE_INST_BALLOON",
                                 "DEFAULTBOOTMODE",
                                 "DEFAULTINSTMODE"}) {
            assign(name);
        }
        // PXE and a disk are installed from without a file of their own.
        if (!settings_.text("DEFAULTINSTSOURCE").empty()) assign_path("DEFAULTINSTSOURCE");
        for (const auto* name :
             {"DEFAULTINSTTARGET", "INSTSRCCDROM", "INSTSRCDVD", "INSTSRCFDD", "INSTSRCUSB"}) {
            assign_path(name);
        }
        // The disk it is installed to is no source.
        if (!settings_.is("INSTSRCHDD", settings_.text("HDDBOOTIMAGE"))) assign_path("INSTSRCHDD");
        if (!settings_.text("FDDIMAGE").empty()) assign_path("FDDIMAGE");
        for (const auto* name :
             {"DVDBOOTIMAGE_INST_SIZE", "CDBOOTIMAGE_INST_SIZE", "FDDBOOTIMAGE_INST_SIZE"}) {
            assign(name);
        }
    }

    void installer() {
        line("");
        for (const auto* name : {"KICKSTART", "INST_KERNEL", "INST_INITRD", "BOOTLOADER"}) {
            if (settings_.text(name).empty() || settings_.is(name, "none")) continue;
            assign_path(name);
        }
        assign_if_any("INST_EXTRA");
        assign_if_any("INST_ROOTARGS");
        for (const auto note : settings_.recipe().notes) {
            comment(note);
        }
    }

    void kept() {
        for (const auto& note : remainder_.notes) {
            comment(printable(note));
        }
    }

    const Settings& settings_;
    const HostFacts& host_;
    const Stamp& stamp_;
    const Remainder& remainder_;
    std::string text_;
};

} // namespace

std::string render_configuration(const Settings& settings,
                                 const HostFacts& host,
                                 const Stamp& stamp,
                                 const Remainder& remainder) {
    return ConfigurationText{settings, host, stamp, remainder}.run();
}

std::string ignored_configuration(std::string_view text) {
    constexpr std::string_view mark = "#@#MAGICID-IGNORE\n";
    if (text.starts_with(mark)) return std::string{text};
    // Behind a `#!`, which only counts as the first line.
    const auto first =
        text.starts_with("#!") ? std::min(text.find('\n'), text.size() - 1) + 1 : std::size_t{0};
    std::string out{text.substr(0, first)};
    if (!out.empty() && !out.ends_with('\n')) out += '\n';
    return out.append(mark).append(text.substr(first));
}

std::string render_defaults(const Settings& settings, const Stamp& stamp) {
    constexpr auto of_one_vm = std::to_array<std::string_view>(
        {"EDITOR", "LABEL", "UUID", "MAC", "IP", "TCP", "KICKSTART"});
    auto out =
        fmt::format("# Defaults of ctys-createConfVM {}, made {}. Constants only: no line is "
                    "executed.\n",
                    stamp.version,
                    stamp.date);
    for (const auto& variable : variables()) {
        const auto& value = settings.at(variable.name);
        const bool own =
            std::find(of_one_vm.begin(), of_one_vm.end(), variable.name) != of_one_vm.end();
        const bool chosen = value.origin == Origin::Answer || value.origin == Origin::Call ||
                            value.origin == Origin::Environment ||
                            value.origin == Origin::DefaultsFile || value.origin == Origin::BuiltIn;
        if (own || !chosen || value.text.empty()) continue;
        out += fmt::format("{}={}\n", variable.name, shell_quoted({value.text}));
    }
    return out;
}

} // namespace ctys::conf
