#include "tests/unit/create_conf/samples.h"
#include "tools/create_conf/answers_file.h"
#include "tools/create_conf/fat_image.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::conf;
using namespace ctys::testing;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A second, slow reader of the same format, by the fields of the boot sector.
class FatReader {
public:
    explicit FatReader(std::string image) : image_(std::move(image)) {}

    std::string label() const { return image_.substr(root(), 11); }

    std::string read(const std::string& wanted) const {
        std::string name;
        for (auto at = root(); image_[at] != '\0'; at += 32) {
            if (image_[at + 11] == 0x0f) {
                name = long_name(at);
            } else if (std::exchange(name, {}) == wanted) {
                return content(number(at + 26, 2), number(at + 28, 4));
            }
        }
        return {};
    }

private:
    std::size_t number(std::size_t at, std::size_t bytes) const {
        std::size_t out = 0;
        for (std::size_t i = bytes; i-- > 0;) {
            out = out << 8 | static_cast<unsigned char>(image_[at + i]);
        }
        return out;
    }
    std::size_t sector() const { return number(11, 2); }
    std::size_t fat() const { return number(14, 2) * sector(); }
    std::size_t root() const { return fat() + number(16, 1) * number(22, 2) * sector(); }
    std::size_t data() const { return root() + number(17, 2) * 32; }

    std::string long_name(std::size_t at) const {
        std::string out;
        constexpr auto places =
            std::to_array<std::size_t>({1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30});
        for (const auto place : places) {
            if (number(at + place, 2) == 0) break;
            out += image_[at + place];
        }
        return out;
    }

    std::string content(std::size_t cluster, std::size_t size) const {
        std::string out;
        while (cluster < 0xff8) {
            out += image_.substr(data() + (cluster - 2) * number(13, 1) * sector(), sector());
            const auto pair = number(fat() + cluster * 3 / 2, 2);
            cluster = cluster % 2 == 0 ? pair & 0xfff : pair >> 4;
        }
        return out.substr(0, size);
    }

    std::string image_;
};

} // namespace

TEST_CASE("Red Hat kinds get a kickstart with a serial console, on a disk of its own",
          "[create_conf]") {
    const auto dist = GENERATE(as<std::string>{}, "CentOS", "ScientificLinux", "Fedora");
    const auto files = answers_files(settings_of("tst488", {{"DIST", dist}, {"DISTREL", "12"}}));

    REQUIRE(files.size() == 2);
    CHECK(files[0].name == "tst488.ks");
    CHECK(has(files[0].bytes,
              "bootloader --location=mbr --append=\"console=tty0 console=ttyS0,115200\"\n"));
    CHECK(has(files[0].bytes, "network --bootproto=dhcp --hostname=tst488\n"));
    CHECK_FALSE(has(files[0].bytes, "\nrootpw"));
    const FatReader disk{files[1].bytes};
    CHECK(disk.label() == "OEMDRV     ");
    CHECK(disk.read("ks.cfg") == files[0].bytes);
}

TEST_CASE("sections of a kickstart end where the release knows that", "[create_conf]") {
    const auto text = [](const std::string& dist, const std::string& release) {
        return answers_files(settings_of("a", {{"DIST", dist}, {"DISTREL", release}})).at(0).bytes;
    };

    CHECK_FALSE(has(text("CentOS", "5.4"), "%end"));
    CHECK(has(text("CentOS", "6.1"), "%end"));
    CHECK_FALSE(has(text("Fedora", "8"), "%end"));
    CHECK(has(text("Fedora", "13"), "%end"));
}

TEST_CASE("Debian gets a preseed with a serial console", "[create_conf]") {
    const auto files = answers_files(settings_of("web",
                                                 {{"DIST", "debian"},
                                                  {"DISTREL", "12"},
                                                  {"DHCP", "n"},
                                                  {"IP", "172.20.6.23"},
                                                  {"NETMASK", "255.255.0.0"}}));

    REQUIRE(files.size() == 1);
    CHECK(files[0].name == "web.preseed");
    CHECK(has(files[0].bytes,
              "d-i debian-installer/add-kernel-opts string console=tty0 console=ttyS0,115200\n"));
    CHECK(has(files[0].bytes, "d-i netcfg/get_ipaddress string 172.20.6.23\n"));
}

TEST_CASE("Ubuntu gets a NoCloud seed with a serial console", "[create_conf]") {
    const auto files = answers_files(settings_of("web",
                                                 {{"DIST", "Ubuntu"},
                                                  {"DISTREL", "22.04"},
                                                  {"DHCP", "n"},
                                                  {"IP", "172.20.6.23"},
                                                  {"NETMASK", "255.255.0.0"}}));

    REQUIRE(files.size() == 3);
    CHECK(files[0].name == "web.user-data");
    CHECK(files[0].bytes.starts_with("#cloud-config\n"));
    CHECK(has(files[0].bytes, "console=tty0 console=ttyS0,115200"));
    CHECK(has(files[0].bytes, "addresses: ['172.20.6.23/16']\n"));
    const FatReader disk{files[2].bytes};
    CHECK(disk.label() == "CIDATA     ");
    CHECK(disk.read("user-data") == files[0].bytes);
    CHECK(disk.read("meta-data") ==
          "instance-id: 1b4e28ba-2fa1-41d2-883f-0016d3cca427\nlocal-hostname: web\n");
}

TEST_CASE("an Ubuntu from before its own installer gets a preseed", "[create_conf]") {
    const auto files = answers_files(settings_of("web", {{"DIST", "Ubuntu"}, {"DISTREL", "9.10"}}));

    REQUIRE(files.size() == 1);
    CHECK(files[0].name == "web.preseed");
}

TEST_CASE("nobody gets answers that no installer reads", "[create_conf]") {
    CHECK(answers_files(settings_of("web", {{"DIST", "QNX"}})).empty());
    CHECK(answers_files(settings_of("web", {{"DIST", "debian"}, {"KICKSTART", "none"}})).empty());
}

TEST_CASE("a file of many sectors is read back from a floppy", "[create_conf]") {
    std::string large;
    for (int i = 0; i < 3000; ++i) {
        large += std::to_string(i) + "\n";
    }
    const FatReader disk{
        fat_image("X", {{"first", "1"}, {"a-longer-name", large}, {"last", "3"}}).value()};

    CHECK(disk.read("first") == "1");
    CHECK(disk.read("a-longer-name") == large);
    CHECK(disk.read("last") == "3");
    CHECK(disk.read("none").empty());
}

TEST_CASE("what does not fit a floppy is refused", "[create_conf]") {
    CHECK_FALSE(fat_image("X", {{"a", std::string(fat_image_bytes, 'x')}}));
    CHECK_FALSE(fat_image("X", {{"a-name-of-14-c", "x"}}));
    CHECK_FALSE(fat_image("X", {{"", "x"}}));
}
