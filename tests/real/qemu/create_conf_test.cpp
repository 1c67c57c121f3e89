// ctys-createConfVM as people call it: what it leaves on a disk, and what QEMU's tools say to that.
#include "mesh/qemu/configuration.h"
#include "tests/support/board_kernels.h"
#include "tests/support/guests.h"
#include "tests/support/temporary_directory.h"

#include <catch2/catch.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <sys/resource.h>
#include <sys/wait.h>

using namespace ctys;
using namespace ctys::testing;

namespace {

struct Ran {
    int status = -1;
    std::string said; ///< standard output and error
};

std::string text_of(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream{path}.rdbuf();
    return out.str();
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A user's home and working directory, with the programs of this build in PATH.
class Site {
public:
    // Another VM is there already: an empty directory would become that of the new one.
    Site() : work_(home_ / "work_place") {
        std::filesystem::create_directories(work_ + "/other");
        std::filesystem::create_directories(home_ / "bin");
    }

    Ran run(const std::string& command, const std::string& input = "") const {
        std::ofstream{home_ / "input"} << input;
        // Nothing of the tester's own shell may be taken for a variable of the VM.
        const auto script = "cd '" + work_ + "' && exec env --default-signal=INT -i HOME='" +
                            home_.path() + "' PATH='" + home_.path() + "/bin:" CTYS_PROGRAMS ":" +
                            std::getenv("PATH") + "' CTYS_QEMU_CALL=" CTYS_QEMU_CALL " bash -c '" +
                            command + "' < '" + home_.path() + "/input' 2>&1";
        Ran out;
        FILE* pipe = ::popen(script.c_str(), "r");
        REQUIRE(pipe != nullptr);
        std::array<char, 4096> bytes{};
        for (std::size_t count = 1; count > 0;) {
            count = std::fread(bytes.data(), 1, bytes.size(), pipe);
            out.said.append(bytes.data(), count);
        }
        const int status = ::pclose(pipe);
        out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return out;
    }

    std::string path(const std::string& name) const { return work_ + "/" + name; }
    std::string home(const std::string& name) const { return home_ / name; }

    void write(const std::string& file, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path{file}.parent_path());
        std::ofstream{file} << text;
    }

    // A program of the user's own, before those of the system.
    void add_program(const std::string& name, const std::string& script) const {
        write(home("bin/" + name), "#!/bin/bash\n" + script);
        std::filesystem::permissions(home("bin/" + name), std::filesystem::perms::owner_all);
    }

    std::set<std::string> names(const std::string& folder) const {
        std::set<std::string> out;
        for (const auto& entry : std::filesystem::directory_iterator{path(folder)}) {
            out.insert(entry.path().filename().string());
        }
        return out;
    }

    std::string value(const std::string& label, std::string_view key) const {
        const auto file = path(label + "/" + label + ".ctys");
        const auto configuration = qemu::read_configuration(text_of(file), file);
        REQUIRE(configuration);
        return std::string{qemu::setting(*configuration, key)};
    }

private:
    support::TemporaryDirectory home_;
    std::string work_;
};

std::string image_facts(const Site& site, const std::string& image) {
    const auto info = site.run("qemu-img info --output=json " + image);
    REQUIRE(info.status == 0);
    return info.said;
}

// QEMU's command line of a made VM, up to and behind what every VM has.
std::string call_of(const Site& site, const std::string& label, const std::string& rest) {
    const auto said =
        site.run("sh " + label + "/" + label + ".sh --print --check --instance-dir=/i " + rest);
    CAPTURE(said.said);
    REQUIRE(said.status == 0);
    const auto last = said.said.rfind('\n', said.said.size() - 2) + 1;
    return said.said.substr(last == std::string::npos ? 0 : last);
}

std::string expected_call(const Site& site,
                          const std::string& binary,
                          const std::string& label,
                          const std::string& machine,
                          const std::string& devices) {
    return binary + " -nodefaults -no-user-config -display none -name guest=" + label +
           ",process=ctys-" + label + ",debug-threads=on -uuid " + site.value(label, "UUID") +
           " -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny "
           "-machine " +
           machine +
           " -chardev socket,id=ctysqmp,path=/i/qmp.sock,reconnect=1 -mon "
           "chardev=ctysqmp,mode=control -chardev "
           "socket,id=ctysconsole,path=/i/serial.sock,reconnect=1,mux=on,logfile=/i/serial.log,"
           "logappend=on -serial chardev:ctysconsole -mon chardev=ctysconsole,mode=readline -trace "
           "qemu_system_shutdown_request -D /i/trace.log " +
           devices + "\n";
}

const std::set<std::string> nothing_new{"other"};
const std::string pc = "pc,accel=tcg -cpu qemu64 -m 512 -smp 1";

} // namespace

