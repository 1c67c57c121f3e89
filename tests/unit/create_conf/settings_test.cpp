#include "tests/unit/create_conf/samples.h"
#include "tools/create_conf/listing.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;
using namespace ctys::testing;

namespace {

std::string refused_settings(const std::string& label, Pairs given) {
    const auto settings = decide(sources_of(label, given));
    return settings ? "decided" : settings.error().message;
}

} // namespace

TEST_CASE("a VM needs nothing but a name", "[create_conf]") {
    const auto settings = settings_of("web", {});

    CHECK(settings.text("LABEL") == "web");
    CHECK(settings.at("UUID") ==
          Value{"1b4e28ba-2fa1-41d2-883f-0016d3cca427", Origin::Generated, ""});
    CHECK(settings.at("MAC") == Value{"52:54:00:1b:4e:28", Origin::Generated, ""});
    CHECK(settings.at("ACCELERATOR") == Value{"KVM", Origin::Host, ""});
    CHECK(settings.at("MEMSIZE") == Value{"512", Origin::BuiltIn, ""});
    CHECK(settings.text("STARTERCALL") == "qemu-system-x86_64");
    CHECK(settings.text("HDDBOOTIMAGE") == "hda.img");
    CHECK(image_bytes(settings) == 8ULL << 30);
    CHECK(settings.text("KICKSTART") == "");
}

TEST_CASE("without a name nothing is decided", "[create_conf]") {
    CHECK(refused_settings("", {}) == "LABEL: a VM needs a name");
}

TEST_CASE("a stronger source goes before a weaker one", "[create_conf]") {
    auto sources = sources_of("web", {{"DIST", "CentOS"}, {"DISTREL", "8"}});
    const auto memory = [&] { return decide(sources).value().at("MEMSIZE"); };
    CHECK(memory() == Value{"2048", Origin::Distribution, "CentOS"});

    sources.defaults.emplace("MEMSIZE", Value{"600", Origin::DefaultsFile, "d:1"});
    CHECK(memory() == Value{"600", Origin::DefaultsFile, "d:1"});

    sources.of_distribution["centos"].emplace("MEMSIZE", Value{"700", Origin::DefaultsFile, "c:1"});
    CHECK(memory() == Value{"700", Origin::DefaultsFile, "c:1"});

    sources.given.emplace("MEMSIZE", Value{"800", Origin::Environment, ""});
    CHECK(memory() == Value{"800", Origin::Environment, ""});
}

TEST_CASE("a distribution brings what it needs", "[create_conf]") {
    const auto openbsd = settings_of("web", {{"DIST", "OpenBSD"}, {"DISTREL", "4.7"}});
    CHECK(openbsd.text("DEFAULTINSTMODE") == "PXE");
    CHECK(openbsd.text("OS") == "OpenBSD");
    CHECK(openbsd.text("NIC") == "rtl8139");

    const auto fedora = settings_of("web", {{"DIST", "Fedora"}, {"DISTREL", "8"}});
    CHECK(fedora.text("DEFAULTINSTMODE") == "PXE");
    CHECK(settings_of("web", {{"DIST", "Fedora"}, {"DISTREL", "39"}}).text("NIC") == "virtio");
    CHECK(settings_of("web", {{"DIST", "Fedora"}}).text("NIC") == "virtio");
}

TEST_CASE("defaults of a distribution's PC are none of another machine's", "[create_conf]") {
    const auto settings =
        settings_of("web", {{"DIST", "debian"}, {"DISTREL", "4.0"}, {"ARCH", "arm"}});

    CHECK(settings.text("MACHINE") == "virt");
    CHECK(settings.text("NIC") == "");
    CHECK(settings.text("ACCELERATOR") == "QEMU");
}

TEST_CASE("an address file gives MAC and IP of a known label", "[create_conf]") {
    auto sources = sources_of("tst488", {});
    sources.addresses.add_macmap("tst488;00:50:56:13:11:40;172.20.2.232;\n", "macmap.fdb");

    const auto settings = decide(sources).value();

    CHECK(settings.at("MAC") == Value{"00:50:56:13:11:40", Origin::Addresses, "macmap.fdb:1"});
    CHECK(settings.at("IP") == Value{"172.20.2.232", Origin::Addresses, "macmap.fdb:1"});
}

