#include "tools/client/tool_settings.h"

#include "mesh/setup/config.h"

#include <array>

namespace ctys::tools {

namespace {

constexpr auto rules = std::to_array<setup::SettingRule>({
    {.name = "broker", .type = setup::SettingType::Text, .description = "endpoint of the broker"},
    {.name = "key", .type = setup::SettingType::Text, .description = "file of this user's keys"},
    {.name = "broker_key",
     .type = setup::SettingType::Text,
     .description = "public key of the broker, or a file with it"},
    {.name = "plugins.ignore",
     .type = setup::SettingType::TextList,
     .description = "session types that ctys-plugins shows as IGNORED"},
});

} // namespace

Result<setup::Settings> load_tool_settings() {
    return setup::load_settings("ctys", rules, {});
}

} // namespace ctys::tools
