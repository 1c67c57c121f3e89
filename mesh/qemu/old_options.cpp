#include "mesh/qemu/old_options.h"

#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"
#include "mesh/qemu/old_argument.h"
#include "mesh/qemu/old_option_rules.h"
#include "mesh/qemu/option_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace ctys::qemu {

namespace {

struct OldOptionRow {
    std::string_view name;
    OldOptionRule rule;
    std::string_view text = {};
    /// Builds before this one understand it and are left alone. What 7.2 refuses is replaced for
    /// all of them: they take the new words as well, and may warn of the old ones.
    QemuVersion from = {0, 0};
    QemuVersion gone = usual_version; ///< of what is replaced: one that refuses it, for people
};

constexpr std::string_view kqemu_is_gone =
    "KQEMU does not exist any more; ACCELERATOR says KVM or QEMU";
constexpr std::string_view pxa_is_gone =
    "it turned the screen of PXA boards, which QEMU does not have any more";

// Each row that says no version was tried with QEMU 7.2 (tests/real/qemu/old_options_test.cpp); the
// versions are those of docs/about/removed-features.rst of QEMU.
constexpr auto old_options = std::to_array<OldOptionRow>({
    // The clock.
    {"localtime", replace_option, "-rtc base=localtime"},
    {"startdate", translate_startdate},
    // It was the timer's, and was ignored for years before it went.
    {"tdf", drop_option, "QEMU makes up for lost ticks of the PIT without it"},
    {"rtc-td-hack", replace_option, "-rtc driftfix=slew"},
    {"clock", drop_option, "QEMU 7.2 chooses its timers itself"},
    // The screen.
    {"std-vga", replace_option, "-vga std"},
    {"cirrusvga", replace_option, "-vga cirrus"},
    {"vmwarevga", replace_option, "-vga vmware"},
    {"vnc", translate_vnc},
    {"sdl", replace_option, "-display sdl"},
    {"curses",
     drop_option,
     "a VM has no terminal of its own; -vnc shows its screen, `ctys console` its serial line"},
    {"alt-grab", drop_option, "-display sdl,grab-mod=lshift-lctrl-lalt says it now", {7, 1}},
    {"ctrl-grab", drop_option, "-display sdl,grab-mod=rctrl says it now", {7, 1}},
    {"show-cursor", drop_option, "-display sdl,show-cursor=on says it now", {6, 0}},
    {"no-quit", drop_option, "-display sdl,window-close=off says it now", {7, 0}},
    {"no-frame", drop_option, "a window of QEMU 7.2 always has its frame"},
    {"portrait", drop_option, pxa_is_gone, {9, 2}},
    {"rotate", drop_option, pxa_is_gone, {9, 2}},
    // Accelerators and CPUs.
    {"no-kqemu", drop_option, kqemu_is_gone},
    {"enable-kqemu", drop_option, kqemu_is_gone},
    {"kernel-kqemu", drop_option, kqemu_is_gone},
    {"no-kvm", replace_option, "-machine accel=tcg"},
    {"no-kvm-irqchip", replace_option, "-machine kernel_irqchip=off"},
    {"no-kvm-pit", drop_option, "-machine kernel_irqchip=off takes KVM's timer away, with more"},
    {"no-kvm-pit-reinjection", replace_option, "-global kvm-pit.lost_tick_policy=discard"},
    {"kvm-shadow-memory", translate_shadow_memory},
    {"enable-nesting", drop_option, "CPU=MODEL,+vmx or CPU=MODEL,+svm says it now"},
    {"cpu-vendor", drop_option, "CPU=MODEL,vendor=VENDOR says it now"},
    {"tb-size",
     drop_option,
     "-accel tcg,tb-size=MB says it now, which QEMU refuses beside the -machine accel= of a VM; it "
     "sizes its translation cache itself",
     {6, 0}},
    {"nvram", drop_option, "it was for Itanium machines, which QEMU does not have any more"},
    {"realtime", translate_realtime},
    {"enable-fips", drop_option, "QEMU 7.2 leaves that to the libraries that encrypt", {7, 1}},
    {"xen-create", drop_option, "Xen's own tools make its machines now"},
    {"singlestep",
     drop_option,
     "-accel tcg,one-insn-per-tb=on says it now, which QEMU refuses beside the -machine accel= of "
     "a VM",
     {9, 0}},
    {"no-acpi", replace_option, "-machine acpi=off", {9, 0}, {9, 0}},
    {"no-hpet", replace_option, "-machine hpet=off", {9, 0}, {9, 0}},
    {"old-param", drop_option, "no board of QEMU needs it any more", {10, 2}},
    // The process.
    {"async-teardown", replace_option, "-run-with async-teardown=on", {9, 0}, {9, 0}},
    {"chroot", translate_run_with, "chroot", {9, 0}, {9, 0}},
    {"runas", translate_run_with, "user", {9, 1}, {10, 0}}, // deprecated since 9.1
    // Devices.
    {"soundhw", translate_soundhw},
    {"balloon", translate_balloon},
    {"watchdog", translate_watchdog},
    {"usbdevice", translate_usbdevice},
    {"device", translate_device},
    {"drive", translate_drive},
    {"numa", translate_numa},
    {"virtfs_synth",
     drop_option,
     "-fsdev synth,id=ID -device virtio-9p-pci,fsdev=ID,mount_tag=TAG says it now",
     {5, 0}},
    {"hdachs", drop_option, "-device ide-hd,drive=ID,cyls=C,heads=H,secs=S says it now"},
    {"pcidevice",
     drop_option,
     "bind the device to vfio-pci; -device vfio-pci,host=BUS:SLOT.FUNCTION hands it over"},
    {"virtioconsole",
     drop_option,
     "-device virtio-serial -chardev BACKEND,id=ID -device virtconsole,chardev=ID says it now"},
    {"bt", drop_option, "QEMU has no Bluetooth any more", {5, 0}},
    {"p", drop_option, "-gdb tcp::PORT in place of -s says it now"},
    // Networks.
    {"net", translate_net},
    {"redir", translate_redir},
    {"tftp", translate_tftp},
    {"bootp", translate_bootp},
    {"smb",
     drop_option,
     "QEMU would start smbd, which the sandbox of a VM forbids; serve the folder from the host"},
    // Configuration files of QEMU's own.
    {"nodefconfig", drop_option, "a VM reads none of QEMU's own configuration files"},
    {"writeconfig", drop_option, "QEMU 7.2 writes no configuration file", {7, 1}},
});

const OldOptionRow* find_row(std::string_view name) {
    const auto* row = std::find_if(old_options.begin(),
                                   old_options.end(),
                                   [&](const OldOptionRow& one) { return one.name == name; });
    return row == old_options.end() ? nullptr : row;
}

// Nothing for a word that is no option.
std::optional<std::string_view> name_of_option(std::string_view word) {
    if (!word.starts_with('-')) return std::nullopt;
    return word.substr(word.starts_with("--") ? 2 : 1);
}

class OldOptionTranslator {
public:
    OldOptionTranslator(std::span<const std::string> words, OwnNetwork own, QemuVersion version)
        : words_(words), own_(own), state_{.version = version} {}

