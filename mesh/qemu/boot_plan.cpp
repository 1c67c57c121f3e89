#include "mesh/qemu/boot_plan.h"

#include "mesh/core/text.h"
#include "mesh/qemu/image_path.h"
#include "mesh/qemu/option_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace ctys::qemu {

namespace {

using Names = std::vector<std::string_view>;

constexpr std::uint64_t floppy_bytes = 1440 * 1024;
constexpr std::uint64_t default_image_bytes = std::uint64_t{8} * 1024 * mebibyte;
constexpr std::string_view size_variable = "HDDBOOTIMAGE_INST_SIZE";

constexpr auto all_variables = std::to_array<std::string_view>({"DEFAULTBOOTMODE",
                                                                "DEFAULTINSTMODE",
                                                                "DEFAULTINSTSOURCE",
                                                                "DEFAULTINSTTARGET",
                                                                "FDA",
                                                                "FDB",
                                                                "FDDIMAGE",
                                                                size_variable,
                                                                "INSTCDROM",
                                                                "INSTSRC",
                                                                "INSTSRCCDROM",
                                                                "INSTSRCDVD",
                                                                "INSTSRCFDD",
                                                                "INSTSRCHDD",
                                                                "INSTSRCUSB",
                                                                "INSTTARGET"});

// A medium with the name of who asks for it.
struct Named {
    std::string key;
    std::string path;
};

bool is_disk(Medium medium) {
    return medium == Medium::Hdd || medium == Medium::Vhdd || medium == Medium::Usb;
}

std::string sentence_of(const Names& names) {
    std::string out;
    for (const auto name : names) {
        out += fmt::format("{}{}=", out.empty() ? "" : ", ", name);
    }
    return out;
}

Names boot_names(Medium medium) {
    switch (medium) {
    case Medium::Cd:
        return {"INSTSRCCDROM", "INSTCDROM", "INSTSRCDVD"};
    case Medium::Dvd:
        return {"INSTSRCDVD", "INSTSRCCDROM", "INSTCDROM"};
    case Medium::Install:
        return {"INSTSRCCDROM", "INSTCDROM", "INSTSRCDVD", "DEFAULTINSTSOURCE", "INSTSRC"};
    case Medium::Fdd:
        return {"FDDIMAGE", "FDA", "INSTSRCFDD"};
    case Medium::Hdd:
    case Medium::Vhdd:
    case Medium::Usb:
    case Medium::Pxe:
        return {};
    }
    return {};
}

Names source_names(Medium medium) {
    switch (medium) {
    case Medium::Fdd:
        return {"INSTSRCFDD", "FDDIMAGE", "FDA"};
    case Medium::Hdd:
    case Medium::Vhdd:
        return {"INSTSRCHDD"};
    case Medium::Usb:
        return {"INSTSRCUSB"};
    case Medium::Cd:
    case Medium::Dvd:
    case Medium::Install:
    case Medium::Pxe:
        return boot_names(medium);
    }
    return {};
}

bool names_a_network_card(std::string_view option, std::string_view argument) {
    if (option == "-net") return find(parse_properties(argument, "type"), "type") == "nic";
    if (option == "-nic") return argument != "none" && argument != "type=none";
    return option == "-device" && !find(parse_argument(argument, "driver"), "netdev").empty();
}

// One of the words is a card that a firmware can boot from.
bool brings_card(const std::vector<std::string>& words) {
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i + 1].empty()) continue;
        const std::string_view option = words[i];
        const auto name = option.starts_with("--") ? option.substr(1) : option;
        if (names_a_network_card(name, words[i + 1])) return true;
    }
    return false;
}

// A guest reads whatever lies below the folder of a file that it boots by TFTP.
bool is_served(std::string_view folder, const std::string& by) {
    namespace fs = std::filesystem;
    const auto root = fs::path{by}.parent_path().lexically_normal();
    const auto way = fs::path{folder}.lexically_normal().lexically_relative(root);
    return root == "/" || (!way.empty() && *way.begin() != "..");
}

// Fills one decision; `option` is BOOTMODE or INSTMODE in its messages.
class Decider {
public:
    Decider(std::string_view option, VmPlan plan, const MediaVariables& variables)
        : option_(option), configured_(plan.boot), variables_(variables) {
        if (configured_) configured_->file = absolute(configured_->file);
        out_.plan = std::move(plan);
    }

    Status boot(const BootMode& mode) {
        return is_disk(mode.medium) ? boot_disk(mode) : boot_other(mode);
    }

