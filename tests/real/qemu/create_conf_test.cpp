// ctys-createConfVM as people call it: what it leaves on a disk, and what QEMU's tools say to that.
#include "tests/real/qemu/site.h"
#include "tests/support/guests.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <set>
#include <sys/resource.h>

using namespace ctys;
using namespace ctys::testing;

namespace {

const std::set<std::string> nothing_new{"other"};

} // namespace

TEST_CASE("each recipe's page begins with a call that makes its VM", "[create_conf][real]") {
    const auto index = text_of(CTYS_RECIPES "/README.md");
    std::size_t pages = 0;
    for (const auto& entry : std::filesystem::directory_iterator{CTYS_RECIPES}) {
        const auto name = entry.path().filename().string();
        if (name == "README.md") continue;
        ++pages;
        CAPTURE(name);
        CHECK(has(index, "](" + name + ")"));
        const auto text = text_of(entry.path().string());
        const auto begin = text.find("\n    ");
        REQUIRE(begin != std::string::npos);
        const auto call = text.substr(begin + 5, text.find('\n', begin + 1) - begin - 5);
        const auto at = call.find("--label=") + 8;
        const auto label = call.substr(at, call.find(' ', at) - at);
        Site site;

        const auto made = site.run(call);

        CAPTURE(made.said);
        REQUIRE(made.status == 0);
        for (const auto* key : {"KERNELIMAGE", "INITRDIMAGE"}) {
            if (const auto file = site.value(label, key); !file.empty()) site.write(file, "x");
        }
        CHECK(has(call_of(site, label, "--startercall=/bin/true"), "guest=" + label + ","));
    }
    CHECK(pages == 11);
}

TEST_CASE("the whole set takes less than a second of a processor", "[create_conf][real]") {
    Site site;
    rusage before{};
    rusage after{};
    ::getrusage(RUSAGE_CHILDREN, &before);

    const auto made =
        site.run("DIST=Ubuntu ctys-createConfVM --label=web --no-create-image --auto-all");

    ::getrusage(RUSAGE_CHILDREN, &after);
    REQUIRE(made.status == 0);
    const auto seconds = [](const rusage& usage) {
        const auto of = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
        };
        return of(usage.ru_utime) + of(usage.ru_stime);
    };
    CHECK(seconds(after) - seconds(before) < 1.0);
}

TEST_CASE("a made VM starts, with the guest on its disk", "[create_conf][real]") {
    Site site;
    std::filesystem::create_directory(site.path("web"));
    write_guest_image(site.path("web/hda.img"), Guest::Ending);
    REQUIRE(
        site.run("MEMSIZE=32 ctys-createConfVM --label=web --auto-all --no-create-image").status ==
        0);
    std::filesystem::create_directory(site.path("i"));
    std::filesystem::permissions(site.path("i"), std::filesystem::perms::owner_all);

    const auto ran = site.run("timeout 60 sh web/web.sh --instance-dir=" + site.path("i"));

    CAPTURE(ran.said);
    CHECK(ran.status == 0);
    CHECK(has(text_of(site.path("i/serial.log")), "up\r\n"));
}

TEST_CASE("qemu-img makes a qcow2 image", "[create_conf][real]") {
    Site site;

    REQUIRE(site.run("IMAGEFORMAT=qcow2 HDDBOOTIMAGE_INST_SIZE=3G ctys-createConfVM --label=web "
                     "--auto-all")
                .status == 0);

    const auto facts = image_facts(site, "web/hda.qcow2");
    CHECK(has(facts, "\"virtual-size\": 3221225472"));
    CHECK(has(facts, "\"format\": \"qcow2\""));
    CHECK(has(call_of(site, "web", ""), "/hda.qcow2,format=qcow2,if=ide"));
}

TEST_CASE("in an empty directory the VM is made there, by dialogue or unasked",
          "[create_conf][real]") {
    const bool dialogue = GENERATE(true, false);
    Site site;
    std::filesystem::create_directory(site.path("empty"));
    const std::string call = "cd empty && ctys-createConfVM -t QEMU --label=tst253";

    const auto made = dialogue ? site.run(call, "C\n\n") : site.run(call + " --auto-all");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(site.names("empty") == std::set<std::string>{"tst253.ctys", "tst253.sh", "hda.img"});
    const auto checked = site.run("cd empty && sh tst253.sh --print --check");
    CAPTURE(checked.said);
    CHECK(checked.status == 0);
    CHECK(has(checked.said, "guest=tst253,"));
}

TEST_CASE("a new configuration for an image is made beside it", "[create_conf][real]") {
    Site site;
    site.write(site.path("old/hda.img"), "precious");

    REQUIRE(
        site.run("cd old && ctys-createConfVM --label=web --no-create-image --auto-all").status ==
        0);

    CHECK(site.names("old") == std::set<std::string>{"web.ctys", "web.sh", "hda.img"});
    CHECK(text_of(site.path("old/hda.img")) == "precious");
}

