#include "tools/qemu_call/request.h"

#include <catch2/catch.hpp>

using namespace ctys;
using namespace ctys::call;

namespace {

Request read(std::vector<std::string> assignments, const ModeOptions& modes = {}) {
    return read_request(assignments, "/vm/web", modes);
}

} // namespace

TEST_CASE("the wrapper's variables become a plan", "[qemu]") {
    const auto request = read({"LABEL=web",
                               "UUID=1B4E28BA-2FA1-11D2-883F-0016D3CCA427",
                               "MAC0=52:54:00:AA:BB:01",
                               "MEMSIZE=1G",
                               "SMP=2",
                               "ARCH=amd64",
                               "CPU=",
                               "ACCELERATOR=KVM",
                               "HDDBOOTIMAGE=disk.qcow2",
                               "IMAGEFORMAT=qcow2",
                               "KERNELIMAGE=/boot/vmlinuz",
                               "APPEND=a=b c",
                               "NETWORK=user",
                               "SNAPSHOT=yes",
                               "READONLY=off",
                               "ARGSADD=-rtc 'base=local time'"});

    CHECK(request.problems.empty());
    CHECK(request.kvm == KvmWish::Kvm);
    const auto& plan = request.plan;
    CHECK(plan.binary == "qemu-system-x86_64");
    CHECK(plan.label == "web");
    CHECK(plan.uuid.to_string() == "1b4e28ba-2fa1-11d2-883f-0016d3cca427");
    CHECK(plan.mac0 == "52:54:00:aa:bb:01");
    CHECK(plan.memory_mb == 1024);
    CHECK(plan.vcpus == 2);
    CHECK(plan.cpu == "qemu64");
    CHECK(plan.boot == qemu::Disk{.file = "/vm/web/disk.qcow2", .format = "qcow2"});
    CHECK(plan.kernel == "/boot/vmlinuz");
    CHECK(plan.append == "a=b c");
    CHECK(plan.user_network);
    CHECK(plan.snapshot);
    CHECK_FALSE(plan.read_only);
    CHECK(plan.extra == std::vector<std::string>{"-rtc", "base=local time"});
}

TEST_CASE("a configuration chooses the card, and the bus of its disk", "[qemu]") {
    const auto request =
        read({"LABEL=web", "HDDBOOTIMAGE=hda.img", "NIC=RTL8139", "IMAGEINTERFACE=sd"});

    CHECK(request.problems.empty());
    CHECK(request.plan.nic_model == "rtl8139");
    CHECK(request.plan.boot == qemu::Disk{.file = "/vm/web/hda.img", .interface = "sd"});
    CHECK(read({"NIC=virtio"}).plan.nic_model == "virtio-net-pci");
}

TEST_CASE("GUESTAGENT asks for a channel where the board can have one", "[qemu]") {
    const auto read_of = [](const std::string& more) {
        return read({"LABEL=web", "HDDBOOTIMAGE=hda.img", more, "GUESTAGENT=yes"});
    };
    CHECK(read_of("ARCH=x86_64").problems.empty());
    CHECK(read_of("ARCH=x86_64").plan.guest_agent);
    CHECK_FALSE(read({"LABEL=web", "GUESTAGENT=no"}).plan.guest_agent);

    CHECK(read_of("ARCH=sparc").problems ==
          std::vector<Problem>{{"GUESTAGENT",
                                "the board SS-5 takes no virtio device, and the channel to a "
                                "guest agent is one"}});
}