TEST_CASE("S-283: Debian 5, as the guide writes it", "[create_conf][real]") {
    Site site;
    const auto made = site.run(R"(OS=Linux \
OSREL=2.6.26-1-amd64 \
DIST=debian \
DISTREL=5.0.0 \
MAC=00:50:56:16:11:0b \
ACCELERATOR=KVM \
ctys-createConfVM \
-t QEMU \
--label=inst010 --auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(site.names("inst010") ==
          std::set<std::string>{"inst010.ctys", "inst010.sh", "inst010.preseed", "hda.img"});
    CHECK(has(image_facts(site, "inst010/hda.img"), "\"virtual-size\": 8589934592"));
    CHECK(has(image_facts(site, "inst010/hda.img"), "\"format\": \"raw\""));
    CHECK(call_of(site, "inst010", "") ==
          expected_call(site,
                        "/usr/bin/qemu-system-x86_64",
                        "inst010",
                        pc,
                        "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=00:50:56:16:11:0b "
                        "-vga std -drive file=" +
                            site.path("inst010/hda.img") + ",format=raw,if=ide"));
}

TEST_CASE("S-284: CentOS 5.4 over an image that is there", "[create_conf][real]") {
    Site site;
    site.write(site.path("tst488/hda.img"), std::string(1 << 20, '\1'));
    site.write(site.home(".ctys/db/default/macmap.fdb"),
               "tst488;00:50:56:13:11:40;172.20.2.232;\n");
    const auto made = site.run(R"(ACCELERATOR=KVM \
DIST=CentOS \
RELEASE=5.4 \
OS=Linux \
OSVERSION=2.6.18 \
ctys-createConfVM \
-t QEMU \
--label=tst488 \
--no-create-image \
--auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(site.names("tst488") ==
          std::set<std::string>{
              "tst488.ctys", "tst488.sh", "tst488.ks", "tst488-seed.img", "hda.img"});
    CHECK(text_of(site.path("tst488/hda.img")) == std::string(1 << 20, '\1'));
    CHECK(site.value("tst488", "IP0") == "172.20.2.232");
    CHECK(call_of(site, "tst488", "") ==
          expected_call(site,
                        "/usr/bin/qemu-system-x86_64",
                        "tst488",
                        pc,
                        "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=00:50:56:13:11:40 "
                        "-vga std -drive file=" +
                            site.path("tst488/hda.img") + ",format=raw,if=ide"));
}