TEST_CASE("a VM that is made anew keeps its qcow2 disk", "[create_conf][real]") {
    Site site;
    const std::string again = "ctys-createConfVM --label=web --no-create-image --auto-all";
    site.write(site.path("web/hda.qcow2"), "precious");

    const bool inside = GENERATE(true, false);
    const auto made = site.run(inside ? "cd web && " + again : again);

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(site.names("web") == std::set<std::string>{"web.ctys", "web.sh", "hda.qcow2"});
    CHECK(has(text_of(site.path("web/web.ctys")), "hda.qcow2"));
    CHECK(text_of(site.path("web/hda.qcow2")) == "precious");
}

TEST_CASE("types of the original that are no VMs of QEMU are answered", "[create_conf][real]") {
    const auto type = GENERATE(as<std::string>{}, "VMW", "VBOX", "xen");
    Site site;

    const auto ran =
        site.run("mkdir empty && cd empty && ctys-createConfVM --label=web --auto-all -t " + type);

    CHECK(ran.status == 1);
    CHECK(has(ran.said, ": only VMs of QEMU and KVM are made here"));
    CHECK(has(ran.said, "ctys-createConfVM -t QEMU --label=NAME"));
    CHECK(site.names("empty").empty());
}

TEST_CASE("variables of Xen are answered, not ignored", "[create_conf][real]") {
    Site site;

    const auto ran = site.run("DOMU_KERNEL=/boot/x ctys-createConfVM --label=web --auto-all");

    CHECK(ran.status == 0);
    CHECK(has(ran.said, "note: DOMU_KERNEL: of a Xen guest, no VM of QEMU has it; "));
}

TEST_CASE("what was there before is kept and ignored", "[create_conf][real]") {
    Site site;
    REQUIRE(site.run("ctys-createConfVM --label=web --auto-all").status == 0);
    const auto uuid = site.value("web", "UUID");

    const auto again = site.run("MEMSIZE=64 ctys-createConfVM --label=web --auto-all");

    CAPTURE(again.said);
    REQUIRE(again.status == 0);
    CHECK(site.value("web", "MEMSIZE") == "64");
    std::string kept;
    for (const auto& name : site.names("web")) {
        if (name.starts_with("web.ctys.")) kept = name;
    }
    REQUIRE(!kept.empty());
    CHECK(site.names("web") == std::set<std::string>{"hda.img", "web.ctys", kept, "web.sh"});
    const auto before =
        qemu::read_configuration(text_of(site.path("web/" + kept)), "/web.ctys").value();
    CHECK(before.ignored);
    CHECK(qemu::setting(before, "UUID") == uuid);
    CHECK(has(again.said, "hda.img is there and stays as it is; --create-image makes a new one"));
}

TEST_CASE("Ctrl-C while qemu-img works leaves nothing", "[create_conf][real]") {
    Site site;
    site.add_program("qemu-img", "kill -INT $PPID\n");

    const auto ran = site.run("IMAGEFORMAT=qcow2 ctys-createConfVM --label=web --auto-all");

    CHECK(ran.status == 130);
    CHECK(ran.said == "ctys-createConfVM: interrupted; nothing was made\n");
    CHECK(site.names("") == nothing_new);
}

TEST_CASE("a qemu-img that fails leaves everything as it was", "[create_conf][real]") {
    Site site;
    site.write(site.path("web/web.ctys"), "#@#MAGICID-QEMU\nLABEL=web\n");
    site.add_program("qemu-img", "echo no room >&2; exit 1\n");

    const auto ran = site.run("IMAGEFORMAT=qcow2 ctys-createConfVM --label=web --auto-all");

    CHECK(ran.status == 1);
    CHECK(has(ran.said, "no room\n"));
    CHECK(site.names("web") == std::set<std::string>{"web.ctys"});
    CHECK(text_of(site.path("web/web.ctys")) == "#@#MAGICID-QEMU\nLABEL=web\n");
}

TEST_CASE("answers that end too early make nothing", "[create_conf][real]") {
    Site site;

    const auto ran = site.run("ctys-createConfVM --label=web", "y\ny\n");

    CHECK(ran.status == 2);
    CHECK(has(ran.said,
              "ctys-createConfVM: the answers ended before the questions; nothing was made\n"));
    CHECK(site.names("") == nothing_new);
}

TEST_CASE("a script that answers nothing of use is given up", "[create_conf][real]") {
    Site site;
    std::string answers;
    for (int i = 0; i < 1000; ++i) {
        answers += "maybe\n";
    }

    const auto ran = site.run("ctys-createConfVM --label=web", answers);

    CHECK(ran.status == 2);
    CHECK(has(ran.said, "given up: 10 answers that cannot be taken"));
    CHECK(site.names("") == nothing_new);
}

