#include "tools/create_conf/options.h"

#include "mesh/core/near_word.h"
#include "mesh/core/shell_quoted.h"
#include "mesh/core/text.h"

#include <CLI/CLI.hpp>

#include <array>

namespace ctys::conf {

namespace {

constexpr auto types = std::to_array<std::string_view>({"QEMU", "VMW", "VBOX", "XEN"});

constexpr std::string_view examples = R"(
Makes a VM: LABEL.ctys (its configuration), LABEL.sh (its wrapper), a disk image, and the answers of
an installer: kickstart for Red Hat kinds, preseed for Debian, autoinstall for Ubuntu. What was there
before stays, renamed and set to IGNORE. Values come, the strongest first, from the dialogue, from
this call, from environment variables, from defaults files, and from what DIST and DISTREL need;
addresses from macmap.fdb, ethers and hosts. --levo lists them all, with where each comes from.
Answers of the dialogue: y keeps a value, n asks for another one, C keeps all that follow.

Examples:
  ctys-createConfVM --label=tst253
      ask for everything, then show what it will be
  ACCELERATOR=KVM DIST=CentOS RELEASE=5.4 ctys-createConfVM --label=tst488 --auto-all
      ask for nothing
  IMAGEFORMAT=qcow2 DIST=debian DISTREL=12 INSTSRCCDROM=/iso/debian.iso \
      ctys-createConfVM --label=web --auto-all -C -D /srv/vms/web
      in a directory of its own; a VM on qcow2 can be suspended
  DIST=Ubuntu ctys-createConfVM --levo --label=web
      look at the values first
  ACCELERATOR=QEMU ctys-createConfVM --label=web --no-create-image --auto-all
      configure anew what has a disk already
  ctys-createConfVM --adopt /vmpool/tst324/tst324.ctys
      a new pair from an edited one of the ctys of 2010
  DIST=debian ctys-createConfVM --label=web --auto-all -C -D /srv/vms/web root@lab02
      on another machine, with the variables of this call
Then:
  sh web.sh --print --check
  sh web.sh --instmode)";

tl::unexpected<Error> unusable(ErrorCode code, std::string message, std::string try_next = {}) {
    return fail(code, std::move(message), std::move(try_next));
}

Status check_type(std::string_view type) {
    if (equals_ignoring_case(type, "QEMU") || equals_ignoring_case(type, "KVM")) return {};
    for (const auto known : types) {
        if (equals_ignoring_case(known, type))
            return unusable(ErrorCode::Unsupported,
                            fmt::format("-t {}: only VMs of QEMU and KVM are made here", known),
                            "ctys-createConfVM -t QEMU --label=NAME");
    }
    const auto near = near_word(type, types);
    return unusable(ErrorCode::Usage,
                    fmt::format("-t {}: no such type{}",
                                printable(type, 40),
                                near ? fmt::format("; {}?", *near) : ""));
}

} // namespace

Wishes Options::wishes() const {
    Wishes out;
    if (create_image) out.image = Wishes::Image::Anew;
    if (no_create_image || !adopt.empty()) out.image = Wishes::Image::Never;
    out.configuration = !no_configuration;
    out.answers = adopt.empty();
    return out;
}

