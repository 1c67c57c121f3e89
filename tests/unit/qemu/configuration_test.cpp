#include "mesh/qemu/configuration.h"
#include "mesh/qemu/shell_word.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::qemu;
using namespace std::chrono_literals;

namespace {

constexpr auto typical = R"(#!/bin/bash
#@#MAGICID-do-not-IGNORE =>ACTIVATED
#@#INST_DATE   =  20100412
#@#MAGICID-QEMU
#@#LABEL = "tst253"
LABEL=tst253
#@#SESSIONTYPE = "QEMU"
#@#UUID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
#@#IP0      = "172.20.2.253%255.255.255.0%%eth0%22%"
#@#MAC0   =   "00:50:56:13:12:FD"
MAC0=00:50:56:13:12:FD
#@#VMSTATE = "active"
#@#GRACE = "2m"
#@#LABEL = "second"
ARCH=amd64
MEMSIZE=${MEMSIZE:-512}
SMP=2
HDDBOOTIMAGE="${CTYSWRAPPERPATH}/$LABEL.img"   # the disk
HDDBOOTIMAGE_INST_SIZE='8 G'
KERNELIMAGE=`ls /boot | tail -1`
STARTERCALL=$(which qemu)
if [ -n "$X" ];then
  SMP=8
fi
DEFAULTBOOTMODE=HDD make
)";

Configuration read(std::string_view text, std::string_view path = "/vm/tst253/tst253.ctys") {
    return read_configuration(text, path).value();
}

} // namespace

TEST_CASE("a typical configuration gives its VM without running anything", "[qemu]") {
    const auto configuration = read(typical);

    CHECK(configuration.is_qemu);
    CHECK_FALSE(configuration.ignored);
    CHECK(configuration.uuid_usable);
    CHECK(configuration.vm.id.to_string() == "1b4e28ba-2fa1-11d2-883f-0016d3cca427");
    CHECK(configuration.vm.label == "tst253");
    CHECK(configuration.vm.type == "QEMU");
    CHECK(configuration.vm.macs == std::vector<std::string>{"00:50:56:13:12:fd"});
    CHECK(configuration.vm.ips == std::vector<std::string>{"172.20.2.253"});
    CHECK(configuration.vm.arch == "x86_64");
    CHECK(configuration.vm.memory_mb == 512);
    CHECK(configuration.vm.grace == 2min);
    CHECK(configuration.vmstate == "ACTIVE");
    CHECK(configuration.wrapper == "/vm/tst253/tst253.sh");
    CHECK(setting(configuration, "INST_DATE") == "20100412");
    CHECK(setting(configuration, "HDDBOOTIMAGE") == "/vm/tst253/tst253.img");
    CHECK(setting(configuration, "HDDBOOTIMAGE_INST_SIZE") == "8 G");
    CHECK(setting(configuration, "DEFAULTBOOTMODE").empty());
}

TEST_CASE("a configuration says what becomes of its VM with its machine", "[qemu]") {
    const auto silent = read(typical);
    const auto vm = read("#@#LABEL = web\n#@#ONSTOP = \"Leave\"\n#@#ONBOOT = like-before\n"
                         "#@#STARTAFTER = \" db  cache db \"\n")
                        .vm;

    CHECK(silent.vm.on_stop == OnStop::Shutdown);
    CHECK(silent.vm.on_boot == OnBoot::No);
    CHECK(silent.vm.start_after.empty());
    CHECK(vm.on_stop == OnStop::Leave);
    CHECK(vm.on_boot == OnBoot::LikeBefore);
    CHECK(vm.start_after == std::vector<std::string>{"db", "cache"});
}

TEST_CASE("a VM does not wait for itself, nor for more than anybody has", "[qemu]") {
    std::string text = "#@#LABEL = web\n#@#STARTAFTER = \"web";
    for (int i = 0; i < 100; ++i) {
        text += fmt::format(" vm{}", i);
    }

    const auto configuration = read(text + "\"\n");

    CHECK(configuration.vm.start_after.size() == 64);
    CHECK(configuration.warnings.size() == 2);
}

