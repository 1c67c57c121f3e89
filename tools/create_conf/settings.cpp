#include "tools/create_conf/settings.h"

#include "mesh/core/assert.h"
#include "mesh/core/text.h"
#include "mesh/core/time.h"
#include "mesh/qemu/assemble.h"
#include "mesh/qemu/option_text.h"
#include "tools/create_conf/value.h"

#include <algorithm>

namespace ctys::conf {

namespace {

// A VM of which nobody says what address it has gets one of its own, below QEMU's prefix.
std::string mac_of(const Uuid& uuid) {
    const auto& bytes = uuid.bytes;
    return fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2]);
}

class Proposal {
public:
    explicit Proposal(const Sources& sources) : sources_(sources) {}

    Result<Value> of(const Variable& variable) const {
        auto value = raw(variable.name);
        if (!value) value = Value{.text = std::string{variable.built_in}};
        auto checked = checked_value(variable, value->text);
        if (!checked && value->origin == Origin::Dependent) {
            if (auto cause = cause_of_all(); !cause) return tl::unexpected(cause.error());
        }
        if (!checked) return named(checked.error(), *value);
        value->text = std::move(*checked);
        return *value;
    }

private:
    using Maybe = std::optional<Value>;

    static tl::unexpected<Error> named(Error error, const Value& value) {
        if (!value.place.empty()) error.message += fmt::format(" ({})", value.place);
        return tl::unexpected(std::move(error));
    }

    // What follows from a value that does not fit is not to blame.
    Status cause_of_all() const {
        for (const auto& [name, value] : sources_.given) {
            const auto* variable = find_variable(name);
            CTYS_ASSERT(variable != nullptr);
            if (auto checked = checked_value(*variable, value.text); !checked)
                return named(checked.error(), value);
        }
        return {};
    }

    Maybe raw(std::string_view name) const {
        if (const auto* value = stated(name)) return *value;
        if (auto found = of_distribution(name)) return found;
        if (auto found = of_site(name)) return found;
        if (auto found = of_host(name)) return found;
        return dependent(name);
    }

    // The value another variable has, or would have.
    std::string text(std::string_view name) const {
        const auto* variable = find_variable(name);
        CTYS_ASSERT(variable != nullptr);
        auto value = raw(variable->name);
        return value ? value->text : std::string{variable->built_in};
    }

    static const Value* in(const Values& values, std::string_view name) {
        const auto found = values.find(name);
        return found == values.end() ? nullptr : &found->second;
    }

    // What a person or a file says, not what is thought out here.
    const Value* stated(std::string_view name) const {
        if (const auto* value = in(sources_.given, name)) return value;
        if (name != "DIST") {
            const auto of = sources_.of_distribution.find(letters_of(text("DIST")));
            const auto* value =
                of == sources_.of_distribution.end() ? nullptr : in(of->second, name);
            if (value != nullptr) return value;
        }
        return in(sources_.defaults, name);
    }

    bool is_given(std::string_view name) const { return stated(name) != nullptr; }

    Maybe of_distribution(std::string_view name) const {
        if (name == "DIST" || name == "DISTREL") return std::nullopt;
        // A machine of another kind than the PC of the table keeps its own devices.
        const bool of_machine =
            name == "MACHINE" || name == "NIC" || name == "IMAGEINTERFACE" || name == "CPU";
        if (of_machine && !qemu::is_x86(board().arch)) return std::nullopt;
        for (const auto& [key, value] : recipe_of(text("DIST"), text("DISTREL")).defaults) {
            if (key != name) continue;
            return Value{std::string{value}, Origin::Distribution, std::string{text("DIST")}};
        }
        return std::nullopt;
    }

    Maybe of_site(std::string_view name) const {
        if (name != "MAC" && name != "IP") return std::nullopt;
        auto entry = text("LABEL").empty() ? std::nullopt : sources_.addresses.find(text("LABEL"));
        if (name == "IP" && (!entry || entry->ip.empty()) && is_given("MAC")) {
            const auto mac = qemu::parse_mac(text("MAC"));
            entry = mac ? sources_.addresses.find(*mac) : std::nullopt;
        }
        if (!entry) return std::nullopt;
        const auto& found = name == "MAC" ? entry->mac : entry->ip;
        if (found.empty()) return std::nullopt;
        return Value{found, Origin::Addresses, entry->source};
    }

    Maybe of_host(std::string_view name) const {
        const auto& host = sources_.host;
        const auto host_says = [](std::string text) {
            return Value{std::move(text), Origin::Host, {}};
        };
        if (name == "EDITOR") return host_says(host.user);
        if (name == "ARCH") return host_says(host.arch);
        if (name != "ACCELERATOR") return std::nullopt;
        const auto own = board_of(host.arch);
        const bool same = own && own->arch == board().arch;
        return host_says(host.kvm && same ? "KVM" : "QEMU");
    }

