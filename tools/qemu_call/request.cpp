#include "tools/qemu_call/request.h"

#include "mesh/core/text.h"
#include "mesh/qemu/console_mode.h"
#include "mesh/qemu/image_path.h"
#include "mesh/qemu/old_options.h"
#include "mesh/qemu/option_text.h"
#include "mesh/qemu/vde.h"

#include <algorithm>
#include <map>

namespace ctys::call {

namespace {

bool is_nographic(std::string_view word) {
    return word == "-nographic" || word == "--nographic";
}

class RequestReader {
public:
    RequestReader(const std::string& vm_directory,
                  const ModeOptions& modes,
                  std::string user,
                  qemu::QemuVersion version)
        : vm_directory_(vm_directory), modes_(modes), user_(std::move(user)) {
        media_.folder = vm_directory;
        out_.folder = vm_directory;
        out_.plan.version = version;
    }

    Request read(std::span<const std::string> assignments) {
        for (const auto& assignment : assignments) {
            const auto equals = assignment.find('=');
            if (equals == std::string::npos) {
                problem("", fmt::format("not KEY=VALUE: {}", printable(assignment)));
                continue;
            }
            take(assignment.substr(0, equals), assignment.substr(equals + 1));
        }
        finish();
        return std::move(out_);
    }

private:
    using Rule = void (RequestReader::*)(const std::string&, const std::string&);

    void problem(std::string key, std::string text, ErrorCode code = ErrorCode::Failed) {
        out_.problems.push_back({std::move(key), std::move(text), code});
    }

    void take(const std::string& key, const std::string& value) {
        static const std::map<std::string_view, Rule> rules{
            {"ACCELERATOR", &RequestReader::accelerator},
            {"ACCELFALLBACK", &RequestReader::accelerator_fallback},
            {"APPEND", &RequestReader::append},
            {"ARCH", &RequestReader::arch},
            {"ARGSADD", &RequestReader::option_words},
            {"BOOTIMAGE", &RequestReader::boot_image},
            {"CONSOLE", &RequestReader::console},
            {"CPU", &RequestReader::cpu},
            {"GUESTAGENT", &RequestReader::guest_agent},
            {"HDB", &RequestReader::further_disk},
            {"HDC", &RequestReader::further_disk},
            {"HDD", &RequestReader::further_disk},
            {"HDDBOOTIMAGE", &RequestReader::boot_image},
            {"IMAGEFORMAT", &RequestReader::image_format},
            {"IMAGEINTERFACE", &RequestReader::image_interface},
            {"INITRDIMAGE", &RequestReader::initrd},
            {"KBD_LAYOUT", &RequestReader::keyboard},
            {"KERNELIMAGE", &RequestReader::kernel},
            {"LABEL", &RequestReader::label},
            {"MAC0", &RequestReader::mac},
            {"MACHINE", &RequestReader::machine},
            {"MEMSIZE", &RequestReader::memory},
            {"NETWORK", &RequestReader::network},
            {"NIC", &RequestReader::nic},
            {"QEMUMGMT", &RequestReader::switch_management},
            {"QEMUSOCK", &RequestReader::switch_data},
            {"READONLY", &RequestReader::read_only},
            {"SMP", &RequestReader::smp},
            {"SNAPSHOT", &RequestReader::snapshot},
            {"STARTERCALL", &RequestReader::binary},
            {"TIMEOPT", &RequestReader::option_words},
            {"UUID", &RequestReader::uuid},
            {"VDE_DEQ", &RequestReader::vde_wrapper},
            {"VGADRIVER", &RequestReader::option_words},
            {"VNCACCESSDISPLAY", &RequestReader::vnc_display},
        };
        const auto media = qemu::media_variables();
        if (std::find(media.begin(), media.end(), key) != media.end()) {
            if (!value.empty()) media_.values.insert_or_assign(key, value);
            return;
        }
        const auto rule = rules.find(key);
        if (rule == rules.end()) return problem(printable(key, 64), "is not a key of this program");
        if (!value.empty()) (this->*rule->second)(key, value);
    }

    [[nodiscard]] std::string in_directory(const std::string& path) const {
        return qemu::absolute_path(vm_directory_, path);
    }