TEST_CASE("each wrong value is a problem that names its key", "[qemu]") {
    const auto [assignment, problem] = GENERATE(table<std::string, Problem>({
        {"LABEL=a b", {"LABEL", "\"a b\" is not a label"}},
        {"UUID=x", {"UUID", "\"x\" is not a UUID"}},
        {"MAC0=x", {"MAC0", "\"x\" is not a MAC address"}},
        {"MEMSIZE=0", {"MEMSIZE", "\"0\" is not a size in MB"}},
        {"SMP=0", {"SMP", "\"0\" is not 1 to 1024 CPUs"}},
        {"ACCELERATOR=KQEMU", {"ACCELERATOR", "KQEMU does not exist any more; use KVM or QEMU"}},
        {"CPU=help", {"CPU", "\"help\" asks QEMU for its list, and starts nothing"}},
        {"CPU=?", {"CPU", "\"?\" asks QEMU for its list, and starts nothing"}},
        {"MACHINE=help", {"MACHINE", "\"help\" asks QEMU for its list, and starts nothing"}},
        {"NIC=HELP", {"NIC", "\"HELP\" asks QEMU for its list, and starts nothing"}},
        {"NETWORK=tap", {"NETWORK", "\"tap\" is not user, vde or none"}},
        {"QEMUSOCK=sw", {"QEMUSOCK", "the folder of a switch must be an absolute path, not sw"}},
        {"SNAPSHOT=maybe", {"SNAPSHOT", "\"maybe\" is not yes or no"}},
        {"GUESTAGENT=qga", {"GUESTAGENT", "\"qga\" is not yes or no"}},
        {"ARGSADD=-append 'a", {"ARGSADD", "a quote ' is not closed"}},
        {"VGADRIVER=\"", {"VGADRIVER", "a quote \" is not closed"}},
        {"TIMEOPT=-startdate", {"", "-startdate is the last word and lacks its argument"}},
        {"FROBNICATE=1", {"FROBNICATE", "is not a key of this program"}},
        {"nonsense", {"", "not KEY=VALUE: nonsense"}},
    }));
    CAPTURE(assignment);

    const auto request = read({"LABEL=web", "HDDBOOTIMAGE=/a", assignment});

    CHECK(request.problems == std::vector<Problem>{problem});
}

TEST_CASE("a VM is on the switch of its user, or on that of QEMUSOCK", "[qemu]") {
    const auto read_as = [](const std::string& more) {
        const std::vector<std::string> assignments{
            "LABEL=web", "HDDBOOTIMAGE=/a", "MAC0=52:54:00:00:00:01", "NETWORK=vde", more};
        return read_request(assignments, "/vm/web", {}, "alice");
    };

    const auto own = read_as("QEMUSOCK=");
    CHECK(own.problems.empty());
    CHECK(own.notes.empty());
    CHECK(own.plan.vde_switch == "/var/tmp/vde_switch0.alice");
    CHECK(own.own_switch);
    CHECK_FALSE(own.plan.user_network);

    const auto named = read_as("QEMUSOCK=/srv/sw");
    CHECK(named.plan.vde_switch == "/srv/sw");
    CHECK_FALSE(named.own_switch);
}

TEST_CASE("a configuration of the original that names no network means VDE", "[qemu]") {
    const auto network = [](std::vector<std::string> more) {
        more.insert(more.end(), {"LABEL=web", "HDDBOOTIMAGE=/a"});
        const auto request = read_request(more, "/vm/web", {}, "alice");
        return request.plan.user_network ? "user" : request.plan.vde_switch;
    };

    CHECK(network({"VDE_DEQ=/opt/vde/bin/vdeq"}) == "/var/tmp/vde_switch0.alice");
    CHECK(network({"QEMUSOCK=/sw"}) == "/sw");
    CHECK(network({"QEMUSOCK=/sw", "NETWORK=user"}) == "user");
    CHECK(network({"VDE_DEQ=vdeq", "QEMUSOCK=/sw", "NETWORK=none"}).empty());
    CHECK(network({}).empty());
}

TEST_CASE("a card without an address of its own on a switch is told", "[qemu]") {
    CHECK(read({"LABEL=web", "HDDBOOTIMAGE=/a", "NETWORK=vde"}).notes ==
          std::vector<std::string>{"MAC0 is empty: the card has QEMU's own address, as that of "
                                   "every other VM without one on this switch"});
}

TEST_CASE("a VM needs a label and something to boot", "[qemu]") {
    CHECK(read({}).problems ==
          std::vector<Problem>{{"LABEL", "is missing"},
                               {"HDDBOOTIMAGE", "is missing, and there is no KERNELIMAGE either"}});
    CHECK(read({"LABEL=web", "KERNELIMAGE=/k"}).problems.empty());
}

TEST_CASE("variables of media change nothing where no mode is asked for", "[qemu]") {
    const auto plain = read({"LABEL=web", "HDDBOOTIMAGE=a.img"});

    CHECK(read({"LABEL=web",
                "HDDBOOTIMAGE=a.img",
                "INSTSRCCDROM=/iso/a.iso",
                "FDDIMAGE=f.img",
                "DEFAULTINSTMODE=tape",
                "DEFAULTBOOTMODE=HDD",
                "HDDBOOTIMAGE_INST_SIZE=big"}) == plain);
    CHECK(plain.files == std::vector<qemu::NeededFile>{{"HDDBOOTIMAGE", "/vm/web/a.img", true}});
}

