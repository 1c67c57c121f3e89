#pragma once

#include "mesh/qemu/boot_plan.h"
#include "tools/create_conf/answers_file.h"
#include "tools/create_conf/configuration_text.h"

#include <map>
#include <optional>
#include <set>

namespace ctys::conf {

/// What a person wants made.
struct Wishes {
    enum class Image { IfAbsent, Anew, Never };

    Image image = Image::IfAbsent;
    bool configuration = true;
    bool answers = true;

    bool operator==(const Wishes&) const = default;
};

/// What is there before anything is made. `texts` are the contents of the files that would be
/// replaced, `names` all names of the directory.
struct Found {
    std::map<std::string, std::string, std::less<>> texts;
    std::set<std::string, std::less<>> names;
    std::vector<std::string> others; ///< further files of `texts` that step aside
    bool image = false;              ///< something is where the disk image would be
    bool is_device = false;          ///< and it is no plain file
};

/// A file that steps aside.
struct Retired {
    std::string name;
    std::string kept_as;
    std::optional<std::string> text; ///< it is changed; else it is only renamed

    bool operator==(const Retired&) const = default;
};

/// Everything that is to happen in one VM directory, in one go or not at all.
struct FilePlan {
    std::vector<Retired> retired;
    std::vector<NewFile> files;               ///< the configuration is the last one
    std::vector<std::string> the_same;        ///< would be written as they are
    std::optional<qemu::InstallTarget> image; ///< a new disk image; `file` is absolute
    std::string image_kept_as;                ///< absolute; where an older image goes, if it does
    std::vector<std::string> notes;
};

/// `folder` is the VM's directory, absolute. Errors: Conflict for --create-image over a device.
[[nodiscard]] Result<FilePlan> plan_files(const Settings& settings,
                                          const std::string& folder,
                                          const Wishes& wishes,
                                          std::vector<NewFile> files,
                                          const Found& found,
                                          const Stamp& stamp);

/// The generic wrapper, as deploy/templates/vm.sh has it.
[[nodiscard]] std::string_view wrapper_text();

/// Configuration, wrapper and answers of these settings; without what the wishes leave out.
[[nodiscard]] std::vector<NewFile> files_of(const Settings& settings,
                                            const HostFacts& host,
                                            const Stamp& stamp,
                                            const Remainder& remainder,
                                            const Wishes& wishes);

/// The disk image as an absolute path.
[[nodiscard]] std::string image_path(const Settings& settings, const std::string& folder);

} // namespace ctys::conf
