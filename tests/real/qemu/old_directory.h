#pragma once

#include "tests/support/temporary_directory.h"

#include <string>
#include <string_view>
#include <vector>

namespace ctys::testing {

[[nodiscard]] std::string text_in(const std::string& path);

struct Ended {
    int status = -1;
    std::string said; ///< both streams
};
[[nodiscard]] bool has(const Ended& ended, std::string_view text);

/// A VM folder, and the surroundings of a call: a home, and a folder of the system's settings.
class OldDirectory {
public:
    OldDirectory();

    [[nodiscard]] std::string at(const std::string& name) const { return folder_ / name; }
    void write(const std::string& name, const std::string& text) const;
    /// As the original made it, with further settings.
    void write_original(const std::string& more = {}) const;
    /// One of ours, with the shipped wrapper.
    void write_own(const std::string& settings) const;
    /// `variables` are those of the caller.
    [[nodiscard]] Ended run(const std::string& file,
                            std::vector<std::string> options,
                            const std::string& variables = {}) const;

private:
    support::TemporaryDirectory folder_;
};

} // namespace ctys::testing