TEST_CASE("a boot mode takes its medium from the configuration", "[qemu]") {
    const auto request =
        read({"LABEL=web", "HDDBOOTIMAGE=a.img", "INSTSRCCDROM=b.iso"}, {.boot = "CD"});

    CHECK(request.problems.empty());
    CHECK(request.plan.cdrom == "/vm/web/b.iso");
    CHECK(request.plan.boot_order == "d");
    CHECK(request.files == std::vector<qemu::NeededFile>{{"INSTSRCCDROM", "/vm/web/b.iso", false},
                                                         {"HDDBOOTIMAGE", "/vm/web/a.img", true}});
}

TEST_CASE("a VM without a disk is there for a CD, a floppy or a network", "[qemu]") {
    CHECK(read({"LABEL=web"}, {.boot = "CD%/a.iso"}).problems.empty());
    CHECK(read({"LABEL=web"}, {.boot = "FDD%/a.img"}).problems.empty());
    CHECK(read({"LABEL=web", "NETWORK=user"}, {.boot = "PXE"}).problems.empty());
    CHECK(read({"LABEL=web"}, {.kernel = "vmlinuz"}).problems.empty());
}

TEST_CASE("DEFAULTBOOTMODE is what is booted where no mode is asked for", "[qemu]") {
    const std::vector<std::string> cd{
        "LABEL=web", "HDDBOOTIMAGE=a.img", "KERNELIMAGE=/k", "DEFAULTBOOTMODE=CD%b.iso"};

    const auto request = read(cd);

    CHECK(request.plan.boot_order == "d");
    CHECK(request.plan.kernel == "/k");
    CHECK(request.files.front() == qemu::NeededFile{"DEFAULTBOOTMODE", "/vm/web/b.iso", false});
    CHECK(read(cd, {.boot = "HDD"}).plan.boot_order == "c");
    CHECK(read({"LABEL=web", "HDDBOOTIMAGE=a.img", "DEFAULTBOOTMODE=tape"}).problems.size() == 1);
}

TEST_CASE("the configured kernel is not booted in place of a mode, and that is told", "[qemu]") {
    const auto modes = GENERATE(ModeOptions{.boot = "HDD"},
                                ModeOptions{.install = "CD%/b.iso"},
                                ModeOptions{.install = "CD%/b.iso", .init = true});

    const auto request =
        read({"LABEL=web", "HDDBOOTIMAGE=a.img", "KERNELIMAGE=/k", "APPEND=quiet"}, modes);

    CHECK(request.problems.empty());
    CHECK(request.plan.kernel.empty());
    CHECK(request.plan.append.empty());
    CHECK(request.notes ==
          std::vector<std::string>{
              "KERNELIMAGE is not booted, a mode is asked for; --kernelmode= boots it"});
}

TEST_CASE("a boot index in the words of a configuration is told beside a mode", "[qemu]") {
    const std::vector<std::string> words{
        "LABEL=web", "HDDBOOTIMAGE=a.img", "ARGSADD=-device virtio-blk,drive=a,bootindex=0"};

    CHECK(read(words).notes.empty());
    CHECK(read(words, {.boot = "HDD"}).notes ==
          std::vector<std::string>{"bootindex= in VGADRIVER, TIMEOPT or ARGSADD goes before the "
                                   "mode that is asked for"});
}

TEST_CASE("force without INIT is told to do nothing", "[qemu]") {
    const std::vector<std::string> vm{"LABEL=web", "HDDBOOTIMAGE=a.img"};
    const std::vector<std::string> told{"--force does nothing without the stage INIT"};

    CHECK(read(vm, {.force = true}).notes == told);
    CHECK(read(vm, {.install = "CD%/b.iso%HDD%default%none", .force = true}).notes == told);
    CHECK(read(vm, {.install = "CD%/b.iso%HDD%default%INIT", .force = true}).notes.empty());
}

TEST_CASE("a network in ARGSADD is one to boot from", "[qemu]") {
    const auto with = [](const std::string& words) {
        return read({"LABEL=web", "HDDBOOTIMAGE=a.img", "ARGSADD=" + words}, {.boot = "PXE"});
    };

    CHECK(with("-net nic,vlan=0,model=e1000 -net vde,sock=/s").problems.empty());
    CHECK(with("-netdev vde,id=n -device e1000,netdev=n").plan.boot_order == "n");
    CHECK(with("-nic none").problems ==
          std::vector<Problem>{
              {"", "BOOTMODE: PXE needs a network: NETWORK=user or vde", ErrorCode::Usage}});
}

