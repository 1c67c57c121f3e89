#pragma once

#include "tests/support/simulation/machine.h"

#include <memory>
#include <vector>

namespace ctys::sim {

/// All machines and storages of a simulated site, and what their guests are like.
class Estate {
public:
    explicit Estate(Ground& ground) : ground_(ground) {}

    Machine& add_machine(Witness& witness, const std::string& name);
    Storage& add_storage(const std::string& name, PoolId marker);
    [[nodiscard]] Machine* find_machine(const std::string& name);
    [[nodiscard]] Storage* find_storage(const std::string& name);
    [[nodiscard]] const std::map<std::string, std::unique_ptr<Machine>>& machines() const {
        return machines_;
    }
    [[nodiscard]] const std::map<std::string, std::unique_ptr<Storage>>& storages() const {
        return storages_;
    }

    /// The directory a configuration lies in, as seen through these mounts.
    [[nodiscard]] const Directory* directory_of(const std::vector<Mount>& mounts,
                                                const std::string& config) const;
    /// Fills in where the process has its images; false when there is no such configuration.
    [[nodiscard]] bool
    locate(const std::vector<Mount>& mounts, const std::string& config, Process& process) const;
    /// Another QEMU holds its image's lock, on any machine.
    [[nodiscard]] bool is_locked(const Process& process) const;
    [[nodiscard]] Guest guest_of(const std::string& label) const;
    void set_guest(const std::string& label, Guest guest) { guests_[label] = guest; }
    /// Newest live process of a label, on one machine or anywhere.
    [[nodiscard]] std::pair<Machine*, ProcessRef> find_process(const std::string& label,
                                                               const std::string& machine = {});

    bool slow_wrappers = false; ///< now and then one takes longer than a start may

private:
    Ground& ground_;
    std::map<std::string, std::unique_ptr<Machine>> machines_;
    std::map<std::string, std::unique_ptr<Storage>> storages_;
    std::map<std::string, Guest> guests_;
};

} // namespace ctys::sim
