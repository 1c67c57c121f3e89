#pragma once

#include "mesh/core/error.h"
#include "tools/output/view.h"
#include "tools/verbs/arguments.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ctys::tools {

class Session;

/// One word after `ctys`. Made once, declares its options, and runs at most once.
class Subcommand {
public:
    virtual ~Subcommand() = default;

    [[nodiscard]] virtual std::string_view name() const = 0;
    /// One line for the list of verbs.
    [[nodiscard]] virtual std::string_view summary() const = 0;
    /// What --help prints below the options: examples that work.
    [[nodiscard]] virtual std::string_view examples() const = 0;
    virtual void declare(Arguments& arguments) = 0;
    /// Of -o; the first is meant where none is given, and by "table".
    [[nodiscard]] virtual std::vector<std::string_view> formats() const { return common_formats(); }
    /// The object of the verb as the person typed it, for the first line of an error.
    [[nodiscard]] virtual std::string subject() const { return {}; }
    [[nodiscard]] virtual Status run(Session& session) = 0;
    /// Exit status of a run that was done; what is not 0 is asked for by an option.
    [[nodiscard]] virtual int status_when_done() const { return 0; }
};

using Subcommands = std::vector<std::unique_ptr<Subcommand>>;

/// Every verb, in the order of the help page.
[[nodiscard]] Subcommands all_subcommands();

} // namespace ctys::tools