TEST_CASE("storage alone needs no source and no SNAPSHOT=no", "[qemu]") {
    const auto request = read({"LABEL=web", "HDDBOOTIMAGE=a.img", "SNAPSHOT=yes"},
                              {.init = true, .init_only = true});

    CHECK(request.problems.empty());
    CHECK(request.storage_only);
    REQUIRE(request.target);
    CHECK(request.target->file == "/vm/web/a.img");
    CHECK(request.target->stage == qemu::Stage::Init);
    CHECK(request.files.empty());
    CHECK(request.configured == qemu::Disk{.file = "/vm/web/a.img"});
}

TEST_CASE("a read-only disk needs not be written", "[qemu]") {
    CHECK(read({"LABEL=web", "HDDBOOTIMAGE=/a", "READONLY=yes"}).files ==
          std::vector<qemu::NeededFile>{{"HDDBOOTIMAGE", "/a", false}});
}

TEST_CASE("an installation goes before a boot mode", "[qemu]") {
    const auto request = read({"LABEL=web", "HDDBOOTIMAGE=a.img"},
                              {.boot = "PXE", .install = "CD%/b.iso%HDD%default%none"});

    CHECK(request.problems.empty());
    CHECK(request.plan.boot_order == "d");
    REQUIRE(request.target);
    CHECK(request.target->stage == qemu::Stage::Keep);
}

TEST_CASE("a wrong boot mode is one beside an installation, too", "[qemu]") {
    const auto mode = GENERATE("", "CDD");
    CAPTURE(mode);

    const auto request = read({"LABEL=web", "HDDBOOTIMAGE=a.img"},
                              {.boot = mode, .install = "CD%/b.iso%HDD%default%INIT"});

    CHECK(request.problems.size() == 1);
    CHECK_FALSE(request.target);
}

TEST_CASE("the stage INIT comes from the option of its own too", "[qemu]") {
    const auto request = read({"LABEL=web", "HDDBOOTIMAGE=a.img", "DEFAULTINSTSOURCE=/b.iso"},
                              {.init = true, .force = true});

    REQUIRE(request.target);
    CHECK(request.target->stage == qemu::Stage::Init);
    CHECK(request.force);
}

TEST_CASE("a kernel of the call is booted with a boot mode too", "[qemu]") {
    const auto request = read({"LABEL=web", "HDDBOOTIMAGE=a.img", "KERNELIMAGE=/k"},
                              {.boot = "HDD", .kernel = "vmlinuz%initrd%quiet%debug"});

    CHECK(request.problems.empty());
    CHECK(request.plan.kernel == "/vm/web/vmlinuz");
    CHECK(request.plan.initrd == "/vm/web/initrd");
    CHECK(request.plan.append == "quiet debug");
    CHECK(request.plan.boot_order == "c");
}

TEST_CASE("a wrong mode is the only problem of a sound configuration", "[qemu]") {
    CHECK(read({"LABEL=web", "HDDBOOTIMAGE=a.img"}, {.boot = "CDD"}).problems ==
          std::vector<Problem>{{"",
                                "BOOTMODE, column 1, mode: \"CDD\" is not CD, DVD, FDD, HDD, VHDD, "
                                "USB, PXE or INSTALL; the nearest is CD",
                                ErrorCode::Usage}});
    CHECK(read({"LABEL=web"}, {.kernel = ""}).problems ==
          std::vector<Problem>{{"",
                                "KERNEL: no kernel is named; KERNELIMAGE= of the configuration or "
                                "a path does",
                                ErrorCode::Usage}});
}

TEST_CASE("added arguments split as words of a shell, without expansion", "[qemu]") {
    using Words = std::vector<std::string>;
    CHECK(split_words("").value() == Words{});
    CHECK(split_words("  -a  b ").value() == Words{"-a", "b"});
    CHECK(split_words("-a 'b $c' \"d\\\"e\" f\\ g ''").value() ==
          Words{"-a", "b $c", "d\"e", "f g", ""});
    CHECK(split_words("$(id) `id`").value() == Words{"$(id)", "`id`"});
    CHECK_FALSE(split_words("\"a"));
}

