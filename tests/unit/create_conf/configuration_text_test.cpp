#include "mesh/qemu/configuration.h"
#include "tests/unit/create_conf/samples.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;
using namespace ctys::testing;

namespace {

std::string configuration_of(const Settings& settings) {
    return render_configuration(settings, sources_of("web", {}).host, sample_stamp());
}

qemu::Configuration read_back(const std::string& text) {
    return qemu::read_configuration(text, "/vm/web/web.ctys").value();
}

} // namespace

TEST_CASE("a configuration is read back as it was meant", "[create_conf]") {
    const auto settings = settings_of("web",
                                      {{"IP", "172.20.6.23"},
                                       {"NETMASK", "255.255.0.0"},
                                       {"GATEWAY", "172.20.0.1"},
                                       {"MAC", "00:50:56:13:13:18"},
                                       {"SMP", "2"},
                                       {"STARTAFTER", "db dns"}});
    const auto configuration = read_back(configuration_of(settings));

    CHECK(configuration.warnings.empty());
    CHECK(configuration.dynamic.empty());
    CHECK(configuration.is_qemu);
    CHECK_FALSE(configuration.ignored);
    CHECK(configuration.vm.label == "web");
    CHECK(configuration.vm.id.to_string() == "1b4e28ba-2fa1-41d2-883f-0016d3cca427");
    CHECK(configuration.vm.macs == std::vector<std::string>{"00:50:56:13:13:18"});
    CHECK(configuration.vm.ips == std::vector<std::string>{"172.20.6.23"});
    CHECK(configuration.vm.vcpus == 2);
    CHECK(configuration.vm.memory_mb == 512);
    CHECK(configuration.vm.start_after == std::vector<std::string>{"db", "dns"});
    CHECK(qemu::setting(configuration, "IP0") == "172.20.6.23%255.255.0.0%%%%172.20.0.1");
    CHECK(qemu::setting(configuration, "HDDBOOTIMAGE") == "/vm/web/hda.img");
    CHECK(qemu::setting(configuration, "INST_EDITOR") == "lab");
}

TEST_CASE("only an active VM is not ignored", "[create_conf]") {
    const auto first_line = [](const std::string& text) { return text.substr(0, text.find('\n')); };

    CHECK(first_line(configuration_of(settings_of("web", {}))) ==
          "#@#MAGICID-do-not-IGNORE =>ACTIVATED");
    const auto backup = configuration_of(settings_of("web", {{"VMSTATE", "backup"}}));
    CHECK(first_line(backup) == "#@#MAGICID-IGNORE");
    CHECK(read_back(backup).ignored);
    CHECK(read_back(backup).vmstate == "BACKUP");
}

TEST_CASE("words that bash would take apart are quoted", "[create_conf]") {
    const auto text = configuration_of(settings_of(
        "web",
        {{"INSTSRCCDROM", "/iso/a b;c,d.iso"}, {"ARGSADD", "-rtc 'base=local time' -name \"x\""}}));

    CHECK(text.find("INSTSRCCDROM='/iso/a b;c,d.iso'\n") != std::string::npos);
    CHECK(qemu::setting(read_back(text), "INSTSRCCDROM") == "/iso/a b;c,d.iso");
    CHECK(qemu::setting(read_back(text), "ARGSADD") == "-rtc 'base=local time' -name \"x\"");
}

TEST_CASE("a configuration from before is ignored, and says the rest as it did", "[create_conf]") {
    CHECK(ignored_configuration("#@#MAGICID-QEMU\nLABEL=web\n") ==
          "#@#MAGICID-IGNORE\n#@#MAGICID-QEMU\nLABEL=web\n");
    CHECK(ignored_configuration("#!/bin/bash\nLABEL=web\n") ==
          "#!/bin/bash\n#@#MAGICID-IGNORE\nLABEL=web\n");
    CHECK(ignored_configuration("#!/bin/bash") == "#!/bin/bash\n#@#MAGICID-IGNORE\n");
    CHECK(ignored_configuration("#@#MAGICID-IGNORE\nLABEL=web\n") ==
          "#@#MAGICID-IGNORE\nLABEL=web\n");
    CHECK(ignored_configuration("") == "#@#MAGICID-IGNORE\n");
}

TEST_CASE("a defaults file holds what was chosen, not whose it was", "[create_conf]") {
    const auto text = render_defaults(
        settings_of("web", {{"MEMSIZE", "700"}, {"MAC", "00:50:56:13:13:18"}}), sample_stamp());

    CHECK(text.find("\nMEMSIZE=700\n") != std::string::npos);
    CHECK(text.find("\nKBD_LAYOUT=de\n") != std::string::npos);
    CHECK(text.find("MAC=") == std::string::npos);
    CHECK(text.find("LABEL") == std::string::npos);
    CHECK(text.find("ACCELERATOR") == std::string::npos);
}
