#pragma once

#include "mesh/core/vm.h"
#include "mesh/loop/unique_fd.h"
#include "mesh/qemu/assemble.h"
#include "mesh/qemu/exit_cause.h"
#include "mesh/qemu/instance_file.h"

#include <optional>
#include <string>
#include <vector>

namespace ctys::agent {

/// The private folders of our instances: `<runtime>/i/<action>`, one per start, owned by the user
/// of the VM. They survive the agent: what is in them is how a later life finds its VMs again. The
/// user may write there, so it is evidence about that user's VM and nothing else; what the agent
/// itself keeps of the instance lies beside it, `<runtime>/i/<action>.record`.
class InstanceDirs {
public:
    /// `base` is `<runtime>/i`; it is created. Errors: Storage.
    [[nodiscard]] static Result<InstanceDirs> open(const std::string& runtime);

    [[nodiscard]] std::string path_of(ActionId action) const;
    /// True for a folder of this agent.
    [[nodiscard]] bool contains(std::string_view directory) const;
    /// Makes the folder for a start: 0700, of this user. Returns its wrapper.log, open for
    /// writing. Errors: Storage.
    [[nodiscard]] Result<loop::UniqueFd> make(ActionId action, uid_t uid, gid_t gid) const;
    /// Whose the folder is; nothing if there is no such folder.
    [[nodiscard]] static std::optional<uid_t> owner_of(const std::string& directory);
    void remove(const std::string& directory) const;
    [[nodiscard]] std::vector<std::string> list() const;

    /// Written by the shim once QEMU has been started. Errors: NotFound, Malformed.
    [[nodiscard]] static Result<qemu::InstanceFacts> read_facts(const std::string& directory);
    [[nodiscard]] static std::optional<qemu::ExitFile> read_exit(const std::string& directory);
    /// Shim status, trace and stderr, as far as they are there.
    static void add_evidence(const std::string& directory, qemu::ExitFacts& facts);
    /// Last lines of QEMU's and the wrapper's output, for people.
    [[nodiscard]] static std::string last_words(const std::string& directory);

    [[nodiscard]] static Status keep(const std::string& directory, const InstanceRecord& record);
    /// Believed only if root, this account or `also` wrote it.
    [[nodiscard]] static std::optional<InstanceRecord> kept(const std::string& directory,
                                                            uid_t also = 0);

private:
    explicit InstanceDirs(std::string base) : base_(std::move(base)) {}
    std::string base_;
};

} // namespace ctys::agent