    Board board() const {
        auto found = board_of(text("ARCH"));
        if (!found) found = board_of(arch_of_starter(text_given("STARTERCALL")));
        return found.value_or(Board{.arch = "x86_64", .console = "ttyS0"});
    }

    std::string text_given(std::string_view name) const {
        const auto* value = stated(name);
        return value == nullptr ? std::string{} : value->text;
    }

    Maybe dependent(std::string_view name) const {
        const auto follows = [](std::string_view text) {
            return Value{std::string{text}, Origin::Dependent, {}};
        };
        if (name == "UUID") return Value{sources_.new_uuid.to_string(), Origin::Generated, {}};
        if (name == "MAC") return Value{mac_of(sources_.new_uuid), Origin::Generated, {}};
        if (name == "TCP") return follows(text("IP"));
        if (name == "STARTERCALL") return follows("qemu-system-" + std::string{board().arch});
        if (name == "CPU") return follows(board().cpu);
        if (name == "MACHINE") return follows(board().machine);
        if (name == "NIC") return follows(board().nic);
        if (name == "IMAGEINTERFACE") return follows(board().image_interface);
        if (name == "VGADRIVER") return follows(qemu::is_x86(board().arch) ? "-vga std" : "");
        if (auto image = of_image(name)) return image;
        if (auto kernel = of_kernel(name)) return kernel;
        if (name == "DEFAULTINSTSOURCE") return follows(install_source());
        if (name == "KICKSTART") return follows(answers_file());
        return std::nullopt;
    }

    Maybe of_image(std::string_view name) const {
        const auto follows = [](std::string text) {
            return Value{std::move(text), Origin::Dependent, {}};
        };
        if (name == "IMAGEFORMAT") {
            const auto& image = text_given("HDDBOOTIMAGE");
            const bool is_qcow2 = image.empty() ? sources_.has_qcow2 : image.ends_with(".qcow2");
            return follows(is_qcow2 ? "qcow2" : "raw");
        }
        if (name == "HDDBOOTIMAGE")
            return follows(equals_ignoring_case(text("IMAGEFORMAT"), "qcow2") ? "hda.qcow2"
                                                                              : "hda.img");
        if (name == "DEFAULTINSTTARGET" || name == "INSTSRCHDD")
            return follows(text("HDDBOOTIMAGE"));
        if (name != "HDDBOOTIMAGE_INST_SIZE") return std::nullopt;
        const bool blocks =
            is_given("HDDBOOTIMAGE_INST_BLOCKSIZE") || is_given("HDDBOOTIMAGE_INST_BLOCKCOUNT");
        if (!blocks) return Value{.text = "8G"};
        const auto size = qemu::parse_size(text("HDDBOOTIMAGE_INST_BLOCKSIZE"), qemu::mebibyte);
        const auto count = qemu::parse_number(text("HDDBOOTIMAGE_INST_BLOCKCOUNT"));
        // What is no number is told as the fault of its own variable.
        if (!size || !count || *count == 0 || *size > INT64_MAX / *count)
            return Value{.text = "8G"};
        return follows(fmt::format("{}M", *size * *count / qemu::mebibyte));
    }

    // A machine without firmware boots the kernel of its installer for ever (S-404, S-407).
    Maybe of_kernel(std::string_view name) const {
        const auto follows = [](std::string text) {
            return Value{std::move(text), Origin::Dependent, {}};
        };
        if (name != "KERNELIMAGE" && name != "INITRDIMAGE" && name != "APPEND") return std::nullopt;
        if (!board().boots_kernel || text("INST_KERNEL").empty()) return std::nullopt;
        if (name == "KERNELIMAGE") return follows(text("INST_KERNEL"));
        if (name == "INITRDIMAGE") return follows(text("INST_INITRD"));
        if (board().machine != "integratorcp") return std::nullopt;
        return follows(fmt::format("console={}", board().console));
    }

    std::string install_source() const {
        const auto mode = text("DEFAULTINSTMODE");
        if (equals_ignoring_case(mode, "DVD")) return text("INSTSRCDVD");
        if (equals_ignoring_case(mode, "FDD")) return text("INSTSRCFDD");
        if (equals_ignoring_case(mode, "USB")) return text("INSTSRCUSB");
        if (equals_ignoring_case(mode, "CD")) return text("INSTSRCCDROM");
        return {};
    }

    std::string answers_file() const {
        const auto label = text("LABEL");
        if (label.empty()) return {};
        switch (recipe_of(text("DIST"), text("DISTREL")).installer) {
        case Installer::None:
            return {};
        case Installer::Kickstart:
            return label + ".ks";
        case Installer::Preseed:
            return label + ".preseed";
        case Installer::Autoinstall:
            return label + ".user-data";
        }
        return {};
    }

