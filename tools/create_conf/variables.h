#pragma once

#include "mesh/core/error.h"

#include <span>
#include <string>
#include <string_view>

namespace ctys::conf {

/// Where a value comes from, the strongest first.
enum class Origin {
    Answer,       ///< of the dialogue
    Call,         ///< an option of this call
    Environment,  ///< a variable of the caller's shell
    Adopted,      ///< the configuration that is taken over
    DefaultsFile, ///< of the user, of the machine or of --defaults-file
    Distribution, ///< what DIST and DISTREL need
    Addresses,    ///< macmap.fdb, ethers or hosts
    Host,         ///< found out about this machine
    Generated,    ///< made anew for this VM
    Dependent,    ///< follows from other variables
    BuiltIn
};
[[nodiscard]] std::string_view to_string(Origin origin);

/// What a value has to look like; value.h checks it.
enum class Kind {
    Label,
    Uuid,
    Mac,
    Ip,
    Netmask,
    Number,
    Size,
    YesNo,
    Choice,
    Word,
    Name,
    Path,
    Options
};

/// One variable of the original's dialogue (CTYS-REFERENCE 6.1), or of a configuration (4.1).
struct Variable {
    std::string_view name;
    Kind kind = Kind::Name;
    std::string_view what;        ///< a few words for a person
    std::string_view built_in;    ///< empty: none
    std::string_view other_names; ///< of older releases, separated by spaces
    std::string_view choices;     ///< of Kind::Choice, separated by spaces
    bool mandatory = false;       ///< --auto leaves it to a person
    bool asked = true;            ///< in the dialogue
    bool dependent = false;       ///< no value before LABEL, DIST or another variable is known
};

/// All of them, in the order in which the dialogue asks.
[[nodiscard]] std::span<const Variable> variables();
/// By its name or one of its older names; null where there is none.
[[nodiscard]] const Variable* find_variable(std::string_view name);

} // namespace ctys::conf
