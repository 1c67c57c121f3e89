#pragma once

#include "mesh/core/error.h"
#include "tools/create_conf/dialogue.h"
#include "tools/create_conf/file_plan.h"
#include "tools/create_conf/inputs.h"

namespace CLI { // NOLINT(readability-identifier-naming): the name of the library
class App;
} // namespace CLI

namespace ctys::conf {

/// A call as it was typed.
struct Options {
    std::string label;
    std::string type = "QEMU";
    std::string directory;
    bool make_directory = false;
    bool auto_some = false;
    bool auto_all = false;
    bool create_image = false;
    bool no_create_image = false;
    bool no_configuration = false;
    bool show_only = false;
    bool save_kernel = false;
    bool no_save_kernel = false;
    bool list = false;
    bool brief = false;
    bool terse = false;
    std::string adopt;
    bool defaults_create = false;
    std::string defaults_path; ///< empty: the usual one
    bool defaults_force = false;
    InputPlaces places;
    std::string debug;
    std::vector<std::string> elsewhere; ///< user@host, -L, -R

    [[nodiscard]] Asking asking() const {
        if (auto_all) return Asking::Nothing;
        return auto_some ? Asking::Mandatory : Asking::Everything;
    }
    [[nodiscard]] Wishes wishes() const;
};

void add_options(CLI::App& app, Options& options);

/// The words of a call as CLI11 takes them, which knows no long word behind one dash (-levo).
/// Errors: Usage for `--name=` without a value.
[[nodiscard]] Result<std::vector<std::string>> arguments_of(int argc, const char* const* argv);

/// What cannot be meant. Errors: Usage, Unsupported.
[[nodiscard]] Status check_options(const Options& options);

} // namespace ctys::conf