TEST_CASE("S-285: QNX, and its installation from the named DVD", "[create_conf][real]") {
    Site site;
    const auto made = site.run(
        R"(INSTCDROM=/mntn/swpool/miscOS/QNX/6.4.0/raw/qnxsdp-6.4.0-200810211530-dvd.iso \
MAC=00:50:56:13:13:18 \
IP=172.20.6.23 \
DIST=QNX-SDP \
DISTREL=6.4.0 \
OS=QNX \
OSREL=6.2.3 \
ctys-createConfVM \
-t qemu \
--label=tst323 \
--auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(site.names("tst323") == std::set<std::string>{"tst323.ctys", "tst323.sh", "hda.img"});
    CHECK(site.value("tst323", "INSTSRCCDROM") ==
          "/mntn/swpool/miscOS/QNX/6.4.0/raw/qnxsdp-6.4.0-200810211530-dvd.iso");
    const auto devices = "-netdev user,id=net0 -device rtl8139,netdev=net0,mac=00:50:56:13:13:18 ";
    const auto disk = "-drive file=" + site.path("tst323/hda.img") + ",format=raw,if=ide";
    CHECK(call_of(site, "tst323", "") ==
          expected_call(
              site, "/usr/bin/qemu-system-x86_64", "tst323", pc, devices + ("-vga std " + disk)));
    site.write(site.path("a.iso"), "x");
    CHECK(call_of(site, "tst323", "--instmode=CD%" + site.path("a.iso")) ==
          expected_call(site,
                        "/usr/bin/qemu-system-x86_64",
                        "tst323",
                        pc,
                        devices + ("-drive media=cdrom,readonly=on,format=raw,file=" +
                                   site.path("a.iso") + " -vga std -boot order=d " + disk)));
}

TEST_CASE("S-286: ucLinux on an ARM926", "[create_conf][real]") {
    Site site;
    const auto made = site.run(R"(ACCELERATOR=QEMU \
STARTERCALL=/opt/qemu/bin/qemu-system-arm \
ARCH=arm926 \
NETMASK=255.255.0.0 \
MAC=00:50:56:13:13:19 \
IP=172.20.6.24 \
DIST=QEMU-arm-test \
DISTREL=0.9.1-0.2 \
OS=ucLinux \
OSREL=2.x \
MEMSIZE=128 \
HDDBOOTIMAGE_INST_SIZE=2G \
HDDBOOTIMAGE_INST_BLOCKCOUNT=8 \
INST_KERNEL=zImage.integrator \
INST_INITRD=arm_root.img \
ctys-createConfVM \
-t QEMU \
--label=tst324 \
--auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(has(image_facts(site, "tst324/hda.img"), "\"virtual-size\": 2147483648"));
    site.write(site.path("tst324/zImage.integrator"), "x");
    site.write(site.path("tst324/arm_root.img"), "x");
    CHECK(call_of(site, "tst324", "--startercall=/bin/true") ==
          expected_call(site,
                        "/bin/true",
                        "tst324",
                        "integratorcp,accel=tcg -cpu arm926 -m 128 -smp 1",
                        "-netdev user,id=net0 -net nic,netdev=net0,macaddr=00:50:56:13:13:19 "
                        "-kernel " +
                            site.path("tst324/zImage.integrator") + " -initrd " +
                            site.path("tst324/arm_root.img") +
                            " -append console=ttyAMA0 -drive file=" + site.path("tst324/hda.img") +
                            ",format=raw,if=sd"));
    CHECK(site.value("tst324", "STARTERCALL") == "/opt/qemu/bin/qemu-system-arm");
}

TEST_CASE("S-287: ucLinux on a ColdFire", "[create_conf][real]") {
    Site site;
    const auto made = site.run(R"(ACCELERATOR=QEMU \
STARTERCALL=/opt/qemu/bin/qemu-system-m68k \
ARCH=ColdFire \
NETMASK=255.255.0.0 \
MAC=00:50:56:13:13:1a \
IP=172.20.6.25 \
DIST=QEMU-coldfire-test \
DISTREL=0.9.1-0.1 \
OS=ucLinux \
OSREL=2.x \
MEMSIZE=128 \
HDDBOOTIMAGE_INST_SIZE=2G \
HDDBOOTIMAGE_INST_BLOCKCOUNT=8 \
INST_KERNEL=vmlinux-2.6.21-uc0 \
ctys-createConfVM \
-t QEMU \
--label=tst325 \
--auto-all)");

    CAPTURE(made.said);
    REQUIRE(made.status == 0);
    CHECK(has(image_facts(site, "tst325/hda.img"), "\"virtual-size\": 2147483648"));
    site.write(site.path("tst325/vmlinux-2.6.21-uc0"), "x");
    CHECK(call_of(site, "tst325", "--startercall=/bin/true") ==
          expected_call(site,
                        "/bin/true",
                        "tst325",
                        "mcf5208evb,accel=tcg -cpu any -m 128 -smp 1",
                        "-netdev user,id=net0 -net nic,netdev=net0,macaddr=00:50:56:13:13:1a "
                        "-kernel " +
                            site.path("tst325/vmlinux-2.6.21-uc0") +
                            " -drive file=" + site.path("tst325/hda.img") + ",format=raw,if=none"));
}