TEST_CASE("a dialogue makes what was answered, once it is confirmed", "[create_conf][real]") {
    const bool confirmed = GENERATE(true, false);
    Site site;

    // EDITOR is kept, the state changed, the rest taken as it is.
    const auto ran = site.run("ctys-createConfVM --label=web --expert",
                              std::string{"y\nn\ntemplate\nC\n"} + (confirmed ? "y\n" : "n\n"));

    CAPTURE(ran.said);
    CHECK(ran.status == (confirmed ? 0 : 1));
    CHECK(has(ran.said, "VMSTATE=ACTIVE (default)  [Y/n/C] VMSTATE="));
    CHECK(has(ran.said, "#@#VMSTATE = \"TEMPLATE\"\n"));
    if (confirmed) CHECK(site.value("web", "VMSTATE") == "TEMPLATE");
    if (!confirmed) CHECK(site.names("") == nothing_new);
}

TEST_CASE("each hostile value is one sentence, and nothing is made", "[create_conf][real]") {
    const auto [call, sentence] = GENERATE(table<std::string, std::string>({
        {"DIST=\"a\\\"b\" ctys-createConfVM --label=web",
         "DIST: \"a\"b\" holds a \", which means something to bash"},
        {"INSTCDROM=\"/\\$(touch x)\" ctys-createConfVM --label=web",
         "INSTSRCCDROM: \"/$(touch x)\" holds a $, which means something to bash (INSTCDROM)"},
        {"OS=\"a\nb\" ctys-createConfVM --label=web",
         "OS: a value is one line, without control characters"},
        {"MACHINE=pc,kernel=/x ctys-createConfVM --label=web",
         "MACHINE: \"pc,kernel=/x\" is not a single word"},
        {"DIST=$(printf %0102400d 1) ctys-createConfVM --label=web",
         "DIST: a value of 102400 bytes; at most 1024 are taken"},
        {"UUID=zz ctys-createConfVM --label=web",
         "UUID: \"zz\" is not a UUID (32 hexadecimal digits)"},
        {"MAC=zz ctys-createConfVM --label=web",
         "MAC: \"zz\" is not a MAC address such as 00:50:56:16:11:0b"},
        {"ctys-createConfVM --label=", "--label= has no value"},
        {"ctys-createConfVM --label=a/b",
         "LABEL: \"a/b\" is not a label (letters, digits, _ . - and at most 63)"},
    }));
    Site site;

    const auto ran = site.run(call + " --auto-all");

    CHECK(ran.status == 2);
    CHECK(ran.said == "ctys-createConfVM: " + sentence + "\n");
    CHECK(site.names("") == nothing_new);
}

TEST_CASE("a VM on another machine is made there, with the variables of here",
          "[create_conf][real]") {
    Site site;
    // Goes to another folder instead of another machine.
    site.add_program("ssh",
                     "while [ \"$1\" != -- ]; do shift; done\n"
                     "[ \"$2\" = tst@app1 ] || { echo \"no route to $2\" >&2; exit 255; }\n"
                     "mkdir -p ../there && cd ../there && exec env -u MEMSIZE bash -c \"$3\"\n");

    const auto ran = site.run("MEMSIZE=96 DIST=\"de bian\" ctys-createConfVM -t QEMU --label=web "
                              "--no-create-image --auto-all tst@app1");

    CAPTURE(ran.said);
    CHECK(ran.status == 0);
    CHECK(site.names("") == nothing_new);
    const auto made = text_of(site.path("../there/web.ctys"));
    CHECK(has(made, "MEMSIZE=${MEMSIZE:-96}"));
    CHECK(has(made, "#@#DIST = \"de bian\""));
    const auto refused = site.run("ctys-createConfVM --label=a.b/c --auto-all tst@app1");
    CHECK(refused.status == 2);
    const auto nowhere = site.run("ctys-createConfVM --label=web --auto-all nobody@nowhere");
    CHECK(nowhere.status == 6);
    CHECK(has(nowhere.said, "ssh did not get to nobody@nowhere"));
}

TEST_CASE("what is no other machine is told", "[create_conf][real]") {
    Site site;

    const auto variable = site.run("ctys-createConfVM --label=web --auto-all IMAGEFORMAT=qcow2");
    CHECK(variable.status == 2);
    CHECK(has(variable.said, "IMAGEFORMAT=qcow2: variables stand before the program"));
    CHECK(site.run("ctys-createConfVM --label=web --auto-all a b").status == 2);
    CHECK(site.names("") == nothing_new);
}

