#pragma once

#include "agent/survey/description.h"
#include "mesh/core/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::agent {

/// One file as it was when it was asked. What has another key is another program.
struct FileKey {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0; ///< its mtime

    bool operator==(const FileKey&) const = default;
};

/// What a survey has found out, so that the next one starts no QEMU for it. A failure is believed
/// for an hour: it may have been the machine's fault. Pure; `now` is the wall clock.
class SurveyCache {
public:
    static constexpr Duration failure_life = std::chrono::hours{1};

    /// From its text; lines that cannot be read are left out, and all beyond 256.
    [[nodiscard]] static SurveyCache parse(std::string_view text);
    /// JSON lines, those of files that were neither found nor kept in this life left out.
    [[nodiscard]] std::string to_text() const;

    [[nodiscard]] std::optional<Description> find(const FileKey& key, WallTime now);
    void keep(const FileKey& key, const Description& description, WallTime now);

    /// Results of probe guests. `circumstances` is all that they depend on.
    struct Trials {
        Accelerator tcg;
        Accelerator kvm;
        std::vector<std::string> up = {};     ///< paths: under KVM a guest has come up
        std::vector<std::string> failed = {}; ///< and it has not

        bool operator==(const Trials&) const = default;
    };
    [[nodiscard]] std::optional<Trials> find_trials(const std::string& circumstances,
                                                    WallTime now) const;
    void keep_trials(const std::string& circumstances, const Trials& trials, WallTime now);

private:
    struct Entry {
        FileKey key;
        Description description;
        WallTime at;
        bool is_used = false;
    };
    void parse_line(std::string_view line);

    std::vector<Entry> entries_;
    std::string circumstances_;
    Trials trials_;
    WallTime tried_;
};

} // namespace ctys::agent