    void label(const std::string& key, const std::string& value) {
        if (!is_label(value)) problem(key, fmt::format("\"{}\" is not a label", printable(value)));
        out_.plan.label = value;
    }
    void uuid(const std::string& key, const std::string& value) {
        const auto parsed = Uuid::parse(value);
        if (!parsed) return problem(key, fmt::format("\"{}\" is not a UUID", printable(value)));
        out_.plan.uuid = *parsed;
    }
    void mac(const std::string& key, const std::string& value) {
        const auto parsed = qemu::parse_mac(value);
        if (!parsed) {
            return problem(key, fmt::format("\"{}\" is not a MAC address", printable(value)));
        }
        out_.plan.mac0 = *parsed;
    }
    void memory(const std::string& key, const std::string& value) {
        const auto bytes = qemu::parse_size(value, qemu::mebibyte);
        if (!bytes || *bytes < qemu::mebibyte) {
            return problem(key, fmt::format("\"{}\" is not a size in MB", printable(value)));
        }
        out_.plan.memory_mb = *bytes / qemu::mebibyte;
    }
    void smp(const std::string& key, const std::string& value) {
        const auto count = qemu::parse_number(value);
        if (!count || *count < 1 || *count > 1024) {
            return problem(key, fmt::format("\"{}\" is not 1 to 1024 CPUs", printable(value)));
        }
        out_.plan.vcpus = static_cast<std::uint32_t>(*count);
    }
    void arch(const std::string&, const std::string& value) {
        const auto lower = to_lower(value);
        out_.plan.arch = lower == "amd64"                     ? "x86_64"
                         : lower == "i586" || lower == "i686" ? "i386"
                                                              : lower;
    }
    void accelerator(const std::string& key, const std::string& value) {
        const auto lower = to_lower(value);
        out_.kvm = lower == "kvm" ? KvmWish::Kvm : KvmWish::Emulation;
        if (lower == "kqemu") return problem(key, "KQEMU does not exist any more; use KVM or QEMU");
        if (lower != "kvm" && lower != "qemu" && lower != "tcg") {
            problem(key, fmt::format("\"{}\" is not KVM or QEMU", printable(value)));
        }
    }
    void network(const std::string& key, const std::string& value) {
        network_ = to_lower(value);
        if (network_ == "user" || network_ == "vde" || network_ == "none") return;
        problem(key, fmt::format("\"{}\" is not user, vde or none", printable(value)));
    }
    void switch_data(const std::string& key, const std::string& value) {
        if (auto fine = qemu::check_vde_data(value); !fine) problem(key, fine.error().message);
        switch_ = value;
    }
    void switch_management(const std::string& key, const std::string& value) {
        if (auto fine = qemu::check_vde_management(value); !fine)
            problem(key, fine.error().message);
        out_.vde_management = value;
    }
    void vde_wrapper(const std::string&, const std::string&) { has_vde_wrapper_ = true; }
    // A configuration of the original knows no other network than VDE and does not name it.
    void choose_network() {
        auto& plan = out_.plan;
        if (network_.empty() && (has_vde_wrapper_ || !switch_.empty())) network_ = "vde";
        plan.user_network = network_ == "user";
        if (network_ != "vde") return out_.vde_management.clear();
        out_.own_switch = switch_.empty();
        plan.vde_switch = out_.own_switch ? qemu::default_vde_paths(user_).data : switch_;
        if (plan.mac0.empty()) {
            out_.notes.emplace_back("MAC0 is empty: the card has QEMU's own address, as that of "
                                    "every other VM without one on this switch");
        }
    }
    void console(const std::string& key, const std::string& value) {
        const auto mode = qemu::parse_console_mode(value);
        if (!mode) return problem(key, mode.error().message, mode.error().code);
        console_ = *mode;
    }
    void vnc_display(const std::string& key, const std::string& value) {
        out_.free_display = equals_ignoring_case(value, "free");
        if (out_.free_display) {
            vnc_display_ = 0; // until it is known which one is free
            return;
        }
        const auto display = qemu::parse_vnc_display(value);
        if (!display) return problem(key, display.error().message, display.error().code);
        vnc_display_ = *display;
    }
    void keyboard(const std::string&, const std::string& value) { out_.plan.keyboard = value; }
    bool flag(const std::string& key, const std::string& value) {
        const auto lower = to_lower(value);
        if (qemu::is_on(lower) || lower == "1") return true;
        if (lower != "no" && lower != "off" && lower != "false" && lower != "n" && lower != "0") {
            problem(key, fmt::format("\"{}\" is not yes or no", printable(value)));
        }
        return false;
    }
    void accelerator_fallback(const std::string& key, const std::string& value) {
        out_.kvm_or_nothing = !flag(key, value);
    }
    void snapshot(const std::string& key, const std::string& value) {
        out_.plan.snapshot = flag(key, value);
    }
    void read_only(const std::string& key, const std::string& value) {
        out_.plan.read_only = flag(key, value);
    }
    void guest_agent(const std::string& key, const std::string& value) {
        out_.plan.guest_agent = flag(key, value);
    }
    void option_words(const std::string& key, const std::string& value) {
        auto words = split_words(value);
        if (!words) return problem(key, words.error().message);
        option_words_[key] = std::move(*words);
    }
    // Together: -redir may stand in another variable than the network it belongs to.
    void translate_option_words() {
        std::vector<std::string> words;
        for (const auto* key : {"VGADRIVER", "TIMEOPT", "ARGSADD"}) {
            const auto& more = option_words_[key];
            words.insert(words.end(), more.begin(), more.end());
        }
        const auto own = out_.plan.user_network ? qemu::OwnNetwork::User : qemu::OwnNetwork::None;
        auto translated = qemu::translate_old_options(words, own, out_.plan.version);
        if (!translated) return problem("", translated.error().message);
        out_.plan.network_options = std::move(translated->user_properties);
        out_.plan.extra = std::move(translated->words);
        out_.notes.insert(
            out_.notes.end(), translated->warnings.begin(), translated->warnings.end());
    }
    void boot_image(const std::string&, const std::string& value) { boot_ = in_directory(value); }
    // Of the original: data, without a format of its own.
    void further_disk(const std::string& key, const std::string& value) {
        auto file = in_directory(value);
        std::string format = file.ends_with(".qcow2") ? "qcow2" : "raw";
        const auto index = static_cast<std::uint32_t>(key.back() - 'A'); // HDB is 1
        out_.further.push_back(
            {key, {.file = std::move(file), .format = std::move(format), .index = index}});
    }
    void image_format(const std::string&, const std::string& value) { format_ = value; }
    void image_interface(const std::string&, const std::string& value) {
        interface_ = to_lower(value);
    }
    // QEMU would list what it has and end with 0.
    bool is_question(const std::string& key, const std::string& value) {
        const auto lower = to_lower(value);
        if (lower != "help" && lower != "?") return false;
        problem(key, fmt::format("\"{}\" asks QEMU for its list, and starts nothing", value));
        return true;
    }
    void nic(const std::string& key, const std::string& value) {
        if (is_question(key, value)) return;
        const auto lower = to_lower(value);
        out_.plan.nic_model = lower == "virtio" ? "virtio-net-pci" : lower;
    }
    void cpu(const std::string& key, const std::string& value) {
        if (!is_question(key, value)) out_.plan.cpu = value;
    }
    void machine(const std::string& key, const std::string& value) {
        if (!is_question(key, value)) out_.plan.machine = value;
    }
    void append(const std::string&, const std::string& value) { out_.plan.append = value; }
    void binary(const std::string&, const std::string& value) { out_.plan.binary = value; }
    void kernel(const std::string&, const std::string& value) {
        out_.plan.kernel = in_directory(value);
    }
    void initrd(const std::string&, const std::string& value) {
        out_.plan.initrd = in_directory(value);
    }