namespace {

// One of the calls above, as far as QEMU sees it.
struct SeedCall {
    std::string label;
    std::string variables;
    std::string machine;
    std::string program;
    std::string guest; ///< the file that is booted
};

// Starts the VM, and ends it when its guest has spoken on the serial console.
Ran boot_once(const Site& site, const SeedCall& call) {
    return site.run("mkdir -m 700 i; sh " + call.label + "/" + call.label +
                    ".sh --instance-dir=$PWD/i --startercall=$(command -v " + call.program +
                    ") > said 2>&1 < /dev/null & "
                    "timeout 100 tail -q -F --pid=$! i/serial.log 2> /dev/null | grep -q -m1 up; "
                    "found=$?; cat said; "
                    "kill -KILL $(sed -n \"s/^qemu_pid //p\" i/instance); wait; exit $found");
}

} // namespace

TEST_CASE("a guest boots on the machine and the CPU of each kind of seed call",
          "[create_conf][real]") {
    const auto call = GENERATE(values<SeedCall>({
        {"inst010", "DIST=debian DISTREL=5.0.0 MEMSIZE=32", "pc", "qemu-system-x86_64", "hda.img"},
        {"tst324",
         "ARCH=arm926 DIST=QEMU-arm-test DISTREL=0.9.1-0.2 HDDBOOTIMAGE_INST_SIZE=2G "
         "INST_KERNEL=zImage.integrator INST_INITRD=arm_root.img",
         "integratorcp",
         "qemu-system-arm",
         "zImage.integrator"},
        {"tst325",
         "ARCH=ColdFire DIST=QEMU-coldfire-test DISTREL=0.9.1-0.1 "
         "INST_KERNEL=vmlinux-2.6.21-uc0",
         "mcf5208evb",
         "qemu-system-m68k",
         "vmlinux-2.6.21-uc0"},
    }));
    Site site;
    if (site.run("command -v " + call.program).status != 0) {
        WARN("no " << call.program << " in PATH, so nothing is shown about " << call.machine);
        return;
    }
    REQUIRE(site.run("ACCELERATOR=QEMU " + call.variables +
                     " ctys-createConfVM --auto-all --label=" + call.label)
                .status == 0);
    REQUIRE(site.value(call.label, "MACHINE") == call.machine);
    const auto kernel = board_kernel(call.machine);
    const auto guest = site.path(call.label + "/" + call.guest);
    site.write(site.path(call.label + "/arm_root.img"), "x");
    if (kernel.empty()) write_guest_image(guest, Guest::Idle);
    if (!kernel.empty()) site.write(guest, {kernel.begin(), kernel.end()});

    const auto booted = boot_once(site, call);

    CAPTURE(booted.said);
    CHECK(booted.status == 0);
}

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

TEST_CASE("a VM on another machine is refused in words", "[create_conf][real]") {
    Site site;

    const auto ran = site.run("ctys-createConfVM -t QEMU --label=web --auto-all tst@app1");

    CHECK(ran.status == 1);
    CHECK(ran.said ==
          "ctys-createConfVM: tst@app1: a VM on another machine comes later; make it there\n"
          "      try: ssh tst@app1 ctys-createConfVM --label=NAME --auto-all\n");
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