void add_options(CLI::App& app, Options& options) {
    auto& o = options;
    app.add_option("-t", o.type, "Type of the VM: QEMU, which KVM is one of");
    app.add_option("--label", o.label, "Name of the VM, by convention the host name of its guest");
    app.add_option(
        "-D",
        o.directory,
        "Directory of the VM; else this one if it is empty or the VM's own, else ./LABEL");
    app.add_flag("-C", o.make_directory, "Make the directory of -D, its last part");
    app.add_flag("--auto",
                 o.auto_some,
                 "Ask only for what matters most: LABEL, MAC, IP, DIST, DISTREL, OS, OSREL");
    app.add_flag("--auto-all", o.auto_all, "Ask for nothing; LABEL must be given");
    app.add_flag(
        "--create-image", o.create_image, "Make a new disk image; one that is there steps aside");
    app.add_flag("--no-create-image", o.no_create_image, "Make no disk image");
    app.add_flag(
        "--no-create-conf-data", o.no_configuration, "Make no configuration, only the rest");
    app.add_flag("--no-write-conf-files", o.show_only, "Show the configuration and make nothing");
    app.add_flag("--save-para-kernel",
                 o.save_kernel,
                 "Copy INST_KERNEL and INST_INITRD beside the configuration");
    app.add_flag(
        "--no-save-para-kernel", o.no_save_kernel, "Leave them where they are (the default)");
    app.add_option(
        "--adopt", o.adopt, "Make a new pair from this configuration or wrapper of the original");
    app.add_flag("--list-environment-variable-options,--list-env-var-options,--levo",
                 o.list,
                 "List the variables, their values and where those come from (also -levo)");
    app.add_option("--defaults-file",
                   o.places.defaults_file,
                   "Defaults, instead of those of ~/.ctys/ctys-createConfVM.d");
    app.add_flag_callback(
        "--no-load-defaults-file",
        [&o] { o.places.load_defaults = false; },
        "Use no defaults file");
    const auto create_defaults = [&o](const std::vector<std::string>& words) {
        o.defaults_create = true;
        if (!words.empty() && words.front() != "{}") o.defaults_path = words.front();
    };
    app.add_option_function<std::vector<std::string>>(
           "--defaults-file-create",
           create_defaults,
           "Write the values to a defaults file and make nothing else")
        ->expected(0, 1);
    app.add_flag(
        "--defaults-file-create-with-force", o.defaults_force, "The same, over one that is there");
    app.add_option("--macmap",
                   o.places.macmap,
                   "Names, MAC and IP addresses, instead of ~/.ctys/db/default/macmap.fdb");
    app.add_option("--ethers", o.places.ethers, "MAC addresses and names, as ethers(5)");
    app.add_option("--hosts", o.places.hosts, "IP addresses and names, as hosts(5)");
    app.add_flag("--expert", o.brief, "Ask without explanations");
    app.add_flag("-X", o.terse, "Say only where the configuration is");
    app.add_option("-d", o.debug, "Of the original; nothing comes of it");
    app.add_option("-L,-R", o.elsewhere, "Of the original: as HOST");
    app.add_option("HOST",
                   o.elsewhere,
                   "[user@]host: on that machine, by ssh; directories and files are its own");
    app.footer(std::string{examples});
}

Result<std::vector<std::string>> arguments_of(int argc, const char* const* argv) {
    std::vector<std::string> out;
    for (int i = argc - 1; i > 0; --i) { // CLI11 takes them from the end
        const std::string_view word = argv[i];
        // CLI11 would take the next word for its value.
        if (word.starts_with("--") && word.find('=') == word.size() - 1)
            return unusable(ErrorCode::Usage, fmt::format("{} has no value", printable(word, 80)));
        if (word == "-levo" || word == "-help")
            out.push_back("-" + std::string{word});
        else if (word == "-H")
            out.emplace_back("--help");
        else
            out.emplace_back(word);
    }
    return out;
}

Status check_options(const Options& options) {
    for (const auto& host : options.elsewhere) {
        if (host.find('=') != std::string::npos) {
            return unusable(ErrorCode::Usage,
                            fmt::format("{}: variables stand before the program, or in the "
                                        "environment",
                                        printable(host, 80)),
                            shell_quoted({host}) + " ctys-createConfVM --label=NAME");
        }
        // ssh would take it for an option.
        if (host.empty() || host.starts_with('-'))
            return unusable(ErrorCode::Usage,
                            fmt::format("\"{}\" is no host", printable(host, 80)));
    }
    if (options.elsewhere.size() > 1)
        return unusable(ErrorCode::Usage,
                        fmt::format("{} and {}: one machine at a time",
                                    printable(options.elsewhere[0], 80),
                                    printable(options.elsewhere[1], 80)));
    if (auto fine = check_type(options.type); !fine) return fine;
    const auto both = [](bool a, bool b, const char* names) {
        return a && b
                   ? Status{unusable(ErrorCode::Usage, fmt::format("{} exclude each other", names))}
                   : Status{};
    };
    if (auto fine = both(
            options.create_image, options.no_create_image, "--create-image and --no-create-image");
        !fine)
        return fine;
    if (auto fine =
            both(options.create_image, !options.adopt.empty(), "--create-image and --adopt");
        !fine)
        return fine;
    if (auto fine = both(options.save_kernel,
                         options.no_save_kernel,
                         "--save-para-kernel and --no-save-para-kernel");
        !fine)
        return fine;
    if (options.make_directory && options.directory.empty())
        return unusable(ErrorCode::Usage, "-C makes the directory of -D, which is not given");
    if (!options.label.empty() && !is_label(options.label))
        return unusable(
            ErrorCode::Usage,
            fmt::format("LABEL: \"{}\" is not a label (letters, digits, _ . - and at most 63)",
                        printable(options.label, 60)));
    if (options.auto_all && options.label.empty() && options.adopt.empty() && !options.list &&
        !options.defaults_create && !options.defaults_force)
        return unusable(ErrorCode::Usage,
                        "--auto-all asks for nothing, so --label must say the name of the VM",
                        "ctys-createConfVM --auto-all --label=NAME");
    return {};
}

} // namespace ctys::conf
