// ctys-createConfVM: makes the configuration, the wrapper, the disk image and the answers of an
// installer for one VM.
#include "mesh/core/text.h"
#include "tools/create_conf/adopt.h"
#include "tools/create_conf/commit.h"
#include "tools/create_conf/elsewhere.h"
#include "tools/create_conf/line_input.h"
#include "tools/create_conf/listing.h"
#include "tools/create_conf/options.h"
#include "tools/qemu_call/file_error.h"
#include "tools/words/option_words.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

using namespace ctys;
using namespace ctys::conf;

namespace {

int give_up(const Error& error) {
    fmt::print(stderr, "ctys-createConfVM: {}\n", error.message);
    for (const auto& line : error.evidence) {
        fmt::print(stderr, "      {}\n", line);
    }
    if (!error.try_next.empty()) fmt::print(stderr, "      try: {}\n", error.try_next);
    return traits(error.code).exit_status;
}

void tell(const std::vector<std::string>& notes) {
    for (const auto& note : notes) {
        fmt::print(stderr, "ctys-createConfVM: note: {}\n", note);
    }
}

// What is known before anybody is asked.
struct Beginning {
    Sources sources;
    Remainder remainder;
    std::vector<std::string> others; ///< files that step aside with those of the same name
    std::vector<std::string> notes;
};

std::string folder_of(const std::string& path) {
    return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

Result<std::string> absolute(const std::string& path) {
    std::error_code error;
    auto out = std::filesystem::absolute(path, error).lexically_normal().string();
    if (error)
        return fail(ErrorCode::Failed, fmt::format("{}: {}", printable(path), error.message()));
    while (out.size() > 1 && out.ends_with('/')) {
        out.pop_back();
    }
    return out;
}

bool is_folder(const std::string& path) {
    std::error_code none;
    return std::filesystem::is_directory(path, none);
}

// The program of the original's machine may not be here.
void check_starter(Beginning& out) {
    const auto found = out.sources.given.find("STARTERCALL");
    if (found == out.sources.given.end() || found->second.origin != Origin::Adopted) return;
    const auto& path = found->second.text;
    const bool usable = path.starts_with('/') && ::access(path.c_str(), X_OK) == 0;
    if (usable) return;
    out.notes.push_back(
        fmt::format("STARTERCALL: {} is not a program of this machine and is left out ({})",
                    path,
                    found->second.place));
    out.sources.given.erase(found);
}

// Only with settings that a person has put into it beyond what the configuration says.
Status adopt_wrapper(const std::string& path, const std::string& here, Beginning& out) {
    const auto text = read_text(path);
    if (!text && text.error().code == ErrorCode::NotFound) return {};
    if (!text) return tl::unexpected(text.error());
    auto adopted = adopt_configuration(*text, path, here);
    if (!adopted) return wrap(path, adopted.error());
    adopted->given.erase("LABEL");
    for (auto& [name, value] : adopted->given) {
        out.sources.given.emplace(name, std::move(value));
    }
    out.others.push_back(path.substr(path.rfind('/') + 1));
    out.notes.push_back(
        fmt::format("{} is replaced by the generic wrapper; of what was edited there, "
                    "only settings are taken over",
                    printable(path)));
    return {};
}

Status adopt(const Options& options, Beginning& out) {
    auto path = absolute(options.adopt);
    if (!path) return tl::unexpected(path.error());
    auto here = options.directory.empty() ? Result<std::string>{folder_of(*path)}
                                          : absolute(options.directory);
    if (!here) return tl::unexpected(here.error());
    const auto text = read_text(*path);
    if (!text) return tl::unexpected(text.error());
    auto adopted = adopt_configuration(*text, *path, *here);
    if (!adopted) return wrap(*path, adopted.error());
    for (auto& [name, value] : adopted->given) {
        out.sources.given.insert_or_assign(name, std::move(value));
    }
    out.remainder = std::move(adopted->remainder);
    out.notes = std::move(adopted->notes);
    const auto stem = path->substr(0, path->rfind('.'));
    if (folder_of(*path) == *here) out.others.push_back(path->substr(path->rfind('/') + 1));
    if (*path != stem + ".sh") {
        if (auto done = adopt_wrapper(stem + ".sh", *here, out); !done) return done;
    }
    const auto label = out.sources.given.find("LABEL");
    if (!options.label.empty() && label != out.sources.given.end() &&
        label->second.text != options.label) {
        return fail(ErrorCode::Usage,
                    fmt::format("--adopt keeps the name {}, --label says {}",
                                label->second.text,
                                options.label));
    }
    check_starter(out);
    return {};
}

// A VM that is made anew keeps its disk; choose_place() finds the folder by that.
bool has_qcow2(const Options& options, const Sources& sources) {
    const auto folder = absolute(options.directory.empty() ? "." : options.directory);
    const auto lies_in = [](const std::string& place) {
        return ::access((place + "/hda.qcow2").c_str(), F_OK) == 0 &&
               ::access((place + "/hda.img").c_str(), F_OK) != 0;
    };
    if (!folder || lies_in(*folder)) return folder.has_value();
    const auto label = sources.given.find("LABEL");
    return options.directory.empty() && label != sources.given.end() &&
           lies_in(*folder + "/" + label->second.text);
}

Result<Beginning> begin(const Options& options) {
    Beginning out;
    out.sources.host = read_host_facts();
    out.sources.new_uuid = random_uuid();
    out.sources.addresses = read_addresses(options.places);
    if (!options.adopt.empty()) {
        if (auto adopted = adopt(options, out); !adopted) return tl::unexpected(adopted.error());
    }
    auto strangers = environment_notes();
    out.notes.insert(out.notes.end(), strangers.begin(), strangers.end());
    for (auto& [name, value] : environment_values()) {
        out.sources.given.insert_or_assign(name, value);
    }
    if (!options.label.empty())
        out.sources.given.insert_or_assign("LABEL", Value{options.label, Origin::Call, "--label"});
    // What is adopted is complete; defaults would change it.
    if (!options.adopt.empty()) {
        out.sources.given.try_emplace("KICKSTART", Value{"none", Origin::Adopted, {}});
        return out;
    }
    auto notes = load_defaults(options.places, out.sources);
    if (!notes) return tl::unexpected(notes.error());
    out.notes.insert(out.notes.end(), notes->begin(), notes->end());
    out.sources.has_qcow2 = has_qcow2(options, out.sources);
    return out;
}

// Asks for all that is to be asked for; `sources` hold the answers then.
Status converse(const Options& options, LineInput& input, Sources& sources) {
    Dialogue dialogue{std::move(sources), options.asking(), options.brief};
    // A script would answer for ever.
    constexpr int most_wrong = 10;
    for (int wrong = 0; wrong < most_wrong || ::isatty(STDIN_FILENO) == 1;) {
        const auto question = dialogue.question();
        if (!question) return tl::unexpected(question.error());
        if (!*question) {
            sources = dialogue.sources();
            return {};
        }
        const auto line = ask(input, **question);
        if (!line) return tl::unexpected(line.error());
        const auto taken = dialogue.answer(*line);
        if (!taken) fmt::print("  {}\n", taken.error().message);
        wrong += taken ? 0 : 1;
    }
    return fail(ErrorCode::Usage,
                fmt::format("given up: {} answers that cannot be taken", most_wrong));
}

struct Place {
    std::string folder;
    bool is_new = false;
};

// Holds nothing, or is this VM's by its name, its configuration or its image.
bool is_own_folder(const std::string& folder, const Settings& settings) {
    std::error_code none;
    const auto& label = settings.text("LABEL");
    const auto& image = settings.text("HDDBOOTIMAGE");
    const auto holds = [&](const std::string& name) {
        return ::access((folder + "/" + name).c_str(), F_OK) == 0;
    };
    return folder.substr(folder.rfind('/') + 1) == label ||
           std::filesystem::is_empty(folder, none) || holds(label + ".ctys") ||
           (!image.starts_with('/') && holds(image));
}

Result<Place> choose_place(const Options& options, const Settings& settings) {
    auto wanted = options.directory;
    if (wanted.empty() && !options.adopt.empty())
        wanted = folder_of(options.adopt.find('/') == std::string::npos ? "./" : options.adopt);
    if (!wanted.empty()) {
        auto path = absolute(wanted);
        if (!path) return tl::unexpected(path.error());
        if (is_folder(*path)) return Place{*path, false};
        if (!options.make_directory) {
            return fail(
                ErrorCode::NotFound,
                fmt::format("the directory {} does not exist; -C makes it", printable(*path)));
        }
        return Place{*path, true};
    }
    auto here = absolute(".");
    if (!here) return tl::unexpected(here.error());
    if (is_own_folder(*here, settings)) return Place{*here, false};
    const auto below = *here + "/" + settings.text("LABEL");
    return Place{below, !is_folder(below)};
}

// The kernel of the installer, where it may stay.
Status save_kernels(const Options& options, Sources& sources, std::vector<NewFile>& files) {
    if (!options.save_kernel) return {};
    for (const auto* name : {"INST_KERNEL", "INST_INITRD"}) {
        const auto value = proposed(*find_variable(name), sources);
        if (!value) return tl::unexpected(value.error());
        if (!value->text.starts_with('/')) continue;
        auto file = value->text.substr(value->text.rfind('/') + 1);
        std::error_code error;
        const auto size = std::filesystem::file_size(value->text, error);
        if (error) {
            return fail(ErrorCode::NotFound,
                        fmt::format("{}: {}: {}", name, printable(value->text), error.message()));
        }
        std::string bytes(size, '\0');
        std::FILE* opened = std::fopen(value->text.c_str(), "rbe");
        const auto got = opened == nullptr ? 0 : std::fread(bytes.data(), 1, bytes.size(), opened);
        if (opened != nullptr) std::fclose(opened);
        if (got != bytes.size()) return call::file_error("read", value->text);
        sources.given.insert_or_assign(name, Value{file, value->origin, value->text});
        files.push_back({.name = std::move(file), .bytes = std::move(bytes)});
    }
    return {};
}

Status write_defaults(const Options& options,
                      const Settings& settings,
                      const Stamp& stamp,
                      const std::string& home) {
    auto path = options.defaults_path;
    if (path.empty()) path = home + "/.ctys/ctys-createConfVM.d/defaults-QEMU.ctys";
    auto target = absolute(path);
    if (!target) return tl::unexpected(target.error());
    std::error_code error;
    std::filesystem::create_directories(folder_of(*target), error);
    if (::access(target->c_str(), F_OK) == 0) {
        if (!options.defaults_force) {
            return fail(ErrorCode::Conflict,
                        fmt::format("{} is there; --defaults-file-create-with-force replaces it",
                                    printable(*target)));
        }
    }
    FilePlan plan;
    const auto name = target->substr(target->rfind('/') + 1);
    const auto found = look_around(folder_of(*target), {}, {}, *target);
    if (!found) return tl::unexpected(found.error());
    if (found->names.contains(name))
        plan.retired.push_back({.name = name, .kept_as = name + "." + stamp.date});
    plan.files.push_back({.name = name, .bytes = render_defaults(settings, stamp)});
    if (auto done = carry_out(plan, folder_of(*target), false); !done) return done;
    fmt::print("{}\n", *target);
    return {};
}

std::string size_words(const qemu::InstallTarget& image, const Settings& settings) {
    return fmt::format("{} ({}, {})",
                       image.file.substr(image.file.rfind('/') + 1),
                       image.format,
                       settings.text("HDDBOOTIMAGE_INST_SIZE"));
}

void report(const Options& options,
            const Settings& settings,
            const Place& place,
            const FilePlan& plan) {
    const auto& label = settings.text("LABEL");
    if (options.terse) return fmt::print("{}/{}.ctys\n", place.folder, label);
    fmt::print("{} in {}\n", label, place.folder);
    for (const auto& file : plan.files) {
        fmt::print("  made  {}\n", file.name);
    }
    if (plan.image) fmt::print("  made  {}\n", size_words(*plan.image, settings));
    for (const auto& name : plan.the_same) {
        fmt::print("  same  {}\n", name);
    }
    for (const auto& old : plan.retired) {
        fmt::print(
            "  kept  {}, the one before{}\n", old.kept_as, old.text ? ", set to IGNORE" : "");
    }
    if (!plan.image_kept_as.empty())
        fmt::print("  kept  {}, the image before\n", plan.image_kept_as);
    const bool here = place.folder == std::filesystem::current_path();
    fmt::print("next  {}sh {}.sh --print --check\n",
               here ? "" : fmt::format("cd {} && ", place.folder),
               label);
    for (const auto& line : how_to_install(settings)) {
        if (options.adopt.empty()) fmt::print("      {}\n", line);
    }
}

// Shows what it will be; a person may still say no.
Result<bool>
is_confirmed(const Options& options, LineInput& input, const FilePlan& plan, const Place& place) {
    if (options.asking() != Asking::Everything || !options.adopt.empty()) return true;
    for (const auto& file : plan.files) {
        if (file.name.ends_with(".ctys")) fmt::print("\n{}\n", file.bytes);
    }
    while (true) {
        const auto line = ask(
            input, fmt::format("Make {} files in {}?  [Y/n] ", plan.files.size(), place.folder));
        if (!line) return tl::unexpected(line.error());
        const auto answer = yes_or_no(*line);
        if (answer) return *answer;
        fmt::print("  {}\n", answer.error().message);
    }
}

Status make(const Options& options, Beginning& beginning, const Stamp& stamp) {
    LineInput input;
    auto& sources = beginning.sources;
    // They belong to no VM in particular.
    const bool defaults = options.defaults_create || options.defaults_force;
    if (defaults) sources.given.try_emplace("LABEL", Value{"vm", Origin::Call, {}});
    if (options.adopt.empty()) {
        if (auto asked = converse(options, input, sources); !asked) return asked;
    }
    std::vector<NewFile> kernels;
    if (auto saved = save_kernels(options, sources, kernels); !saved) return saved;
    const auto settings = decide(sources);
    if (!settings) return tl::unexpected(settings.error());
    if (defaults) return write_defaults(options, *settings, stamp, options.places.home);

    const auto place = choose_place(options, *settings);
    if (!place) return tl::unexpected(place.error());
    auto files = files_of(*settings, sources.host, stamp, beginning.remainder, options.wishes());
    files.insert(files.begin(),
                 std::make_move_iterator(kernels.begin()),
                 std::make_move_iterator(kernels.end()));
    if (options.show_only) {
        fmt::print("{}", render_configuration(*settings, sources.host, stamp, beginning.remainder));
        return {};
    }
    auto others = beginning.others;
    if (options.wishes().configuration) others.push_back(settings->text("LABEL") + ".conf");
    const auto found =
        look_around(place->folder, files, others, image_path(*settings, place->folder));
    if (!found) return tl::unexpected(found.error());
    const auto plan =
        plan_files(*settings, place->folder, options.wishes(), std::move(files), *found, stamp);
    if (!plan) return tl::unexpected(plan.error());
    const auto confirmed = is_confirmed(options, input, *plan, *place);
    if (!confirmed) return tl::unexpected(confirmed.error());
    if (!*confirmed) return fail(ErrorCode::Cancelled, "nothing was made");
    if (auto done = carry_out(*plan, place->folder, place->is_new); !done) return done;
    tell(beginning.notes);
    tell(doubts(*settings, sources));
    tell(plan->notes);
    report(options, *settings, *place, *plan);
    return {};
}

int serve(const Options& options, std::vector<std::string> words) {
    if (auto fine = check_options(options); !fine) return give_up(fine.error());
    if (!options.elsewhere.empty()) {
        const auto& host = options.elsewhere.front();
        const bool asks =
            options.asking() != Asking::Nothing && !options.list && ::isatty(STDIN_FILENO) == 1;
        const auto status = make_elsewhere({.host = host,
                                            .words = words_without(host, std::move(words)),
                                            .variables = environment_values(),
                                            .asks = asks});
        return status ? *status : give_up(status.error());
    }
    auto beginning = begin(options);
    if (!beginning) return give_up(beginning.error());
    if (options.list) {
        tell(beginning->notes);
        const auto text = list_variables(
            beginning->sources, ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr);
        if (!text) return give_up(text.error());
        fmt::print("{}", *text);
        return 0;
    }
    keep_interruptions();
    const auto made = make(options, *beginning, stamp_of_now(CTYS_VERSION));
    return made ? 0 : give_up(made.error());
}

int serve_words(int argc, char** argv) {
    Options options;
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home == '/') options.places.home = home;
    CLI::App app{"Makes the configuration of a VM, its wrapper and its disk image."};
    app.set_version_flag("--version,-V", CTYS_VERSION);
    add_options(app, options);
    auto arguments = arguments_of(argc, argv);
    if (!arguments) return give_up(arguments.error());
    try {
        app.parse(std::move(*arguments));
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return give_up({.code = ErrorCode::Usage,
                        .message = tools::option_words(app, error),
                        .try_next = "ctys-createConfVM --help"});
    }
    return serve(options, {argv + 1, argv + argc});
}

} // namespace

int main(int argc, char** argv) {
    try {
        return serve_words(argc, argv);
    } catch (const std::exception& fault) {
        return give_up({.message = fault.what()});
    }
}
