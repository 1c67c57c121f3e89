#pragma once

#include "mesh/core/uuid.h"
#include "tools/create_conf/address_book.h"
#include "tools/create_conf/board.h"
#include "tools/create_conf/recipe.h"
#include "tools/create_conf/variables.h"

#include <map>

namespace ctys::conf {

/// A value and who gave it; `place` is the file and line, or the name it was given by.
struct Value {
    std::string text;
    Origin origin = Origin::BuiltIn;
    std::string place;

    bool operator==(const Value&) const = default;
};
using Values = std::map<std::string, Value, std::less<>>;

/// What this machine is.
struct HostFacts {
    std::string user;
    std::string host;
    unsigned uid = 0;
    unsigned gid = 0;
    std::string arch; ///< as uname(2) has it
    std::string dist;
    std::string dist_release;
    std::string os;
    std::string os_release;
    bool kvm = false; ///< /dev/kvm can be opened

    bool operator==(const HostFacts&) const = default;
};

/// All that values of variables are taken from, by the names of the table.
struct Sources {
    Values given;    ///< the strongest of answers, call, environment and adopted configuration
    Values defaults; ///< of a defaults file
    /// Of defaults files for one distribution each, by letters_of() its name; stronger than those.
    std::map<std::string, Values, std::less<>> of_distribution;
    AddressBook addresses;
    HostFacts host;
    Uuid new_uuid;
    bool has_qcow2 =
        false; ///< hda.qcow2 and no hda.img lies where the VM is made: that is its disk
};

/// Values of a new VM, complete for every variable of the table.
class Settings {
public:
    explicit Settings(Values values) : values_(std::move(values)) {}

    [[nodiscard]] const Value& at(std::string_view name) const;
    [[nodiscard]] const std::string& text(std::string_view name) const { return at(name).text; }
    [[nodiscard]] bool is(std::string_view name, std::string_view value) const {
        return text(name) == value;
    }
    [[nodiscard]] Board board() const;
    [[nodiscard]] Recipe recipe() const;

private:
    Values values_;
};

/// What a variable would be by `sources`, where nobody answers otherwise; checked. Dependents
/// follow what is given. Errors: Usage, naming the variable.
[[nodiscard]] Result<Value> proposed(const Variable& variable, const Sources& sources);

/// All variables. Errors: Usage: a value that does not fit, or values that do not fit each other.
[[nodiscard]] Result<Settings> decide(const Sources& sources);

/// Sentences about values that can hardly be meant together; they keep nothing from being made.
[[nodiscard]] std::vector<std::string> doubts(const Settings& settings, const Sources& sources);

/// Bytes of a new disk image: the given size, else the given blocks.
[[nodiscard]] std::uint64_t image_bytes(const Settings& settings);

} // namespace ctys::conf
