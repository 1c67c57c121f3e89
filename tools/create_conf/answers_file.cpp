#include "tools/create_conf/answers_file.h"

#include "mesh/core/assert.h"
#include "tools/create_conf/fat_image.h"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <bit>

namespace ctys::conf {

namespace {

constexpr std::string_view speed = "115200";

std::string console_arguments(const Settings& settings) {
    return fmt::format("console=tty0 console={},{}", settings.board().console, speed);
}

bool is_static(const Settings& settings) {
    return settings.is("DHCP", "n");
}

std::string title(const Settings& settings, std::string_view what) {
    return fmt::format("# {} of {}, for {} {}.\n",
                       what,
                       settings.text("LABEL"),
                       settings.text("DIST"),
                       settings.text("DISTREL"));
}

std::string kickstart_network(const Settings& settings) {
    const auto host = " --hostname=" + settings.text("LABEL");
    if (!is_static(settings)) return "network --bootproto=dhcp" + host;
    auto out = fmt::format("network --bootproto=static --ip={} --netmask={}",
                           settings.text("IP"),
                           settings.text("NETMASK"));
    if (const auto& gateway = settings.text("GATEWAY"); !gateway.empty())
        out += " --gateway=" + gateway;
    return out + host;
}

std::string kickstart(const Settings& settings) {
    const auto end = settings.recipe().ends_sections ? "%end\n" : "";
    const bool network = settings.is("DEFAULTINSTMODE", "PXE");
    auto out = title(settings, "Kickstart");
    out += "# No password stands here, the installer asks for it. To be asked nothing:\n"
           "#   rootpw --iscrypted HASH      (HASH by: openssl passwd -1)\n"
           "text\nskipx\n";
    out +=
        network
            ? "# The tree of a mirror, for an installation by network:\n#   url --url=http://...\n"
            : "cdrom\n";
    out += fmt::format("lang en_US.UTF-8\nkeyboard {}\ntimezone --utc Etc/UTC\n{}\n"
                       "firewall --enabled --ssh\nselinux --enforcing\nzerombr\n"
                       "clearpart --all --initlabel\nautopart\n"
                       "bootloader --location=mbr --append=\"{}\"\npoweroff\n\n"
                       "%packages\n@core\n{}\n",
                       settings.text("KBD_LAYOUT"),
                       kickstart_network(settings),
                       console_arguments(settings),
                       end);
    const auto console = settings.board().console;
    out += fmt::format(
        "%post\n# Releases with an inittab start nothing on the serial console by themselves.\n"
        "grep -q '^{0}$' /etc/securetty 2>/dev/null || echo {0} >> /etc/securetty\n"
        "if [ -s /etc/inittab ] && grep -q ':respawn:' /etc/inittab; then\n"
        "    echo 'S0:2345:respawn:/sbin/agetty {0} {1} vt100' >> /etc/inittab\n"
        "fi\n{2}",
        console,
        speed,
        end);
    return out;
}

std::string preseed(const Settings& settings) {
    auto out = title(settings, "Preseed");
    out += "# No password stands here, the installer asks for it.\n";
    out += fmt::format("d-i debian-installer/locale string en_US.UTF-8\n"
                       "d-i keyboard-configuration/xkb-keymap select {0}\n"
                       "d-i console-keymaps-at/keymap select {0}\n"
                       "d-i netcfg/choose_interface select auto\n"
                       "d-i netcfg/get_hostname string {1}\n"
                       "d-i netcfg/get_domain string localdomain\n",
                       settings.text("KBD_LAYOUT"),
                       settings.text("LABEL"));
    if (is_static(settings)) {
        out += fmt::format("d-i netcfg/disable_autoconfig boolean true\n"
                           "d-i netcfg/disable_dhcp boolean true\n"
                           "d-i netcfg/get_ipaddress string {}\n"
                           "d-i netcfg/get_netmask string {}\n"
                           "d-i netcfg/get_gateway string {}\n"
                           "d-i netcfg/confirm_static boolean true\n",
                           settings.text("IP"),
                           settings.text("NETMASK"),
                           settings.text("GATEWAY"));
    }
    out += fmt::format("d-i clock-setup/utc boolean true\n"
                       "d-i time/zone string Etc/UTC\n"
                       "d-i partman-auto/method string regular\n"
                       "d-i partman-auto/choose_recipe select atomic\n"
                       "d-i partman/confirm_write_new_label boolean true\n"
                       "d-i partman-partitioning/confirm_write_new_label boolean true\n"
                       "d-i partman/choose_partition select finish\n"
                       "d-i partman/confirm boolean true\n"
                       "d-i partman/confirm_nooverwrite boolean true\n"
                       "tasksel tasksel/first multiselect standard\n"
                       "d-i pkgsel/include string openssh-server\n"
                       "d-i grub-installer/only_debian boolean true\n"
                       "d-i grub-installer/bootdev string default\n"
                       "d-i debian-installer/add-kernel-opts string {}\n"
                       "d-i finish-install/keep-consoles boolean true\n"
                       "d-i finish-install/reboot_in_progress note\n"
                       "d-i debian-installer/exit/poweroff boolean true\n",
                       console_arguments(settings));
    return out;
}

int prefix_length(const std::string& netmask) {
    in_addr address{};
    CTYS_ASSERT(::inet_pton(AF_INET, netmask.c_str(), &address) == 1);
    return std::popcount(static_cast<std::uint32_t>(address.s_addr));
}

std::string netplan(const Settings& settings) {
    auto out = fmt::format("  network:\n    version: 2\n    ethernets:\n      all:\n"
                           "        match: {{macaddress: '{}'}}\n",
                           settings.text("MAC"));
    if (!is_static(settings)) return out + "        dhcp4: true\n";
    out += fmt::format("        addresses: ['{}/{}']\n",
                       settings.text("IP"),
                       prefix_length(settings.text("NETMASK")));
    if (const auto& gateway = settings.text("GATEWAY"); !gateway.empty())
        out += fmt::format("        routes: [{{to: default, via: '{}'}}]\n", gateway);
    return out;
}

std::string user_data(const Settings& settings) {
    // The first line must be this one.
    auto out = "#cloud-config\n" + title(settings, "Autoinstall");
    out += "# No password stands here, the installer asks for it.\n";
    out += fmt::format("autoinstall:\n  version: 1\n  interactive-sections: [identity]\n"
                       "  locale: en_US.UTF-8\n  keyboard: {{layout: '{}'}}\n",
                       settings.text("KBD_LAYOUT"));
    out += netplan(settings);
    out +=
        fmt::format("  ssh: {{install-server: true}}\n  shutdown: poweroff\n  late-commands:\n"
                    "    - >-\n"
                    "      printf 'GRUB_CMDLINE_LINUX=\"{}\"\\nGRUB_TERMINAL=\"console serial\"\\n"
                    "GRUB_SERIAL_COMMAND=\"serial --speed={}\"\\n'\n"
                    "      > /target/etc/default/grub.d/serial-console.cfg\n"
                    "    - curtin in-target -- update-grub\n",
                    console_arguments(settings),
                    speed);
    return out;
}

std::string meta_data(const Settings& settings) {
    return fmt::format(
        "instance-id: {}\nlocal-hostname: {}\n", settings.text("UUID"), settings.text("LABEL"));
}

std::string seed_name(const Settings& settings) {
    return settings.text("LABEL") + "-seed.img";
}

NewFile seed(const Settings& settings, std::string_view label, const std::vector<FatFile>& files) {
    auto image = fat_image(label, files);
    CTYS_ASSERT(image.has_value()); // texts of some kilobytes
    return {.name = seed_name(settings), .bytes = std::move(*image)};
}

bool wants_answers(const Settings& settings) {
    return !settings.text("KICKSTART").empty() && !settings.is("KICKSTART", "none");
}

} // namespace

std::vector<NewFile> answers_files(const Settings& settings) {
    if (!wants_answers(settings)) return {};
    const auto& name = settings.text("KICKSTART");
    switch (settings.recipe().installer) {
    case Installer::None:
        return {};
    case Installer::Kickstart: {
        auto text = kickstart(settings);
        auto disk = seed(settings, "OEMDRV", {{"ks.cfg", text}});
        return {{.name = name, .bytes = std::move(text)}, std::move(disk)};
    }
    case Installer::Preseed:
        return {{.name = name, .bytes = preseed(settings)}};
    case Installer::Autoinstall: {
        auto user = user_data(settings);
        auto meta = meta_data(settings);
        auto disk = seed(settings, "CIDATA", {{"user-data", user}, {"meta-data", meta}});
        return {{.name = name, .bytes = std::move(user)},
                {.name = settings.text("LABEL") + ".meta-data", .bytes = std::move(meta)},
                std::move(disk)};
    }
    }
    return {};
}

std::vector<std::string> how_to_install(const Settings& settings) {
    if (!wants_answers(settings)) return {};
    const auto& label = settings.text("LABEL");
    const auto console = fmt::format("console={},{}", settings.board().console, speed);
    const auto with_disk = [&](std::string_view interface) {
        return fmt::format("sh {}.sh --instmode --argsadd=\"-drive "
                           "file=$PWD/{},format=raw,if={},readonly=on\"",
                           label,
                           seed_name(settings),
                           interface);
    };
    const auto recipe = settings.recipe();
    switch (recipe.installer) {
    case Installer::None:
        return {};
    case Installer::Kickstart:
        if (!settings.is("MACHINE", "pc"))
            return {with_disk("virtio"), fmt::format("at its boot prompt: {}", console)};
        return {with_disk("floppy"),
                fmt::format("at its boot prompt: linux text ks=floppy {}", console)};
    case Installer::Preseed:
        return {"python3 -m http.server 8000 &",
                fmt::format("sh {}.sh --instmode", label),
                fmt::format("at its boot prompt: auto url=http://10.0.2.2:8000/{} {}",
                            settings.text("KICKSTART"),
                            console)};
    case Installer::Autoinstall:
        return {with_disk("virtio"), fmt::format("at its boot prompt: autoinstall {}", console)};
    }
    return {};
}

} // namespace ctys::conf
