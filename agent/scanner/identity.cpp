#include "agent/scanner/identity.h"

#include "agent/scanner/naming.h"

#include <fmt/format.h>

namespace ctys::agent {

VmId derive_vm_id(const StorageIdentity& storage, std::string_view config, const WorkerId& worker) {
    // A NUL cannot be part of a path, so that no two places make one name.
    const auto name = storage.pool.is_none()
                          ? fmt::format("vm-on-worker{0}{1}{0}{2}", '\0', worker, config)
                          : fmt::format("vm-in-pool{0}{1}{0}{2}{0}{3}",
                                        '\0',
                                        storage.pool,
                                        storage.below,
                                        name_of(config));
    return {Uuid::from_name(ctys_namespace(), name)};
}

VmIdentity identify_vm(const VmId& configured,
                       const StorageIdentity& storage,
                       std::string_view config,
                       const WorkerId& worker) {
    if (configured.uuid.identifies()) return {configured, false};
    return {derive_vm_id(storage, config, worker), true};
}

} // namespace ctys::agent