TEST_CASE("option words of the original are translated together, screen and clock first",
          "[qemu]") {
    const auto request = read({"LABEL=web",
                               "HDDBOOTIMAGE=/a",
                               "ARGSADD=-redir tcp:5555::22 -net user",
                               "TIMEOPT=-localtime",
                               "VGADRIVER= -vga cirrus "});

    CHECK(request.problems.empty());
    CHECK(request.plan.extra ==
          std::vector<std::string>{
              "-vga", "cirrus", "-rtc", "base=localtime", "-net", "user,hostfwd=tcp::5555-:22"});
    CHECK(request.notes ==
          std::vector<std::string>{
              "-localtime is gone from QEMU 7.2; -rtc base=localtime takes its place",
              "-redir tcp:5555::22 is gone from QEMU 7.2; hostfwd=tcp::5555-:22 of the user "
              "network takes its place"});
}

TEST_CASE("a forward of old finds the network of the VM", "[qemu]") {
    const auto request = read(
        {"LABEL=web", "HDDBOOTIMAGE=/a", "NETWORK=user", "ARGSADD=-redir tcp:5555::22 -tftp /srv"});

    CHECK(request.problems.empty());
    CHECK(request.plan.extra.empty());
    CHECK(request.plan.network_options ==
          std::vector<std::string>{"hostfwd=tcp::5555-:22", "tftp=/srv"});
}

TEST_CASE("further disks are kept for what is there, and not for an installation", "[qemu]") {
    const std::vector<std::string> values{"LABEL=web",
                                          "HDDBOOTIMAGE=hda.img",
                                          "HDB=hdb.img",
                                          "HDD=/data.qcow2",
                                          "HDC=",
                                          "INSTSRCCDROM=/iso/a.iso"};

    CHECK(
        read(values).further ==
        std::vector<FurtherDisk>{{"HDB", {.file = "/vm/web/hdb.img", .index = 1}},
                                 {"HDD", {.file = "/data.qcow2", .format = "qcow2", .index = 3}}});
    CHECK(read(values).plan.more_disks.empty());
    CHECK(read(values, {.install = "CD"}).further.empty());
}

TEST_CASE("option words and the plan are those of the QEMU that is started", "[qemu]") {
    const std::vector<std::string> values{"LABEL=web", "HDDBOOTIMAGE=a.img", "ARGSADD=-no-acpi"};

    const auto usual = read_request(values, "/vm/web");
    const auto later = read_request(values, "/vm/web", {}, {}, {9, 2});

    CHECK(usual.plan.version == qemu::usual_version);
    CHECK(usual.plan.extra == std::vector<std::string>{"-no-acpi"});
    CHECK(usual.notes.empty());
    CHECK(later.plan.version == qemu::QemuVersion{9, 2});
    CHECK(later.plan.extra == std::vector<std::string>{"-machine", "acpi=off"});
    CHECK(later.notes == std::vector<std::string>{"-no-acpi is gone from QEMU 9.0; -machine "
                                                  "acpi=off takes its place"});
}

TEST_CASE("a free display is chosen later, unless the call names one", "[call]") {
    const auto asked = read({"LABEL=web", "HDDBOOTIMAGE=/a", "VNCACCESSDISPLAY=Free"});
    CHECK(asked.problems.empty());
    CHECK(asked.free_display);
    CHECK(asked.plan.vnc_display.has_value());

    CHECK(read({"LABEL=web", "HDDBOOTIMAGE=/a"}, {.vnc_display = "free"}).free_display);
    const auto named =
        read({"LABEL=web", "HDDBOOTIMAGE=/a", "VNCACCESSDISPLAY=free"}, {.vnc_display = "7"});
    CHECK_FALSE(named.free_display);
    CHECK(named.plan.vnc_display == 7U);
    // Where there is no VNC, none is looked for.
    CHECK_FALSE(read({"LABEL=web", "HDDBOOTIMAGE=/a", "VNCACCESSDISPLAY=free"}, {.console = "NONE"})
                    .free_display);
}

TEST_CASE("an option -nographic is the caller's terminal, unless the call names a console",
          "[call]") {
    const auto* key = GENERATE("ARGSADD", "VGADRIVER");
    const std::vector<std::string> values{
        "LABEL=web", "HDDBOOTIMAGE=/a", "CONSOLE=VNC", std::string{key} + "= -nographic "};

    const auto request = read(values);

    CHECK(request.attached);
    CHECK(request.nographic);
    CHECK(request.plan.firmware_on_serial);
    CHECK(request.plan.vnc);
    CHECK_FALSE(read(values, {.console = "VNC"}).attached);
}
