#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace ctys::tools::legacy {

/// What a suboption key of the original means here.
enum class Key : std::uint8_t {
    Address, ///< part of the <machine-address>
    Base,
    Connect,
    Reuse,
    Reconnect,
    StackCheck,
    Elsewhere, ///< something else does it here: see instead_of()
    User,
    Console,
    Ping, ///< PING and SSHPING: only OFF is built
    PowerOff,
    Reset,
    Reboot,
    Pause,
    Suspend,
    Resume,
    Force,
    Timeout,
    Machine,
    Title,
    Table,
    Stack,
    All,
    Self,
    Init,
    Harmless, ///< asks for what is the case anyway
    BootMode,
    InstMode,
    Kernel,
    ArgsAdd,
    NotYet ///< exists in the original, is not built
};

enum class KeySet : std::uint8_t { Create, Cancel, List, Enumerate };

/// Nothing for a key the original does not have. `key` in any case.
[[nodiscard]] std::optional<Key> find_key(KeySet set, std::string_view key);
/// What takes the place of a suboption of create, and a command that does it.
struct Instead {
    std::string_view sentence;
    std::string_view try_next;
};
/// Of a Key::Elsewhere, Key::Ping or Key::StackCheck, in any case.
[[nodiscard]] Instead instead_of(std::string_view key);
/// All spellings, for suggestions and help.
[[nodiscard]] std::vector<std::string_view> key_names(KeySet set);

} // namespace ctys::tools::legacy