TEST_CASE("what only bash can tell is kept as written", "[qemu]") {
    const auto configuration = read(typical);

    CHECK(configuration.dynamic == std::vector<Setting>{{"KERNELIMAGE", "`ls /boot | tail -1`", 20},
                                                        {"STARTERCALL", "$(which qemu)", 21},
                                                        {"SMP", "8", 23}});
    CHECK(configuration.vm.vcpus == 0);
}

TEST_CASE("marks decide whether a scan shows the configuration", "[qemu]") {
    CHECK(read("#@#MAGICID-IGNORE\n").ignored);
    CHECK(read("#@# MAGICID-NOENUM \n").not_listed);
    CHECK(read("#@#MAGICID-QEMU").is_qemu);
    CHECK_FALSE(read("#@#MAGICID-QEMU2\n# MAGICID-QEMU\n").is_qemu);
    CHECK_FALSE(read("#@#MAGICID-do-not-IGNORE\n").ignored);
}

TEST_CASE("warnings name the line", "[qemu]") {
    const auto [text, line, warning] = GENERATE(table<std::string, std::uint32_t, std::string>({
        {"#@#UUID=\"x\"\n", 1, "UUID \"x\" is not a UUID"},
        {"\n#@#UUID=00000000-0000-0000-0000-000000000000\n",
         2,
         "UUID \"00000000-0000-0000-0000-000000000000\" identifies nothing and counts as none"},
        {"#@#LABEL=\"a\"\n\nLABEL=b\n", 3, "LABEL \"b\" differs from line 1, which is used"},
        {"#@#LABEL=\"a b\"\n", 1, "LABEL \"a b\" is not a label; the file's name is used"},
        {"#@#GRACE = \"soon\"\n",
         1,
         "GRACE \"soon\" is not a time such as \"120\" or \"2m\"; none is used"},
        {"#@#GRACE = -5\n",
         1,
         "GRACE \"-5\" is not a time such as \"120\" or \"2m\"; none is used"},
        {"#@#GRACE = 1y\n",
         1,
         "GRACE \"1y\" is not a time such as \"120\" or \"2m\"; none is used"},
        {"#@#ONSTOP = \"off\"\n",
         1,
         "ONSTOP \"off\" is not shutdown, suspend, leave or kill; shutdown is used"},
        {"#@#ONBOOT = \"yes\"\n", 1, "ONBOOT \"yes\" is not start, like-before or no; no is used"},
        {"#@#STARTAFTER = \"db a/b\"\n",
         1,
         "STARTAFTER \"db a/b\" names \"a/b\", which is no label; it is left out (blanks stand "
         "between labels)"},
        {"#@#LABEL = web\n#@#STARTAFTER = \"web db\"\n",
         2,
         "STARTAFTER \"web db\" names this VM itself; it is left out"},
        {"MEMSIZE=lots\n", 1, "MEMSIZE \"lots\" is not a size"},
        {"SMP=-1\n", 1, "SMP \"-1\" is not a number of CPUs"},
        {"#@#MAC0 = \"zz\"\n", 1, "MAC0 \"zz\" is not a MAC address"},
        {"#@#OS = \"Linux\n", 1, "the quote of OS is not closed"},
        {"#@#OS = \"M\xfcnchen\"\n", 1, "OS is not UTF-8; the bytes are shown as '?'"},
    }));
    CAPTURE(text);

    const auto configuration = read(text);

    REQUIRE(configuration.warnings.size() == 1);
    CHECK(configuration.warnings[0] == Warning{line, warning});
    CHECK_FALSE(configuration.uuid_usable);
}

TEST_CASE("a configuration without a label takes the file's name", "[qemu]") {
    CHECK(read("", "/vm/a/web1.ctys").vm.label == "web1");
    CHECK(read("", "/vm/a/web1.conf").wrapper == "/vm/a/web1.sh");
    CHECK(read("", "/vm.d/web1").wrapper == "/vm.d/web1.sh");
}

