#pragma once

#include "mesh/core/error.h"

#include <optional>
#include <string>
#include <sys/types.h>

namespace ctys::setup {

/// What decides about the two directories of a mesh; empty texts count as not given.
struct DirectoryRequest {
    std::string state_flag;       ///< --state-dir
    std::string runtime_flag;     ///< --runtime-dir
    std::string state_variable;   ///< CTYS_STATE_DIR
    std::string runtime_variable; ///< CTYS_RUNTIME_DIR
    std::string home;             ///< HOME
    std::string xdg_state_home;
    std::string xdg_runtime_dir;
    uid_t user = 0;
    /// The home is on a network file system, where no state may be: /var/tmp/ctys-<uid> is used.
    bool home_is_remote = false;
};

struct Directories {
    std::string state;   ///< survives a restart of the machine
    std::string runtime; ///< sockets and locks of this boot

    bool operator==(const Directories&) const = default;
};

/// The request of this process: flags as given, the rest from its environment.
[[nodiscard]] DirectoryRequest directory_request(std::string state_flag, std::string runtime_flag);

/// Flags, then variables, then the defaults: /var/lib/ctys and /run/ctys for root, else the user's
/// XDG directories (https://specifications.freedesktop.org/basedir-spec). Pure. Relative XDG
/// directories are ignored, as the specification asks. Errors: Usage (a relative directory was
/// asked for, or there is no home).
[[nodiscard]] Result<Directories> choose_directories(const DirectoryRequest& request);

/// Who may enter a directory besides its owner.
struct DirectoryAccess {
    std::optional<gid_t> group; ///< none: 0700; else 0750 and this group
    /// Without a group here, an existing 0750 stays: the directory is shared by several roles, and
    /// another one may have set it.
    bool keep_group = false;
    /// 0711 on top: others may pass through to what is theirs below, and not look around. An agent
    /// of root needs it, its VMs run as other users. Kept like a group.
    bool passable = false;
};

/// Creates `path` and missing parents and makes it private. Refused are: a symbolic link as last
/// part, another owner than this process, and a parent that others could use to replace it (links
/// and directories of other users, writable by others and not sticky).
/// Errors: Refused, Storage (cannot be created).
[[nodiscard]] Status prepare_directory(const std::string& path, const DirectoryAccess& access = {});

/// Longest path of a unix socket (unix(7): 108 bytes with the NUL).
constexpr std::size_t max_socket_path = 107;

/// Errors: Usage, naming how many bytes are too many and the option that helps.
[[nodiscard]] Status check_socket_path(const std::string& path);

} // namespace ctys::setup