    const Sources& sources_;
};

Status check_together(const Settings& settings) {
    const auto bad = [](std::string text) { return fail(ErrorCode::Usage, std::move(text)); };
    if (settings.text("LABEL").empty())
        return fail(ErrorCode::Usage, "LABEL: a VM needs a name", "ctys-createConfVM --label=NAME");
    const auto& arch = settings.text("ARCH");
    const auto& starter = settings.at("STARTERCALL");
    const bool starter_tells =
        starter.origin != Origin::Dependent && board_of(arch_of_starter(starter.text));
    if (!board_of(arch) && !starter_tells) {
        const auto near = near_arch(arch);
        return bad(fmt::format("ARCH: \"{}\" is no architecture that is known here{}",
                               printable(arch, 60),
                               near.empty() ? "; STARTERCALL=.../qemu-system-<arch> tells it"
                                            : fmt::format("; {}?", near)));
    }
    if (settings.is("DHCP", "n") &&
        (settings.text("IP").empty() || settings.text("NETMASK").empty()))
        return bad("DHCP: without it IP and NETMASK are needed");
    const auto& grace = settings.text("GRACE");
    if (!grace.empty() && !parse_duration(grace))
        return bad(
            fmt::format("GRACE: \"{}\" is not a time such as 120 or 2m", printable(grace, 60)));
    for (const auto word : split(settings.text("STARTAFTER"), ' ')) {
        if (!word.empty() && !is_label(word))
            return bad(fmt::format("STARTAFTER: \"{}\" is not a label; blanks stand between them",
                                   printable(word, 60)));
    }
    const auto answers = settings.text("KICKSTART");
    if (answers.find('/') != std::string::npos)
        return bad(
            fmt::format("KICKSTART: \"{}\" is made in the VM's directory; name it without one",
                        printable(answers, 60)));
    const auto& image = settings.text("HDDBOOTIMAGE");
    if (!image.starts_with('/') && image.find('/') != std::string::npos)
        return bad(fmt::format("HDDBOOTIMAGE: \"{}\" is neither a plain name nor an absolute path",
                               printable(image, 60)));
    return {};
}

} // namespace

const Value& Settings::at(std::string_view name) const {
    const auto found = values_.find(name);
    CTYS_ASSERT(found != values_.end());
    return found->second;
}

Board Settings::board() const {
    auto found = board_of(text("ARCH"));
    if (!found) found = board_of(arch_of_starter(text("STARTERCALL")));
    return found.value_or(Board{.arch = "x86_64", .console = "ttyS0"});
}

Recipe Settings::recipe() const {
    return recipe_of(text("DIST"), text("DISTREL"));
}

Result<Value> proposed(const Variable& variable, const Sources& sources) {
    return Proposal{sources}.of(variable);
}

Result<Settings> decide(const Sources& sources) {
    Values values;
    for (const auto& variable : variables()) {
        auto value = proposed(variable, sources);
        if (!value) return tl::unexpected(value.error());
        values.emplace(variable.name, std::move(*value));
    }
    Settings out{std::move(values)};
    if (auto fine = check_together(out); !fine) return tl::unexpected(fine.error());
    return out;
}

std::vector<std::string> doubts(const Settings& settings, const Sources& sources) {
    auto out = sources.addresses.contradictions(
        settings.text("LABEL"), settings.text("MAC"), settings.text("IP"));
    const auto& size = settings.at("HDDBOOTIMAGE_INST_SIZE");
    const auto& count = settings.at("HDDBOOTIMAGE_INST_BLOCKCOUNT");
    const auto block =
        qemu::parse_size(settings.text("HDDBOOTIMAGE_INST_BLOCKSIZE"), qemu::mebibyte).value_or(0);
    const auto blocks = qemu::parse_number(count.text).value_or(0) * block;
    const bool both = sources.given.contains("HDDBOOTIMAGE_INST_SIZE") &&
                      sources.given.contains("HDDBOOTIMAGE_INST_BLOCKCOUNT");
    if (both && blocks != image_bytes(settings)) {
        out.push_back(
            fmt::format("HDDBOOTIMAGE_INST_SIZE={} is used; {} blocks of {} are not the same",
                        size.text,
                        count.text,
                        settings.text("HDDBOOTIMAGE_INST_BLOCKSIZE")));
    }
    if (settings.is("ACCELERATOR", "KVM") && !sources.host.kvm)
        out.emplace_back(
            "ACCELERATOR=KVM: this machine has no usable /dev/kvm; where there is none, "
            "QEMU's own emulation takes its place");
    return out;
}

std::uint64_t image_bytes(const Settings& settings) {
    return qemu::parse_size(settings.text("HDDBOOTIMAGE_INST_SIZE"), qemu::mebibyte).value_or(0);
}

} // namespace ctys::conf