TEST_CASE("later assignments win as they do in bash, first keys win as in the scan", "[qemu]") {
    const auto configuration =
        read("A=1\nA=2\nB=$A$A\nexport C=${B}x\nA=$(x)\nD=$A\n#@#K=1\n#@#K=2\n");

    CHECK(setting(configuration, "A").empty());
    CHECK(setting(configuration, "B") == "22");
    CHECK(setting(configuration, "C") == "22x");
    CHECK(setting(configuration, "D").empty());
    CHECK(setting(configuration, "K") == "1");
}

TEST_CASE("a text over several lines is not read as assignments", "[qemu]") {
    const auto configuration =
        read("TEXT=\"first\nUUID=1b4e28ba-2fa1-11d2-883f-0016d3cca427\n\"\nSMP=2\n");

    CHECK_FALSE(configuration.uuid_usable);
    CHECK(configuration.vm.vcpus == 2);
}

TEST_CASE("what cannot be a configuration is refused with its line", "[qemu]") {
    using namespace std::string_literals;
    const auto message = [](std::string_view text) {
        return read_configuration(text, "/x.ctys").error().message;
    };

    CHECK(message("a\nb\0c\n"s) == "line 2 contains a NUL byte");
    CHECK(message("\n\n" + std::string(20000, 'x')) ==
          "line 3 has 20000 bytes, at most 16384 are allowed");
    CHECK(message(std::string(1024 * 1024 + 1, '\n')) ==
          "a configuration of 1048577 bytes; at most 1048576 are read");
}

TEST_CASE("constants that double themselves stay bounded", "[qemu]") {
    std::string text = "A=xxxxxxxxxxxxxxxx\n";
    for (int i = 0; i < 100; ++i) {
        text += "A=$A$A\n";
    }

    const auto configuration = read(text);

    for (const auto& one : configuration.vm.settings) {
        CHECK(one.value.size() <= 16384);
    }
    CHECK_FALSE(configuration.dynamic.empty());
}

TEST_CASE("an endless configuration is read up to a bound, with a warning", "[qemu]") {
    std::string text;
    for (int i = 0; i < 10000; ++i) {
        text += fmt::format("K{}=1\n", i);
    }

    const auto configuration = read(text);

    CHECK(configuration.vm.settings.size() == 4096);
    CHECK(configuration.warnings.at(0) ==
          Warning{4097, "more than 4096 settings; the rest is not read"});
}

TEST_CASE("words are read with bash's quoting", "[qemu]") {
    const Variables known{{"A", "1"}, {"EMPTY", ""}};
    const auto [text, value] = GENERATE(table<std::string, std::optional<std::string>>({
        {"plain", "plain"},
        {"a'b c'\"d $A\"e", "ab cd 1e"},
        {"'$A'", "$A"},
        {"a\\ b", "a b"},
        {"\"a\\\"b\\n\"", "a\"b\\n"},
        {"${A}x", "1x"},
        {"${B:-2}", "2"},
        {"${A:-2}", "1"},
        {"${EMPTY:-2}", "2"},
        {"x # comment", "x"},
        {"x;", "x"},
        {"x#y", "x#y"},
        {"", ""},
        {"$B", std::nullopt},
        {"${B:-$A}", std::nullopt},
        {"${A%x}", std::nullopt},
        {"$(date)", std::nullopt},
        {"`date`", std::nullopt},
        {"(a b)", std::nullopt},
        {"\"open", std::nullopt},
        {"a\\", std::nullopt},
    }));
    CAPTURE(text);

    CHECK(read_shell_word(text, known).value == value);
}

TEST_CASE("keys that differ from their variables are told apart from what agrees", "[qemu]") {
    const auto configuration = read("#@#LABEL = \"web\"\nLABEL=db\n#@#MAC0 = \"a\"\nMAC0=a\n"
                                    "#@#LABEL = \"second\"\nSMP=1\nSMP=2\n#@#SMP = 1\n");

    const auto differing = differing_peers(configuration);

    REQUIRE(differing.size() == 2);
    CHECK(differing[0] == DifferingPeers{{"LABEL", "web", 1}, {"LABEL", "db", 2}});
    CHECK(differing[1] == DifferingPeers{{"SMP", "1", 8}, {"SMP", "2", 7}});
}
