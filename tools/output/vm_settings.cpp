#include "tools/output/vm_settings.h"

#include "mesh/core/text.h"
#include "mesh/qemu/assemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace ctys::tools {

namespace {

// Bash may compute what the scan, which runs nothing, does not see.
constexpr std::string_view by_default = "default, unless bash computes it";
constexpr std::string_view from_process = "command line";

const Setting* find(const VmDetail& detail, std::initializer_list<std::string_view> keys) {
    const auto& all = detail.vm.settings;
    for (const auto key : keys) {
        const auto found = std::find_if(all.begin(), all.end(), [&](const Setting& setting) {
            return setting.key == key && !trim(setting.value).empty();
        });
        if (found != all.end()) return &*found;
    }
    return nullptr;
}

const InstanceRecord* live_instance(const VmDetail& detail) {
    const auto found = std::find_if(detail.instances.begin(),
                                    detail.instances.end(),
                                    [](const auto& one) { return is_live(one.state); });
    return found == detail.instances.end() ? nullptr : &*found;
}

class Lines {
public:
    explicit Lines(const VmDetail& detail)
        : detail_(detail), process_(live_instance(detail)), configured_(!detail.paths.empty()) {}

    std::vector<SettingLine> all() {
        number("memory",
               {"MEMSIZE", "VRAM"},
               detail_.vm.memory_mb,
               process_ == nullptr ? 0 : process_->memory_mb,
               qemu::VmPlan{}.memory_mb,
               " MB");
        number("cpus",
               {"SMP", "VCPU"},
               detail_.vm.vcpus,
               process_ == nullptr ? 0 : process_->vcpus,
               qemu::VmPlan{}.vcpus,
               "");
        arch();
        accelerator();
        display();
        addresses();
        return std::move(out_);
    }

private:
    void add(std::string_view name, std::string value, std::string_view origin) {
        out_.push_back({std::string{name}, std::move(value), std::string{origin}});
    }

    void number(std::string_view name,
                std::initializer_list<std::string_view> keys,
                std::uint64_t configured,
                std::uint64_t running,
                std::uint64_t fallback,
                std::string_view unit) {
        const auto text = [&](std::uint64_t value) { return fmt::format("{}{}", value, unit); };
        if (const auto* given = find(detail_, keys); given != nullptr && configured != 0)
            return add(name, text(configured), place_text(*given));
        if (running != 0) return add(name, text(running), from_process);
        if (configured_) add(name, text(fallback), by_default);
    }

    void arch() {
        if (const auto* given = find(detail_, {"ARCH"}))
            return add("arch", detail_.vm.arch, place_text(*given));
        if (process_ != nullptr && !process_->arch.empty())
            return add("arch", process_->arch, from_process);
        if (configured_) add("arch", qemu::VmPlan{}.arch, by_default);
    }

    void accelerator() {
        const auto* given = find(detail_, {"ACCELERATOR"});
        const auto asked = to_lower(given == nullptr ? to_string(qemu::VmPlan{}.accelerator)
                                                     : std::string_view{given->value});
        const auto in_use =
            process_ == nullptr || process_->accelerator.empty() || process_->accelerator == asked
                ? std::string{}
                : fmt::format(" ({} in use)", process_->accelerator);
        if (given != nullptr) return add("accelerator", asked + in_use, place_text(*given));
        if (configured_) return add("accelerator", asked + in_use, by_default);
        if (process_ != nullptr && !process_->accelerator.empty())
            add("accelerator", process_->accelerator, from_process);
    }

    void display() {
        if (process_ != nullptr && !process_->display.empty()) {
            const auto port =
                process_->cport != 0 ? fmt::format(" (port {})", process_->cport) : std::string{};
            return add("display", fmt::format("vnc {}{}", process_->display, port), from_process);
        }
        // A start of this version makes none, whatever a configuration of the original names.
        if (configured_) add("display", "none", "ctys starts without one; see: ctys console");
    }

    void addresses() {
        for (const auto& mac : detail_.vm.macs) {
            const auto& all = detail_.vm.settings;
            const auto given = std::find_if(all.begin(), all.end(), [&](const Setting& setting) {
                return setting.key.starts_with("MAC") && equals_ignoring_case(setting.value, mac);
            });
            add("mac", mac, given == all.end() ? from_process : place_text(*given));
        }
    }

    const VmDetail& detail_;
    const InstanceRecord* process_;
    bool configured_;
    std::vector<SettingLine> out_;
};

// What the original and this version name images by.
constexpr auto image_keys = std::to_array<std::string_view>({"HDDBOOTIMAGE",
                                                             "BOOTIMAGE",
                                                             "HDA",
                                                             "HDB",
                                                             "HDC",
                                                             "HDD",
                                                             "CDROM",
                                                             "INSTSRCCDROM",
                                                             "FDDIMAGE",
                                                             "FDA",
                                                             "FDB",
                                                             "KERNELIMAGE",
                                                             "INITRDIMAGE"});

bool is_on(const VmDetail& detail, std::string_view key) {
    const auto* given = find(detail, {key});
    if (given == nullptr) return false;
    const auto lower = to_lower(given->value);
    return lower == "on" || lower == "yes" || lower == "true" || lower == "1";
}

std::string disk_note(const VmDetail& detail, const Setting& image) {
    std::vector<std::string> parts;
    if (image.key == "HDDBOOTIMAGE" || image.key == "BOOTIMAGE") {
        const auto* format = find(detail, {"IMAGEFORMAT"});
        parts.push_back(format == nullptr ? qemu::Disk{}.format : format->value);
        if (is_on(detail, "SNAPSHOT")) parts.emplace_back("snapshot: writes are thrown away");
        if (is_on(detail, "READONLY")) parts.emplace_back("read-only");
    }
    parts.push_back(place_text(image));
    return fmt::format("{}", fmt::join(parts, ", "));
}

} // namespace

std::vector<SettingLine> setting_lines(const VmDetail& detail) {
    return Lines{detail}.all();
}

std::vector<DiskLine> disk_lines(const VmDetail& detail) {
    std::vector<DiskLine> out;
    for (const auto key : image_keys) {
        if (const auto* image = find(detail, {key}))
            out.push_back({std::string{key}, image->value, disk_note(detail, *image)});
    }
    const auto* process = live_instance(detail);
    if (out.empty() && process != nullptr && !process->image.empty())
        out.push_back({"image", process->image, std::string{from_process}});
    return out;
}

} // namespace ctys::tools