    Status install(const InstallMode& mode) {
        if (out_.plan.snapshot || out_.plan.read_only) {
            return bad(fmt::format("{}=yes would throw away what is installed",
                                   out_.plan.snapshot ? "SNAPSHOT" : "READONLY"));
        }
        out_.plan.boot.reset();
        auto from = find_source(mode);
        if (!from) return tl::unexpected(from.error());
        if (!from->image && from->medium != Medium::Pxe)
            return nothing_named(from->medium, from->names);
        if (auto done = attach(from->medium, from->image, Use::Source); !done) return done;
        return add_target(mode, from->image);
    }

    Status storage(const InstallMode& mode) {
        // Nothing is installed yet: a source that is not named, or badly, is no matter of today.
        const auto from = find_source(mode);
        if (from && from->image) need(*from->image, false);
        return add_target(mode, from ? from->image : std::nullopt);
    }

    // Nothing is asked for: what the configuration says.
    Status keep() {
        if (const auto own = disk_of_configuration()) need(*own, is_written());
        return {};
    }

    BootDecision take() { return std::move(out_); }

private:
    enum class Use { Boot, Source };

    struct Source {
        Medium medium;
        std::optional<Named> image;
        Names names; ///< what would name one
    };

    [[nodiscard]] Result<Source> find_source(const InstallMode& mode) const {
        const auto usual = usual_source();
        if (!usual && !mode.source) return tl::unexpected(usual.error());
        const auto medium = mode.source ? *mode.source : *usual;
        const bool own_disk = mode.boot_image && is_disk(medium);
        const bool is_usual = usual && medium == *usual;
        auto names = own_disk ? Names{"HDDBOOTIMAGE"} : names_of_source(mode, medium, is_usual);
        auto image = named(mode.source_path);
        if (!image) image = own_disk ? disk_of_configuration() : first_of(names);
        return Source{medium, std::move(image), std::move(names)};
    }

    Status boot_disk(const BootMode& mode) {
        auto image = named(mode.path);
        if (!image) image = disk_of_configuration();
        if (!image) return nothing_named(mode.medium, {"HDDBOOTIMAGE"});
        out_.plan.boot = disk(image->path);
        out_.plan.boot_order = "c";
        need(*image, is_written());
        return {};
    }

    Status boot_other(const BootMode& mode) {
        const auto names = boot_names(mode.medium);
        auto image = named(mode.path);
        if (!image) image = first_of(names);
        if (!image && mode.medium != Medium::Pxe) return nothing_named(mode.medium, names);
        if (auto done = attach(mode.medium, image, Use::Boot); !done) return done;
        if (const auto second = first_of({"FDB"}); second && mode.medium == Medium::Fdd) {
            out_.plan.floppies.push_back({second->path});
            need(*second, is_written());
        }
        if (const auto own = disk_of_configuration()) need(*own, is_written());
        return {};
    }

    [[nodiscard]] tl::unexpected<Error> bad(std::string_view why) const {
        return fail(ErrorCode::Usage, fmt::format("{}: {}", option_, why));
    }

    [[nodiscard]] tl::unexpected<Error> nothing_named(Medium medium, const Names& names) const {
        return bad(fmt::format("no {0} is named; {1} of the configuration or {0}%<path> does",
                               to_string(medium),
                               sentence_of(names)));
    }

    [[nodiscard]] std::string absolute(const std::string& path) const {
        return absolute_path(variables_.folder, path);
    }

    [[nodiscard]] std::optional<Named> named(const std::string& path) const {
        if (path.empty()) return std::nullopt;
        return Named{std::string{option_}, absolute(path)};
    }

