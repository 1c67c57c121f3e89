#pragma once

#include "mesh/core/error.h"
#include "mesh/loop/unique_fd.h"

#include <cstdint>
#include <string>
#include <vector>

namespace ctys::agent {

/// What a scan wants to know of the entries of one directory.
struct Listing {
    std::vector<std::string> directories;
    std::vector<std::string> configs;  ///< regular files with the right suffix
    std::vector<std::string> vmx;      ///< regular files named *.vmx, at most max_wrappers
    std::vector<std::string> wrappers; ///< anything named *.sh, at most max_wrappers
    std::vector<std::string> links;    ///< links, at most 64
    bool has_marker = false;
    bool has_bad_names = false; ///< some are no UTF-8 and left out
    bool is_cut = false;        ///< more entries than anyone should have

    [[nodiscard]] bool is_of_interest() const { return !configs.empty(); }
};

/// Reads by getdents64, without touching the entries where the file system tells their type.
/// Errors: Failed with the kernel's words.
[[nodiscard]] Result<Listing> list_directory(int fd);

/// Opens a directory below another one; never through a link. Errors: NotFound (none, or no
/// directory), Refused, Failed.
[[nodiscard]] Result<loop::UniqueFd> open_directory_at(int parent, const std::string& name);

/// NotFound, Refused or Failed, in the kernel's words.
[[nodiscard]] Error os_error(int number, std::string_view what);

} // namespace ctys::agent
