#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// What a running QEMU tells of where its configuration may be.
struct RunningImage {
    std::string image; ///< boot image as on the command line; may be relative, may be empty
    std::string cwd;   ///< working directory of the process, absolute
    std::string label; ///< of -name; may be empty
};

/// The original's naming conventions, in the order in which they are tried (CTYS-REFERENCE 1.7,
/// S-139 to S-142).
enum class NamingConvention { Directory = 1, Image = 2, Label = 3 };

struct NamingMatch {
    std::string config; ///< absolute path
    NamingConvention convention = NamingConvention::Directory;

    bool operator==(const NamingMatch&) const = default;
};

/// Configurations to look for, best first, without repetition, at most six. All lie in the
/// directory of the image (S-138), or in the working directory where there is no image.
[[nodiscard]] std::vector<NamingMatch> candidate_configurations(const RunningImage& running);

/// The first candidate that is among the existing files.
[[nodiscard]] std::optional<NamingMatch>
match_configuration(const RunningImage& running, std::span<const std::string> existing_files);

/// Without "." and "..", repeated and trailing slashes; by text only, links are not followed.
/// Relative paths begin at `cwd`.
[[nodiscard]] std::string normal_path(std::string_view path, std::string_view cwd);
/// "/a/b" of "/a/b/c.img"; "/" of "/c".
[[nodiscard]] std::string_view directory_of(std::string_view path);
/// "c.img" of "/a/b/c.img".
[[nodiscard]] std::string_view name_of(std::string_view path);
/// "/pool/vm1/vm1.ctys" of "/pool" and "vm1/vm1.ctys"; "/pool" of "/pool" and "".
[[nodiscard]] std::string join_path(std::string_view root, std::string_view below);
/// "c.d" of "c.d.img": without the last suffix; a leading dot begins no suffix.
[[nodiscard]] std::string_view prefix_of(std::string_view file_name);

} // namespace ctys::agent