    Result<TranslatedOptions> run() {
        while (next_ < words_.size()) {
            if (auto done = step(); !done) return tl::unexpected(done.error());
        }
        settle_user_properties();
        return std::move(out_);
    }

private:
    // Belongs to the user network, which may come later.
    struct UserProperty {
        std::string told;
        std::string text;
        std::size_t warning; // its place
        QemuVersion gone;
    };

    Status step() {
        OldOption option{.name = words_[next_]};
        std::vector<std::string> as_given{words_[next_++]};
        const auto name = name_of_option(as_given.front());
        const auto* row = name ? find_row(*name) : nullptr;
        if (row != nullptr && state_.version < row->from) row = nullptr;
        if (name && option_takes(*name) == Takes::Argument) {
            if (next_ < words_.size()) {
                option.argument = words_[next_++];
                as_given.push_back(option.argument);
            } else if (row != nullptr) {
                return fail(ErrorCode::Usage,
                            option.told() + " is the last word and lacks its argument");
            }
        }
        if (row == nullptr) {
            add(std::move(as_given));
            return {};
        }
        option.table = row->text;
        option.gone = row->gone;
        auto fate = row->rule(option, state_);
        if (!fate) return tl::unexpected(fate.error());
        apply(option, std::move(*fate), std::move(as_given));
        return {};
    }

    void apply(const OldOption& option, OptionFate fate, std::vector<std::string> as_given) {
        switch (fate.kind) {
        case OptionFate::Kind::Kept:
            return add(std::move(as_given));
        case OptionFate::Kind::Replaced:
            out_.warnings.push_back(fmt::format("{} is gone from QEMU {}; {} takes its place{}{}",
                                                option.told(),
                                                to_string(option.gone),
                                                printable(shell_quoted(fate.words)),
                                                fate.text.empty() ? "" : ", and ",
                                                fate.text));
            return add(std::move(fate.words));
        case OptionFate::Kind::Dropped:
            out_.warnings.push_back(option.told() + " is dropped: " + fate.text);
            return;
        case OptionFate::Kind::UserProperty:
            user_properties_.push_back(
                {option.told(), std::move(fate.text), out_.warnings.size(), option.gone});
            out_.warnings.emplace_back();
            return;
        }
    }

    void add(std::vector<std::string> words) {
        for (std::size_t i = 0; i + 1 < words.size() && !user_network_; ++i) {
            const auto name = name_of_option(words[i]);
            const bool network = name == "net" || name == "netdev" || name == "nic";
            if (network && ArgumentPieces{words[i + 1]}.kind() == "user") {
                user_network_ = out_.words.size() + i + 1;
            }
        }
        std::move(words.begin(), words.end(), std::back_inserter(out_.words));
    }

    void settle_user_properties() {
        for (const auto& [told, text, warning, gone] : user_properties_) {
            auto& sentence = out_.warnings[warning];
            const auto shown = printable(text, 200);
            if (!user_network_ && own_ == OwnNetwork::User) {
                out_.user_properties.push_back(text);
            } else if (!user_network_) {
                sentence = fmt::format("{} is dropped: none of these words is the user network it "
                                       "belongs to; NETWORK=none and -nic user,{} say it now",
                                       told,
                                       shown);
                continue;
            } else {
                out_.words[*user_network_].append(",").append(text);
            }
            sentence =
                fmt::format("{} is gone from QEMU {}; {} of the user network takes its place",
                            told,
                            to_string(gone),
                            shown);
        }
    }

    std::span<const std::string> words_;
    OwnNetwork own_;
    std::size_t next_ = 0;
    OldOptionState state_;
    std::optional<std::size_t> user_network_; // its argument's place among the new words
    std::vector<UserProperty> user_properties_;
    TranslatedOptions out_;
};

} // namespace

Result<TranslatedOptions>
translate_old_options(std::span<const std::string> words, OwnNetwork own, QemuVersion version) {
    return OldOptionTranslator{words, own, version}.run();
}

} // namespace ctys::qemu
