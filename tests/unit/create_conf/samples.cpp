#include "tests/unit/create_conf/samples.h"

#include "mesh/core/shell_quoted.h"
#include "mesh/qemu/assemble.h"
#include "mesh/qemu/configuration.h"
#include "tools/qemu_call/request.h"

#include <catch2/catch.hpp>

namespace ctys::testing {

conf::Sources sources_of(const std::string& label, Pairs given) {
    conf::Sources out{.host = {.user = "lab",
                               .host = "rack1",
                               .arch = "x86_64",
                               .dist = "debian",
                               .dist_release = "12",
                               .os = "Linux",
                               .os_release = "6.1",
                               .kvm = true},
                      .new_uuid = Uuid::parse("1b4e28ba-2fa1-41d2-883f-0016d3cca427").value()};
    for (const auto& [name, text] : given) {
        const auto* variable = conf::find_variable(name);
        REQUIRE(variable != nullptr);
        const bool other = variable->name != name;
        out.given.emplace(variable->name,
                          conf::Value{text, conf::Origin::Environment, other ? name : ""});
    }
    if (!label.empty())
        out.given.emplace("LABEL", conf::Value{label, conf::Origin::Call, "--label"});
    return out;
}

conf::Settings settings_of(const std::string& label, Pairs given) {
    auto settings = conf::decide(sources_of(label, given));
    if (!settings) FAIL(settings.error().message);
    return *settings;
}

conf::Stamp sample_stamp() {
    return {.date = "20261130115012", .version = "0.1.0"};
}

std::string command_line_of(const std::string& configuration, const std::string& label) {
    const auto read =
        qemu::read_configuration(configuration, "/vm/" + label + "/" + label + ".ctys");
    REQUIRE(read);
    std::vector<std::string> assignments;
    for (const auto* name :
         {"LABEL",        "UUID",        "MAC0",           "ARCH",        "CPU",         "SMP",
          "MEMSIZE",      "ACCELERATOR", "STARTERCALL",    "MACHINE",     "NETWORK",     "NIC",
          "HDDBOOTIMAGE", "IMAGEFORMAT", "IMAGEINTERFACE", "KERNELIMAGE", "INITRDIMAGE", "APPEND",
          "VGADRIVER",    "TIMEOPT",     "ARGSADD"}) {
        assignments.push_back(std::string{name} + "=" + std::string{qemu::setting(*read, name)});
    }
    auto request = call::read_request(assignments, "/vm/" + label);
    for (const auto& problem : request.problems) {
        FAIL(problem.key + ": " + problem.text);
    }
    request.plan.instance_directory = "/i";
    const auto argv = qemu::assemble(request.plan);
    if (!argv) FAIL(argv.error().message);
    return shell_quoted(*argv);
}

} // namespace ctys::testing