    void finish() {
        auto& plan = out_.plan;
        if (plan.label.empty()) problem("LABEL", "is missing");
        if (plan.binary.empty()) plan.binary = "qemu-system-" + plan.arch;
        if (plan.cpu.empty() && plan.arch == "x86_64") plan.cpu = "qemu64";
        if (plan.cpu.empty() && plan.arch == "i386") plan.cpu = "qemu32";
        if (!boot_.empty())
            plan.boot = qemu::Disk{.file = boot_, .format = format_, .interface = interface_};
        out_.configured = plan.boot;
        if (auto fits = qemu::check_guest_agent(plan); !fits)
            problem("GUESTAGENT", fits.error().message);
        choose_network();         // old options may be of the network
        translate_option_words(); // a network among them is one to boot from
        auto decided = decide_modes(plan, modes_, media_);
        if (!decided) return problem("", decided.error().message, decided.error().code);
        note_conflicts(*decided);
        out_.force = modes_.force;
        out_.storage_only = modes_.init_only;
        if (modes_.console) console("--console", *modes_.console);
        if (modes_.vnc_display) vnc_display("--vncaccessdisplay", *modes_.vnc_display);
        const auto& words = decided->plan.extra;
        out_.nographic = !modes_.console && std::any_of(words.begin(), words.end(), is_nographic);
        if (out_.nographic) console_ = qemu::ConsoleMode::Attached;
        out_.attached = console_ == qemu::ConsoleMode::Attached;
        out_.plan = qemu::show_screen(std::move(decided->plan), console_, vnc_display_);
        out_.free_display = out_.free_display && out_.plan.vnc;
        out_.files = std::move(decided->files);
        out_.target = std::move(decided->target);
        // Nothing but the source is there while a guest is installed.
        if (out_.target || out_.storage_only) out_.further.clear();
        if (!out_.target && !plan.boot && plan.kernel.empty() && plan.boot_order.empty()) {
            problem("HDDBOOTIMAGE", "is missing, and there is no KERNELIMAGE either");
        }
    }