TEST_CASE("what is given goes before an address file, which says what it thinks", "[create_conf]") {
    auto sources = sources_of("tst488", {{"MAC", "00:50:56:13:11:41"}});
    sources.addresses.add_macmap("tst488;00:50:56:13:11:40;172.20.2.232;\n", "macmap.fdb");

    const auto settings = decide(sources).value();

    CHECK(settings.text("MAC") == "00:50:56:13:11:41");
    CHECK(doubts(settings, sources) ==
          std::vector<std::string>{"tst488 has the MAC 00:50:56:13:11:40 by macmap.fdb:1, not "
                                   "00:50:56:13:11:41"});
}

TEST_CASE("blocks make the size of an image where no size is given", "[create_conf]") {
    CHECK(image_bytes(settings_of("web", {{"HDDBOOTIMAGE_INST_BLOCKCOUNT", "8"}})) == 2ULL << 30);
    const auto sources = sources_of(
        "web", {{"HDDBOOTIMAGE_INST_BLOCKCOUNT", "8"}, {"HDDBOOTIMAGE_INST_SIZE", "3G"}});
    const auto settings = decide(sources).value();
    CHECK(image_bytes(settings) == 3ULL << 30);
    CHECK(doubts(settings, sources).at(0) ==
          "HDDBOOTIMAGE_INST_SIZE=3G is used; 8 blocks of 256M are not the same");
}

TEST_CASE("a qcow2 image and its name follow each other", "[create_conf]") {
    CHECK(settings_of("web", {{"IMAGEFORMAT", "QCOW2"}}).text("HDDBOOTIMAGE") == "hda.qcow2");
    CHECK(settings_of("web", {{"HDDBOOTIMAGE", "a.qcow2"}}).text("IMAGEFORMAT") == "qcow2");
}

TEST_CASE("a disk that is there stays the disk, unless another one is given", "[create_conf]") {
    const auto image_of = [](const Pairs& given) {
        auto sources = sources_of("web", given);
        sources.has_qcow2 = true;
        const auto settings = decide(sources).value();
        return settings.text("HDDBOOTIMAGE") + " " + settings.text("IMAGEFORMAT");
    };
    CHECK(image_of({}) == "hda.qcow2 qcow2");
    CHECK(image_of({{"HDDBOOTIMAGE", "b.img"}}) == "b.img raw");
    CHECK(image_of({{"IMAGEFORMAT", "raw"}}) == "hda.img raw");
}

TEST_CASE("values that do not fit each other are refused", "[create_conf]") {
    CHECK(refused_settings("web", {{"DHCP", "n"}}) == "DHCP: without it IP and NETMASK are needed");
    CHECK(refused_settings("web", {{"ARCH", "x86_46"}}) ==
          "ARCH: \"x86_46\" is no architecture that is known here; x86_64?");
    CHECK(refused_settings("web", {{"HDDBOOTIMAGE", "../web.img"}}) ==
          "HDDBOOTIMAGE: \"../web.img\" is neither a plain name nor an absolute path");
    CHECK(refused_settings("web", {{"GRACE", "soon"}}) ==
          "GRACE: \"soon\" is not a time such as 120 or 2m");
    CHECK(refused_settings("web", {{"STARTAFTER", "db dns@rack"}}) ==
          "STARTAFTER: \"dns@rack\" is not a label; blanks stand between them");
    CHECK(refused_settings("web", {{"RELEASE", "5,4"}}) ==
          "DISTREL: \"5,4\" is not a name (RELEASE)");
}

TEST_CASE("a list of variables names the origin of each", "[create_conf]") {
    const auto without = list_variables(sources_of("", {{"RELEASE", "5.4"}}), false).value();
    CHECK(without.find(
              "DISTREL                      5.4                      environment, RELEASE") !=
          std::string::npos);
    CHECK(without.find("MAC                          -                        dependent") !=
          std::string::npos);
    CHECK(without.find("MEMSIZE                      512                      default\n") !=
          std::string::npos);

    const auto with = list_variables(sources_of("web", {}), true).value();
    CHECK(with.find("LABEL                        \x1b[34mweb                     \x1b[0m call") !=
          std::string::npos);
    CHECK(with.find("\x1b[36m52:54:00:1b:4e:28       \x1b[0m made anew") != std::string::npos);
}