    [[nodiscard]] std::optional<Named> first_of(const Names& names) const {
        for (const auto name : names) {
            if (const auto path = value_of(name))
                return Named{std::string{name}, absolute(std::string{*path})};
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::string_view> value_of(std::string_view name) const {
        const auto found = variables_.values.find(name);
        if (found == variables_.values.end() || found->second.empty()) return std::nullopt;
        return found->second;
    }

    [[nodiscard]] std::optional<Named> disk_of_configuration() const {
        if (!configured_) return std::nullopt;
        return Named{"HDDBOOTIMAGE", configured_->file};
    }

    [[nodiscard]] Disk disk(const std::string& path) const {
        if (configured_ && configured_->file == path) return *configured_;
        return {.file = path, .format = format_by_name(path)};
    }

    [[nodiscard]] bool is_written() const { return !out_.plan.snapshot && !out_.plan.read_only; }

    void need(const Named& file, bool written) {
        out_.files.push_back({file.key, file.path, written});
    }

    // Puts the medium that is booted into its drive.
    Status attach(Medium medium, const std::optional<Named>& image, Use use) {
        auto& plan = out_.plan;
        const bool source = use == Use::Source;
        switch (medium) {
        case Medium::Cd:
        case Medium::Dvd:
        case Medium::Install:
            plan.cdrom = image->path;
            plan.boot_order = "d";
            need(*image, false);
            return {};
        case Medium::Fdd:
            if (!is_x86(plan.arch)) return not_here("FDD: there are floppy drives");
            plan.floppies = {Floppy{image->path, source}};
            plan.boot_order = "a";
            need(*image, !source && is_written());
            return {};
        case Medium::Hdd:
        case Medium::Vhdd:
        case Medium::Usb:
            plan.more_disks.push_back(disk(image->path));
            plan.more_disks.back().source = source;
            plan.boot_order = "c";
            need(*image, !source && is_written());
            return {};
        case Medium::Pxe:
            return attach_network(image);
        }
        return {};
    }

    Status attach_network(const std::optional<Named>& image) {
        auto& plan = out_.plan;
        if (!is_x86(plan.arch)) return not_here("PXE: firmware boots from a network");
        const bool has_card = !plan.vde_switch.empty() || brings_card(plan.extra);
        if (!plan.user_network && (image || !has_card)) {
            return bad(image ? "PXE%<path> is served by QEMU's own network only: NETWORK=user"
                             : "PXE needs a network: NETWORK=user or vde");
        }
        if (image && is_served(variables_.folder, image->path)) {
            return bad(fmt::format("TFTP would serve the VM's own folder with that of {}; the file "
                                   "needs a folder of its own",
                                   printable(image->path)));
        }
        plan.boot_order = "n";
        if (!image) return {};
        plan.tftp_boot_file = image->path;
        need(*image, false);
        return {};
    }

    [[nodiscard]] tl::unexpected<Error> not_here(std::string_view what) const {
        return bad(fmt::format("{} on x86 only, not on {}", what, printable(out_.plan.arch, 40)));
    }

    // DEFAULTINSTMODE, or CD.
    [[nodiscard]] Result<Medium> usual_source() const {
        const auto text = value_of("DEFAULTINSTMODE");
        if (!text) return Medium::Cd;
        const auto mode = parse_install_mode(*text);
        if (!mode) return wrap("DEFAULTINSTMODE", mode.error());
        if (*mode == InstallMode{.source = mode->source}) return mode->source.value_or(Medium::Cd);
        return fail(ErrorCode::Usage,
                    fmt::format("DEFAULTINSTMODE: \"{}\" has more parts than the source mode; "
                                "DEFAULTINSTSOURCE= and DEFAULTINSTTARGET= name the paths",
                                printable(*text, 80)));
    }

    // What names the source of an installation when its path is not given.
    static Names names_of_source(const InstallMode& mode, Medium medium, bool is_usual) {
        // A network is no file: what the configuration names is there for other media.
        if (medium == Medium::Pxe) return {};
        if (mode.boot_image) return boot_names(medium);
        auto names = source_names(medium);
        if (is_usual) {
            const Names any = {"DEFAULTINSTSOURCE", "INSTSRC"};
            // Without a mode it is the default that was asked for, else that mode's own variable.
            names.insert(mode.source ? names.end() : names.begin(), any.begin(), any.end());
        }
        return names;
    }

    Status add_target(const InstallMode& mode, const std::optional<Named>& from) {
        const auto medium = mode.target.value_or(Medium::Hdd);
        const bool floppy = medium == Medium::Fdd;
        const bool unnamed_stick = medium == Medium::Usb && mode.target_path.empty();
        const Names names =
            floppy ? Names{"FDDIMAGE", "FDA"} : Names{"DEFAULTINSTTARGET", "INSTTARGET"};
        auto to = named(mode.target_path);
        if (!to) to = first_of(names);
        if (!to && !floppy && !unnamed_stick) to = disk_of_configuration();
        if (!to) {
            return bad(
                fmt::format("no target {0} is named; {1} of the configuration or {0}%<path> does",
                            to_string(medium),
                            sentence_of(names)));
        }
        if (unnamed_stick && configured_ && configured_->file == to->path) {
            return bad(fmt::format("the target USB of {}= is the VM's own disk; USB%<path> names a "
                                   "stick",
                                   to->key));
        }
        if (from && from->path == to->path)
            return bad(fmt::format("{} is source and target in one", printable(to->path)));
        const auto storage = floppy ? Disk{.file = to->path} : disk(to->path);
        if (floppy && !is_x86(out_.plan.arch)) return not_here("FDD: there are floppy drives");
        if (floppy) out_.plan.floppies.push_back({to->path});
        if (!floppy) out_.plan.boot = storage;
        auto size = size_of_image(floppy);
        if (!size) return tl::unexpected(size.error());
        out_.target = {.key = to->key,
                       .file = to->path,
                       .format = storage.format,
                       .size = *size,
                       .size_given = !floppy && value_of(size_variable),
                       .stage = mode.stage,
                       .custom = mode.custom,
                       .device_only = unnamed_stick};
        return {};
    }

    [[nodiscard]] Result<std::uint64_t> size_of_image(bool floppy) const {
        if (floppy) return floppy_bytes;
        const auto text = value_of(size_variable);
        if (!text) return default_image_bytes;
        const auto bytes = parse_size(trim(*text), 1);
        if (!bytes || *bytes == 0) {
            return fail(ErrorCode::Usage,
                        fmt::format("{}: \"{}\" is not a size such as 8G",
                                    size_variable,
                                    printable(*text, 40)));
        }
        return *bytes;
    }

    std::string_view option_;
    std::optional<Disk> configured_;
    const MediaVariables& variables_;
    BootDecision out_;
};

} // namespace

std::span<const std::string_view> media_variables() {
    return all_variables;
}

Result<BootDecision>
decide_boot(VmPlan plan, const BootMode& mode, const MediaVariables& variables) {
    Decider decider{"BOOTMODE", std::move(plan), variables};
    if (auto done = decider.boot(mode); !done) return tl::unexpected(done.error());
    return decider.take();
}

Result<BootDecision>
decide_install(VmPlan plan, const InstallMode& mode, const MediaVariables& variables) {
    Decider decider{"INSTMODE", std::move(plan), variables};
    if (auto done = decider.install(mode); !done) return tl::unexpected(done.error());
    return decider.take();
}

Result<BootDecision>
decide_storage(VmPlan plan, const InstallMode& mode, const MediaVariables& variables) {
    Decider decider{"INSTMODE", std::move(plan), variables};
    if (auto done = decider.storage(mode); !done) return tl::unexpected(done.error());
    return decider.take();
}

Result<BootDecision> decide_default_boot(VmPlan plan, const MediaVariables& variables) {
    constexpr std::string_view name = "DEFAULTBOOTMODE";
    const auto found = variables.values.find(name);
    BootMode mode;
    if (found != variables.values.end() && !found->second.empty()) {
        auto given = parse_boot_mode(found->second);
        if (!given) return wrap(name, given.error());
        mode = std::move(*given);
    }
    Decider decider{name, std::move(plan), variables};
    const bool as_ever = is_disk(mode.medium) && mode.path.empty();
    if (auto done = as_ever ? decider.keep() : decider.boot(mode); !done)
        return tl::unexpected(done.error());
    return decider.take();
}

Result<VmPlan> decide_kernel(VmPlan plan, const KernelMode& mode, const MediaVariables& variables) {
    const auto& folder = variables.folder;
    if (!mode.kernel.empty()) plan.kernel = absolute_path(folder, mode.kernel);
    if (!mode.initrd.empty()) plan.initrd = absolute_path(folder, mode.initrd);
    if (!mode.append.empty()) plan.append = mode.append;
    if (!plan.kernel.empty()) return plan;
    return fail(ErrorCode::Usage,
                "KERNEL: no kernel is named; KERNELIMAGE= of the configuration or a path does");
}

Result<Preparation>
decide_preparation(const InstallTarget& target, const TargetFacts& facts, bool force) {
    const auto path = printable(target.file);
    const bool init = target.stage == Stage::Init;
    if (!facts.exists) {
        if (facts.device_folder || target.device_only)
            return fail(ErrorCode::NotFound, fmt::format("the target {} does not exist", path));
        if (init) return Preparation::Create;
        return fail(ErrorCode::NotFound,
                    fmt::format("the target {} does not exist; the stage INIT creates it", path));
    }
    if (target.device_only && !facts.device) {
        return fail(
            ErrorCode::Usage,
            fmt::format("the target {} is no block device, as a stick is; USB%{} of the call "
                        "takes it all the same",
                        path,
                        path));
    }
    if (facts.half_made) {
        if (init) return Preparation::Empty;
        return fail(
            ErrorCode::Conflict,
            fmt::format("the target {} is half made: its INIT was cut short, do it again", path));
    }
    if (!init) return Preparation::Nothing;
    if (!facts.device && facts.file_size == 0) return Preparation::Fill;
    if (facts.blank) return Preparation::Nothing;
    if (force) return Preparation::Empty;
    return fail(ErrorCode::Conflict,
                fmt::format("INIT would destroy what {} holds; --force does so, the stage none "
                            "keeps it",
                            path));
}

std::uint64_t
size_of_preparation(const InstallTarget& target, const TargetFacts& facts, Preparation what) {
    const bool keeps = what == Preparation::Empty && !target.size_given && facts.size > 0;
    return keeps ? facts.size : target.size;
}

} // namespace ctys::qemu
