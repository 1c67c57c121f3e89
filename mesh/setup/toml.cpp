// The one file that knows toml++. Its exceptions become errors here.
#include "mesh/core/text.h"
#include "mesh/setup/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

namespace ctys::setup {

namespace {

// Deeper names than any setting has; toml++ itself stops at 256 nested values.
constexpr std::size_t max_name_bytes = 200;

tl::unexpected<Error> wrong_at(const std::string& path, const toml::node& node, std::string what) {
    return fail(ErrorCode::Usage, fmt::format("{}:{}: {}", path, node.source().begin.line, what));
}

Result<SettingValue>
list_value(const std::string& path, const std::string& name, const toml::array& list) {
    std::vector<std::string> items;
    for (const auto& item : list) {
        const auto* text = item.as_string();
        if (text == nullptr) return wrong_at(path, item, name + " may list texts only");
        items.push_back(text->get());
    }
    return SettingValue(std::move(items));
}

Result<SettingValue>
node_value(const std::string& path, const std::string& name, const toml::node& node) {
    switch (node.type()) {
    case toml::node_type::string:
        return SettingValue(node.as_string()->get());
    case toml::node_type::integer:
        return SettingValue(node.as_integer()->get());
    case toml::node_type::floating_point:
        return SettingValue(node.as_floating_point()->get());
    case toml::node_type::boolean:
        return SettingValue(node.as_boolean()->get());
    case toml::node_type::array:
        return list_value(path, name, *node.as_array());
    default:
        return wrong_at(path, node, name + " is a date, which no setting is");
    }
}

Status flatten(const toml::table& table,
               const std::string& prefix,
               const std::string& path,
               std::vector<Assignment>& out) {
    for (const auto& [key, node] : table) {
        const auto name = prefix + std::string(key.str());
        if (name.size() > max_name_bytes) return wrong_at(path, node, "the name is too long");
        if (const auto* inner = node.as_table(); inner != nullptr) {
            if (auto done = flatten(*inner, name + ".", path, out); !done) return done;
            continue;
        }
        auto value = node_value(path, printable(name), node);
        if (!value) return tl::unexpected(value.error());
        out.push_back({.name = name,
                       .value = std::move(*value),
                       .origin = fmt::format("{}:{}", path, node.source().begin.line)});
    }
    return {};
}

} // namespace

Result<std::vector<Assignment>> parse_toml(std::string_view text, const std::string& path) {
    std::vector<Assignment> assignments;
    try {
        const auto table = toml::parse(text, path);
        if (auto done = flatten(table, "", path, assignments); !done) {
            return tl::unexpected(done.error());
        }
    } catch (const toml::parse_error& error) {
        return fail(
            ErrorCode::Usage,
            fmt::format(
                "{}:{}: {}", path, error.source().begin.line, printable(error.description())));
    }
    return assignments;
}

} // namespace ctys::setup
