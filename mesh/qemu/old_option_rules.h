#pragma once

#include "mesh/core/error.h"
#include "mesh/qemu/qemu_version.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::qemu {

/// One option that the QEMU of the VM does not understand, or not in all its forms.
struct OldOption {
    std::string name;       ///< with its dashes
    std::string argument;   ///< empty when it takes none
    std::string_view table; ///< what its row says: new words, or why it is dropped
    QemuVersion gone;       ///< with which QEMU lost it

    /// As a person would type it, bounded and printable.
    [[nodiscard]] std::string told() const;
};

/// What becomes of an option.
struct OptionFate {
    enum class Kind { Kept, Replaced, Dropped, UserProperty };

    Kind kind = Kind::Kept;
    std::vector<std::string> words = {}; ///< Replaced: in its place
    /// Dropped: why, and what to write. Replaced: what is lost, or empty. UserProperty: `key=value`
    /// of the user network.
    std::string text = {};
};

/// What the options of one command line have in common.
struct OldOptionState {
    QemuVersion version; ///< of the VM's QEMU
    unsigned ids = 0;
    std::set<std::string_view> sound_cards;
};

/// Each decides one option. Errors: Usage for an argument that the old QEMU would have refused.
using OldOptionRule = Result<OptionFate> (*)(const OldOption&, OldOptionState&);

/// These two take what the row says.
[[nodiscard]] Result<OptionFate> replace_option(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> drop_option(const OldOption&, OldOptionState&);

[[nodiscard]] Result<OptionFate> translate_balloon(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_bootp(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_device(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_drive(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_net(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_numa(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_realtime(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_redir(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_run_with(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_shadow_memory(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_soundhw(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_startdate(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_tftp(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_usbdevice(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_vnc(const OldOption&, OldOptionState&);
[[nodiscard]] Result<OptionFate> translate_watchdog(const OldOption&, OldOptionState&);

} // namespace ctys::qemu
