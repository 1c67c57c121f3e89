#include "mesh/qemu/old_option_rules.h"

#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"
#include "mesh/qemu/old_argument.h"
#include "mesh/qemu/option_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <tuple>

namespace ctys::qemu {

namespace {

using Words = std::vector<std::string>;

struct SoundCard {
    std::string_view name;
    std::string_view words;
};

// The sound of a VM goes nowhere unless somebody says where: QEMU's search for the sound of the
// host may start a server, for which the sandbox would kill it.
constexpr auto known_sound_cards = std::to_array<SoundCard>({
    {"ac97", "-device AC97,audiodev=ctyssound"},
    {"adlib", "-device adlib,audiodev=ctyssound"},
    {"cs4231a", "-device cs4231a,audiodev=ctyssound"},
    {"es1370", "-device ES1370,audiodev=ctyssound"},
    {"gus", "-device gus,audiodev=ctyssound"},
    {"hda", "-device intel-hda -device hda-duplex,audiodev=ctyssound"},
    {"pcspk", "-machine pcspk-audiodev=ctyssound"},
    {"sb16", "-device sb16,audiodev=ctyssound"},
});
// Of the speaker, which is part of the board; before 5.1 the board has no name for it.
constexpr QemuVersion speaker_of_board_since{5, 1};
constexpr std::string_view old_speaker = "-global isa-pcspk.audiodev=ctyssound -soundhw pcspk";
// What `all` was where QEMU was built as it comes.
constexpr std::string_view all_sound_cards = "pcspk,sb16,es1370,ac97";

constexpr QemuVersion bluetooth_gone{5, 0};
constexpr QemuVersion vnc_acl_gone{6, 0};

OptionFate replaced(Words words, std::string lost = {}) {
    return {.kind = OptionFate::Kind::Replaced, .words = std::move(words), .text = std::move(lost)};
}

OptionFate dropped(std::string_view why) {
    return {.kind = OptionFate::Kind::Dropped, .text = std::string{why}};
}

OptionFate user_property(std::string property) {
    return {.kind = OptionFate::Kind::UserProperty, .text = std::move(property)};
}

tl::unexpected<Error> malformed(const OldOption& option, std::string_view what) {
    return fail(ErrorCode::Usage, fmt::format("{} {}", option.told(), what));
}

std::string new_id(OldOptionState& state, std::string_view what) {
    return fmt::format("ctys{}{}", what, ++state.ids);
}

void append_words(Words& words, std::string_view text) {
    for (const auto word : split(text, ' ')) {
        words.emplace_back(word);
    }
}

// Nothing when the pieces name no vlan.
Result<std::optional<std::uint64_t>> take_vlan(const OldOption& option, ArgumentPieces& pieces) {
    const auto text = pieces.take("vlan");
    if (!text) return std::nullopt;
    const auto number = parse_number(*text);
    if (number && *number <= std::numeric_limits<std::int32_t>::max()) return number;
    return malformed(option, "has a vlan= that is no number");
}

std::string hub_port(std::string_view id, std::uint64_t hub) {
    return fmt::format("hubport,id={},hubid={}", id, hub);
}

} // namespace

std::string OldOption::told() const {
    Words words{name};
    if (!argument.empty()) words.push_back(argument);
    return printable(shell_quoted(words), 200);
}

Result<OptionFate> replace_option(const OldOption& option, OldOptionState&) {
    Words words;
    append_words(words, option.table);
    return replaced(std::move(words));
}

Result<OptionFate> drop_option(const OldOption& option, OldOptionState&) {
    return dropped(option.table);
}

Result<OptionFate> translate_startdate(const OldOption& option, OldOptionState&) {
    if (option.argument == "now") return dropped("the clock starts so without it");
    if (!is_start_date(option.argument)) {
        return malformed(option, "is not now, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS");
    }
    return replaced({"-rtc", "base=" + option.argument});
}

Result<OptionFate> translate_shadow_memory(const OldOption& option, OldOptionState&) {
    const auto size = parse_number(option.argument);
    if (!size || *size < 1 || *size > std::numeric_limits<std::uint32_t>::max()) {
        return malformed(option, "is not a number of megabytes");
    }
    return replaced({"-machine", fmt::format("kvm-shadow-mem={}", *size * mebibyte)});
}

Result<OptionFate> translate_balloon(const OldOption& option, OldOptionState&) {
    const ArgumentPieces pieces{option.argument};
    if (option.argument == "none") return dropped("there is none without it");
    if (pieces.kind() != "virtio") return malformed(option, "is neither virtio nor none");
    return replaced({"-device", "virtio-balloon" + pieces.rest()});
}

Result<OptionFate> translate_watchdog(const OldOption& option, OldOptionState&) {
    if (!is_plain_name(option.argument)) return malformed(option, "names no watchdog");
    return replaced({"-device", option.argument});
}

Result<OptionFate> translate_run_with(const OldOption& option, OldOptionState&) {
    if (option.argument.empty()) return malformed(option, "names nothing");
    return replaced(
        {"-run-with", fmt::format("{}={}", option.table, escape_commas(option.argument))});
}

Result<OptionFate> translate_soundhw(const OldOption& option, OldOptionState& state) {
    const std::string_view names = option.argument == "all" ? all_sound_cards : option.argument;
    Words words;
    for (const auto name : split(names, ',')) {
        const auto card = std::find_if(known_sound_cards.begin(),
                                       known_sound_cards.end(),
                                       [&](const SoundCard& one) { return one.name == name; });
        if (card == known_sound_cards.end()) {
            return malformed(option,
                             "names a card that is none of ac97, adlib, cs4231a, es1370, gus, hda, "
                             "pcspk, sb16, all");
        }
        if (state.sound_cards.empty()) words = {"-audiodev", "none,id=ctyssound"};
        const bool old = card->name == "pcspk" && state.version < speaker_of_board_since;
        if (state.sound_cards.insert(card->name).second)
            append_words(words, old ? old_speaker : card->words);
    }
    if (words.empty()) return dropped("its cards are there already");
    return replaced(std::move(words), "the sound goes nowhere");
}

Result<OptionFate> translate_drive(const OldOption& option, OldOptionState&) {
    ArgumentPieces pieces{option.argument};
    const auto boot = pieces.take("boot");
    bool changed = boot.has_value();
    std::string lost;
    for (const auto* key : {"serial", "addr", "cyls", "heads", "secs", "trans"}) {
        if (pieces.take(key)) lost += fmt::format("{}{}=", lost.empty() ? "" : ", ", key);
    }
    if (const auto cache = pieces.take("cache")) {
        changed = changed || *cache == "on";
        pieces.add("cache=" + (*cache == "on" ? "writeback" : *cache));
    }
    if (!changed && lost.empty()) return OptionFate{};
    if (!lost.empty()) lost += " is lost, only -device takes it, for a drive with if=none,id=ID";
    if (boot && *boot != "off") {
        lost += fmt::format("{}the drive is not the first one to boot any more: bootindex= of a "
                            "-device says so now",
                            lost.empty() ? "" : "; ");
    }
    return replaced({option.name, pieces.text()}, std::move(lost));
}

Result<OptionFate> translate_vnc(const OldOption& option, OldOptionState& state) {
    ArgumentPieces pieces{option.argument};
    if (state.version >= vnc_acl_gone && pieces.take("acl")) {
        return dropped("acl is gone, and without it anyone could connect; -object authz-list with "
                       "tls-authz= or sasl-authz= says it now");
    }
    const bool tls = pieces.take("tls").has_value();
    const auto folder = pieces.take("x509");
    const auto verifying = pieces.take("x509verify");
    // Without a value QEMU 7.2 takes it for the opposite of "n-adaptive".
    const auto adaptive = pieces.take("non-adaptive");
    if (adaptive) pieces.add("non-adaptive=" + *adaptive);
    if (!tls && !folder && !verifying) {
        if (adaptive != "on") return OptionFate{};
        return replaced({option.name, pieces.text()});
    }
    const auto id = new_id(state, "tls");
    auto object = fmt::format("tls-creds-anon,id={},endpoint=server", id);
    if (folder || verifying) {
        const auto& path = verifying ? *verifying : *folder;
        if (path.empty() || path == "on") return malformed(option, "names no folder for x509");
        object = fmt::format("tls-creds-x509,id={},endpoint=server,dir={},verify-peer={}",
                             id,
                             path,
                             verifying ? "on" : "off");
    }
    pieces.add("tls-creds=" + id);
    return replaced({"-object", std::move(object), option.name, pieces.text()});
}

Result<OptionFate> translate_usbdevice(const OldOption& option, OldOptionState& state) {
    const std::string_view argument = option.argument;
    const auto kind = argument.substr(0, argument.find(':'));
    const auto what = argument.substr(std::min(kind.size() + 1, argument.size()));
    if (kind == "host" && what.starts_with("auto:")) {
        return dropped("-usb -device usb-host,vendorid=0xVVVV,productid=0xPPPP says it now");
    }
    if (kind == "host") {
        const auto properties = usb_host_properties(what);
        if (!properties) return malformed(option, "is not host:BUS.ADDRESS or host:VENDOR:PRODUCT");
        return replaced({"-usb", "-device", "usb-host," + *properties});
    }
    if (kind == "disk") {
        const auto properties = usb_disk_properties(what);
        if (!properties) return malformed(option, "is not disk:FILE or disk:format=FORMAT:FILE");
        const auto id = new_id(state, "usb");
        return replaced({"-usb",
                         "-drive",
                         fmt::format("if=none,id={},{}", id, *properties),
                         "-device",
                         "usb-storage,drive=" + id});
    }
    if (kind == "serial") {
        return dropped("-usb -chardev BACKEND,id=ID -device usb-serial,chardev=ID says it now");
    }
    if (kind == "net") {
        return dropped("-usb -netdev user,id=ID -device usb-net,netdev=ID says it now");
    }
    if (kind == "bt" && state.version >= bluetooth_gone)
        return dropped("QEMU has no Bluetooth any more");
    if (argument == "audio") {
        Words words{"-usb"};
        if (state.sound_cards.empty()) append_words(words, "-audiodev none,id=ctyssound");
        state.sound_cards.insert("usb");
        append_words(words, "-device usb-audio,audiodev=ctyssound");
        return replaced(std::move(words), "the sound goes nowhere");
    }
    if (argument == "ccid") return replaced({"-usb", "-device", "usb-ccid"});
    return OptionFate{};
}

// All cards and networks of one vlan heard each other. What names none still does, on hub 0; other
// numbers become hubs of their own, so that what was apart stays apart.
Result<OptionFate> translate_net(const OldOption& option, OldOptionState& state) {
    ArgumentPieces pieces{option.argument};
    const std::string kind{pieces.kind()};
    if (kind == "channel") return dropped("guestfwd= of -net user says it now");
    if (kind == "dump") {
        return dropped("-object filter-dump,id=ID,netdev=NETDEV,file=FILE says it now, for a "
                       "network that is a -netdev");
    }
    const auto vlan = take_vlan(option, pieces);
    if (!vlan) return tl::unexpected(vlan.error());
    const bool named = pieces.take("name").has_value();
    std::string lost;
    if (kind == "user" && pieces.take("smb")) {
        std::ignore = pieces.take("smbserver");
        lost = "smb= is lost: the sandbox of a VM lets QEMU start no smbd";
    }
    if (!*vlan && !named && lost.empty()) return OptionFate{};
    const auto hub = vlan->value_or(0);
    if (hub == 0 || kind == "none") return replaced({option.name, pieces.text()}, std::move(lost));
    const auto port = new_id(state, "port");
    if (kind == "nic") {
        return replaced({"-netdev",
                         hub_port(port, hub),
                         option.name,
                         fmt::format("nic,netdev={}{}", port, pieces.rest())});
    }
    // QEMU looks for the network a port names among those before it.
    const auto backend = new_id(state, "net");
    return replaced({"-netdev",
                     fmt::format("{},id={}{}", kind, backend, pieces.rest()),
                     "-netdev",
                     hub_port(port, hub) + ",netdev=" + backend},
                    std::move(lost));
}

Result<OptionFate> translate_device(const OldOption& option, OldOptionState& state) {
    ArgumentPieces pieces{option.argument};
    if (option.argument.starts_with('{')) return OptionFate{};
    const std::string kind{pieces.kind()};
    if (kind == "pci-assign") {
        return dropped("bind the device to vfio-pci; -device vfio-pci,host=BUS:SLOT.FUNCTION hands "
                       "it over");
    }
    if (kind == "ide-drive")
        return replaced({option.name, "ide-hd" + pieces.rest()}, "a CD-ROM would be ide-cd");
    if (kind == "scsi-disk")
        return replaced({option.name, "scsi-hd" + pieces.rest()}, "a CD-ROM would be scsi-cd");
    const auto vlan = take_vlan(option, pieces);
    if (!vlan) return tl::unexpected(vlan.error());
    if (!*vlan) return OptionFate{};
    const auto port = new_id(state, "port");
    pieces.add("netdev=" + port);
    return replaced({"-netdev", hub_port(port, **vlan), option.name, pieces.text()});
}

Result<OptionFate> translate_numa(const OldOption& option, OldOptionState& state) {
    ArgumentPieces pieces{option.argument};
    const auto text = pieces.take("mem");
    if (pieces.kind() != "node" || !text) return OptionFate{};
    const auto bytes = parse_size(*text, mebibyte);
    if (!bytes || *bytes == 0) return malformed(option, "has a mem= that is no size");
    const auto id = new_id(state, "mem");
    pieces.add("memdev=" + id);
    return replaced({"-object",
                     fmt::format("memory-backend-ram,id={},size={}", id, *bytes),
                     option.name,
                     pieces.text()});
}

Result<OptionFate> translate_realtime(const OldOption& option, OldOptionState&) {
    if (option.argument == "mlock=off" || option.argument == "off")
        return dropped("memory is not locked without it");
    // That it locks is its default.
    if (option.argument != "mlock=on" && option.argument != "on" && option.argument != "mlock")
        return malformed(option, "is not mlock=on or mlock=off");
    return replaced({"-overcommit", "mem-lock=on"});
}

Result<OptionFate> translate_redir(const OldOption& option, OldOptionState&) {
    const auto hostfwd = hostfwd_of_redir(option.argument);
    if (!hostfwd) return malformed(option, "is not [tcp|udp]:HOSTPORT:[GUEST]:GUESTPORT");
    return user_property("hostfwd=" + *hostfwd);
}

Result<OptionFate> translate_tftp(const OldOption& option, OldOptionState&) {
    if (option.argument.empty()) return malformed(option, "names no folder");
    return user_property("tftp=" + escape_commas(option.argument));
}

Result<OptionFate> translate_bootp(const OldOption& option, OldOptionState&) {
    if (option.argument.empty()) return malformed(option, "names no file");
    return user_property("bootfile=" + escape_commas(option.argument));
}

} // namespace ctys::qemu
