#include "tools/verbs/confirm.h"

#include "mesh/core/text.h"
#include "tools/client/terminal.h"

#include <iostream>
#include <string>
#include <unistd.h>

namespace ctys::tools {

bool has_terminal() {
    return is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO);
}

Status confirm(Session& session, std::string_view question) {
    if (session.globals().yes) return {};
    if (!has_terminal()) {
        return fail(ErrorCode::Usage,
                    "it asks before it acts, and there is no terminal to ask on",
                    "the same with --yes",
                    {std::string{question}});
    }
    if (auto asked = write_all(STDERR_FILENO, fmt::format("{} [y/N] ", printable(question)));
        !asked)
        return asked;
    std::string answer;
    std::getline(std::cin, answer);
    if (equals_ignoring_case(trim(answer), "y") || equals_ignoring_case(trim(answer), "yes"))
        return {};
    return fail(ErrorCode::Cancelled, "nothing done");
}

} // namespace ctys::tools
