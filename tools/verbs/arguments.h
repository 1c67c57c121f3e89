#pragma once

#include "mesh/core/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI { // NOLINT(readability-identifier-naming): the name of the library
class App;
} // namespace CLI

namespace ctys::tools {

/// Where a verb declares what may follow it. Targets must live until the command line was parsed.
/// Names are written as "--watch" or "-q,--quiet".
class Arguments {
public:
    explicit Arguments(CLI::App& app) : app_(app) {}

    void flag(const std::string& names, bool& target, const std::string& help);
    void text(const std::string& names,
              std::string& target,
              const std::string& placeholder,
              const std::string& help);
    /// May be given several times.
    void texts(const std::string& names,
               std::vector<std::string>& target,
               const std::string& placeholder,
               const std::string& help);
    /// "90", "10s", "1m30s".
    void span(const std::string& names, std::optional<Duration>& target, const std::string& help);
    void number(const std::string& names, std::uint64_t& target, const std::string& help);
    void
    number(const std::string& names, std::optional<std::uint64_t>& target, const std::string& help);

    enum class Need : std::uint8_t { Optional, Required };
    void
    positional(const std::string& name, std::string& target, Need need, const std::string& help);
    void positionals(const std::string& name,
                     std::vector<std::string>& target,
                     Need need,
                     const std::string& help);

private:
    CLI::App& app_;
};

} // namespace ctys::tools
