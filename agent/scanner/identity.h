#pragma once

#include "mesh/core/vm.h"

#include <string_view>

namespace ctys::agent {

/// The identity of a VM whose configuration has no usable UUID (DESIGN 7): version 5 of where it
/// is kept. With a pool marker every worker derives the same; without one the name of the storage
/// says nothing to another worker, so the path counts on this worker only.
/// `config` is the absolute path of the configuration on this worker.
[[nodiscard]] VmId
derive_vm_id(const StorageIdentity& storage, std::string_view config, const WorkerId& worker);

/// The identity of a configuration: its UUID where that identifies, else the derived one.
struct VmIdentity {
    VmId id;
    bool derived = false;

    bool operator==(const VmIdentity&) const = default;
};
[[nodiscard]] VmIdentity identify_vm(const VmId& configured,
                                     const StorageIdentity& storage,
                                     std::string_view config,
                                     const WorkerId& worker);

} // namespace ctys::agent