TEST_CASE("the variables are listed with their origin, by each name of the option",
          "[create_conf][real]") {
    const auto option = GENERATE(as<std::string>{},
                                 "--list-environment-variable-options",
                                 "--list-env-var-options",
                                 "--levo",
                                 "-levo");
    Site site;

    const auto ran = site.run("RELEASE=5.4 ctys-createConfVM " + option);

    CHECK(ran.status == 0);
    CHECK(has(ran.said,
              "DISTREL                      5.4                      environment, RELEASE"));
    CHECK(has(ran.said, "MEMSIZE                      512                      default"));
}

TEST_CASE("a defaults file is written, read again, and not replaced unasked",
          "[create_conf][real]") {
    Site site;
    REQUIRE(site.run("MEMSIZE=640 ctys-createConfVM --auto-all --label=x --defaults-file-create")
                .status == 0);
    const auto file = site.home(".ctys/ctys-createConfVM.d/defaults-QEMU.ctys");
    CHECK(has(text_of(file), "\nMEMSIZE=640\n"));

    CHECK(site.run("ctys-createConfVM --auto-all --label=x --defaults-file-create").status == 5);
    REQUIRE(site.run("ctys-createConfVM --auto-all --label=web").status == 0);
    CHECK(site.value("web", "MEMSIZE") == "640");
    REQUIRE(site.run("ctys-createConfVM --auto-all --label=web2 --no-load-defaults-file").status ==
            0);
    CHECK(site.value("web2", "MEMSIZE") == "512");
}

TEST_CASE("an original's pair is adopted, and checked by the new wrapper", "[create_conf][real]") {
    Site site;
    site.write(site.path("tst253/tst253.ctys"),
               "#@#MAGICID-QEMU\n#@#LABEL = \"tst253\"\nLABEL=tst253\n#@#STACKCAP = \"none\"\n"
               "#@#UUID = \"91d24b1a-8c7e-4c0f-8e2b-0123456789ab\"\n"
               "UUID=91d24b1a-8c7e-4c0f-8e2b-0123456789ab\n"
               "STARTERCALL=/opt/qemu/bin/qemu\nHDDBOOTIMAGE=\"${HDDBOOTIMAGE:-$CTYSWRAPPERPATH/"
               "hda.img}\"\n"
               "TIMEOPT=-localtime\n");
    site.write(site.path("tst253/tst253.sh"), "#!/bin/bash\nMEMSIZE=96\nexec $STARTERCALL\n");
    site.write(site.path("tst253/hda.img"), std::string(1 << 20, '\0'));

    const auto ran = site.run("ctys-createConfVM --adopt tst253/tst253.ctys");

    CAPTURE(ran.said);
    REQUIRE(ran.status == 0);
    CHECK(has(ran.said, "STARTERCALL: /opt/qemu/bin/qemu is not a program of this machine"));
    CHECK(site.value("tst253", "STACKCAP") == "none");
    CHECK(call_of(site, "tst253", "").starts_with("/usr/bin/qemu-system-x86_64 "));
    CHECK(has(call_of(site, "tst253", ""), "-m 96 "));
    CHECK(has(call_of(site, "tst253", ""),
              "-rtc base=localtime -drive file=" + site.path("tst253/hda.img")));
    std::size_t kept = 0;
    for (const auto& name : site.names("tst253")) {
        if (name.starts_with("tst253.ctys.") || name.starts_with("tst253.sh.")) ++kept;
    }
    CHECK(kept == 2);
}

TEST_CASE("nothing is adopted where the wrapper beside it cannot be read", "[create_conf][real]") {
    Site site;
    site.write(site.path("tst253/tst253.ctys"), "#@#MAGICID-QEMU\nLABEL=tst253\n");
    std::filesystem::create_symlink("tst253.sh", site.path("tst253/tst253.sh"));
    const auto before = site.names("tst253");

    const auto ran = site.run("ctys-createConfVM --adopt tst253/tst253.ctys");

    CAPTURE(ran.said);
    CHECK(ran.status == 1);
    CHECK(has(ran.said, "cannot read "));
    CHECK(has(ran.said, "tst253/tst253.sh: "));
    CHECK(site.names("tst253") == before);
}

TEST_CASE("what is installed has the files of its installer and says how", "[create_conf][real]") {
    Site site;

    const auto ran =
        site.run("DIST=Fedora DISTREL=39 ctys-createConfVM --label=web --auto-all -C -D vm");

    REQUIRE(ran.status == 0);
    CHECK(site.names("vm") ==
          std::set<std::string>{"hda.img", "web-seed.img", "web.ctys", "web.ks", "web.sh"});
    CHECK(has(ran.said, "sh web.sh --instmode --argsadd="));
    site.write(site.path("a.iso"), "x");
    CHECK(site.run("cd vm && sh web.sh --check --print --instmode=CD%../a.iso --argsadd=\"-drive "
                   "file=$PWD/web-seed.img,format=raw,if=virtio,readonly=on\"")
              .status == 0);
}