    void note_conflicts(const qemu::BootDecision& decided) {
        if (decided.plan.kernel.empty() && !out_.plan.kernel.empty() && !modes_.init_only) {
            out_.notes.emplace_back(
                "KERNELIMAGE is not booted, a mode is asked for; --kernelmode= boots it");
        }
        const auto places = [](const std::string& word) {
            return word.find("bootindex=") != std::string::npos;
        };
        const auto& extra = decided.plan.extra;
        if (!decided.plan.boot_order.empty() && std::any_of(extra.begin(), extra.end(), places)) {
            out_.notes.emplace_back("bootindex= in VGADRIVER, TIMEOPT or ARGSADD goes before the "
                                    "mode that is asked for");
        }
        if (modes_.force && !(decided.target && decided.target->stage == qemu::Stage::Init))
            out_.notes.emplace_back("--force does nothing without the stage INIT");
    }

    std::string vm_directory_;
    const ModeOptions& modes_;
    qemu::MediaVariables media_;
    std::string user_;
    std::string boot_;
    std::string network_;
    std::string switch_; // QEMUSOCK
    bool has_vde_wrapper_ = false;
    std::string format_ = "raw";
    std::string interface_;
    qemu::ConsoleMode console_ = qemu::ConsoleMode::Text;
    std::optional<std::uint32_t> vnc_display_;
    std::map<std::string, std::vector<std::string>, std::less<>> option_words_;
    Request out_;
};

} // namespace

Request read_request(std::span<const std::string> assignments,
                     const std::string& vm_directory,
                     const ModeOptions& modes,
                     const std::string& user,
                     qemu::QemuVersion version) {
    return RequestReader{vm_directory, modes, user, version}.read(assignments);
}

Result<std::vector<std::string>> split_words(std::string_view text) {
    std::vector<std::string> words;
    bool in_word = false;
    char quote = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool blank = c == ' ' || c == '\t' || c == '\n';
        if (quote == 0 && blank) {
            in_word = false;
            continue;
        }
        if (!in_word) words.emplace_back();
        in_word = true;
        if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '\'' || c == '"')) {
            quote = c;
        } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
            words.back() += text[++i];
        } else {
            words.back() += c;
        }
    }
    if (quote != 0) return fail(ErrorCode::Usage, fmt::format("a quote {} is not closed", quote));
    return words;
}

} // namespace ctys::call
